import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { claimDataFolder, type DaemonFacts } from '../../src/control/daemon-file.js'
import { findDaemon, requireDaemon } from '../../src/control/find-daemon.js'
import { ChaincodedError } from '../../src/errors.js'

const facts: DaemonFacts = {
  gatewayAddress: '127.0.0.1:7051',
  gatewayTls: true,
  chaincodeAddress: '127.0.0.1:7052',
  mspId: 'Org1MSP',
  defaultChannel: 'mychannel',
  version: '0.1.0',
  startedAt: '2026-01-01T00:00:00.000Z',
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.end()).listen(path)
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

const refusal = async (work: Promise<unknown>): Promise<ChaincodedError> => {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  )
  if (error instanceof ChaincodedError) return error
  throw error
}

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  return child.pid!
}

describe('daemon file', () => {
  let path: string
  let file: string
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'cd-'))
    file = join(path, 'daemon.json')
  })
  afterEach(() => rmSync(path, { recursive: true }))

  it('is private, tells a client what it needs while the daemon serves, and goes with it', async () => {
    const claim = await claimDataFolder(path)
    expect(await findDaemon(path)).to.equal(undefined)
    const server = await listen(claim.controlSocket)
    claim.publish(facts)
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(await findDaemon(path)).to.deep.equal({
      ...facts,
      pid: process.pid,
      controlSocket: join(path, 'control.sock'),
      dataDir: path,
    })
    await close(server)
    claim.release()
    expect(readdirSync(path)).to.deep.equal([])
    claim.release()
  })

  it('keeps a second daemon of the same process away', async () => {
    const claim = await claimDataFolder(path)
    const error = await refusal(claimDataFolder(path))
    expect(error.message).to.equal(`a daemon (pid ${process.pid}) already uses the data folder ${path}`)
    claim.release()
    ;(await claimDataFolder(path)).release()
  })

  it('keeps a second daemon away from one that serves in another process', async () => {
    const controlSocket = join(path, 'control.sock')
    const server = await listen(controlSocket)
    writeFileSync(file, JSON.stringify({ pid: 4_000_000, controlSocket, facts }))
    const error = await refusal(claimDataFolder(path))
    expect(error.code).to.equal('DATA_FOLDER_IN_USE')
    expect(error.message).to.contain('(pid 4000000)').and.to.contain('serving 127.0.0.1:7051')
    await close(server)
  })

  it('keeps a second daemon away from one that is still starting', async () => {
    writeFileSync(file, JSON.stringify({ pid: process.ppid, controlSocket: join(path, 'control.sock') }))
    expect((await refusal(claimDataFolder(path))).code).to.equal('DATA_FOLDER_IN_USE')
  })

  it('lets one of many claims win', async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => claimDataFolder(path)))
    const won = results.filter((result) => result.status === 'fulfilled')
    expect(won).to.have.length(1)
    won[0]!.value.release()
    expect(readdirSync(path)).to.deep.equal([])
  })

  const leftovers: [string, () => Promise<string> | string][] = [
    [
      'of a process that is gone',
      async () => JSON.stringify({ pid: await deadPid(), controlSocket: join(path, 'control.sock') }),
    ],
    [
      'whose pid another process has by now',
      () => JSON.stringify({ pid: process.ppid, controlSocket: join(path, 'control.sock'), facts }),
    ],
    ['that is cut off', () => '{"pid": 1'],
    ['that is empty', () => ''],
  ]
  for (const [what, content] of leftovers) {
    it(`is taken over from a daemon ${what}, with its socket`, async () => {
      writeFileSync(file, await content())
      expect(await findDaemon(path)).to.equal(undefined)
      const claim = await claimDataFolder(path)
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.include({ pid: process.pid })
      claim.release()
      expect(readdirSync(path)).to.deep.equal([])
    })
  }

  it('never makes a claim remove a file that is no socket of ours', async () => {
    const treasure = join(path, 'treasure')
    writeFileSync(treasure, '')
    writeFileSync(file, JSON.stringify({ pid: await deadPid(), controlSocket: treasure, facts }))
    ;(await claimDataFolder(path)).release()
    expect(existsSync(treasure)).to.equal(true)
  })

  it('names a short socket elsewhere where the folder has a long path', async () => {
    const long = join(path, 'x'.repeat(100))
    mkdirSync(long)
    const claim = await claimDataFolder(long)
    const server = await listen(claim.controlSocket)
    claim.publish(facts)
    expect(claim.controlSocket.startsWith(tmpdir())).to.equal(true)
    expect(statSync(dirname(claim.controlSocket)).mode & 0o777).to.equal(0o700)
    expect((await findDaemon(long))?.controlSocket).to.equal(claim.controlSocket)
    await close(server)
    claim.release()
    expect(existsSync(dirname(claim.controlSocket))).to.equal(false)
  })

  it('says so where no daemon serves', async () => {
    const error = await refusal(requireDaemon(path))
    expect([error.code, error.message]).to.deep.equal(['NO_DAEMON', `no daemon serves the data folder ${path}`])
  })
})
