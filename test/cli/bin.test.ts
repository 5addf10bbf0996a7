import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { chaincodeInfo } from './fake-daemon.js'
import { ServedDaemon } from './served-daemon.js'

const bin = fileURLToPath(new URL('../../src/bin.ts', import.meta.url))

describe('the program', () => {
  let folder: string
  const children: ChildProcess[] = []
  const run = (...words: string[]) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx/esm'), bin, ...words], {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    return child
  }
  const result = async (...words: string[]) => {
    const child = run(...words)
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { exitCode: child.exitCode, stdout, stderr }
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cd-bin-'))
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('gives the exit code and the outputs of the command line to its process', async () => {
    expect(await result('version', '--verbos')).to.deep.equal({
      exitCode: 2,
      stdout: '',
      stderr: "chaincoded: unknown option '--verbos'\n(Did you mean --verbose?)\nhint: chaincoded version --help\n",
    })
  })

  it('runs a daemon that a second process finds, and that ends with SIGTERM, leaving nothing', async () => {
    const daemon = run('start', '--json', '--gateway', '127.0.0.1:0', '--chaincode-listen', '127.0.0.1:0')
    const [line] = (await once(daemon.stdout!, 'data')) as [Buffer]
    const { gatewayAddress } = JSON.parse(String(line)) as { gatewayAddress: string }
    const status = await result('status', '--json')
    expect(status).to.include({ exitCode: 0, stderr: '' })
    expect(JSON.parse(status.stdout)).to.include({ gatewayAddress, state: 'serving', pid: daemon.pid })

    const second = await result('start')
    expect(second.exitCode).to.equal(1)
    expect(second.stderr).to.contain(`a daemon (pid ${daemon.pid}) already uses the data folder`)

    daemon.kill('SIGTERM')
    await once(daemon, 'close')
    expect([daemon.exitCode, daemon.signalCode]).to.deep.equal([0, null])
    expect(existsSync(join(folder, '.chaincoded', 'daemon.json'))).to.equal(false)
    expect((await result('status')).exitCode).to.equal(3)
  })

  it('ends quietly when nobody reads its output any more', async () => {
    const served = new ServedDaemon()
    served.daemon.chaincodes = [chaincodeInfo('a')]
    // More than a pipe holds, so that the program still writes when the reader leaves.
    for (let index = 0; index < 2000; index += 1) served.daemon.say('a', 'x'.repeat(500))
    await served.start()
    const child = run('logs', 'a', '--data', served.folder)
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    const stderr = await text(child.stderr!)
    if (child.exitCode === null) await once(child, 'exit')
    expect([child.exitCode, stderr]).to.deep.equal([0, ''])
    await served.end()
  })
})
