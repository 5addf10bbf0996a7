import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import { expect } from 'chai'
import { connectControl, type ControlConnection } from '../../src/control/control-client.js'
import { serveControl, type ServedControl } from '../../src/control/serve-control.js'
import type { DaemonControl, LogLine } from '../../src/control/types.js'
import { ChaincodedError, failure } from '../../src/errors.js'
import { chaincodeInfo, daemonStatus, FakeDaemon, packageInfo } from '../cli/fake-daemon.js'

describe('control service', () => {
  let folder: string
  let socket: string
  let daemon: FakeDaemon
  let served: ServedControl
  let client: ControlConnection

  async function serve(control: DaemonControl): Promise<void> {
    served = await serveControl(control, socket)
    client = connectControl(socket)
  }

  beforeEach(() => {
    // The blank is in real paths too.
    folder = mkdtempSync(join(tmpdir(), 'cd control?'))
    socket = join(folder, 'control.sock')
    daemon = new FakeDaemon()
  })
  afterEach(async () => {
    client.close()
    await served.close()
    rmSync(folder, { recursive: true })
  })

  it('carries status and list unchanged', async () => {
    await serve(daemon)
    expect(await client.status()).to.deep.equal(daemonStatus)
    daemon.chaincodes = [
      chaincodeInfo('a'),
      chaincodeInfo('b', { command: ['node', '-v'], reason: 'exit code 1', pid: 0 }),
    ]
    expect(await client.list()).to.deep.equal(daemon.chaincodes)
  })

  it('carries stop, restart, remove and shutdown, with their names', async () => {
    await serve(daemon)
    daemon.chaincodes = [chaincodeInfo('a')]
    expect((await client.stop('a')).state).to.equal('stopped')
    expect((await client.restart('a')).state).to.equal('ready')
    await client.remove('a')
    await client.shutdown()
    expect(daemon.calls).to.deep.equal(['stop a', 'restart a', 'remove a', 'shutdown'])
  })

  it('carries a deployment with its progress', async () => {
    await serve(daemon)
    const request = {
      path: '/x',
      name: 'a',
      version: '1.0',
      channel: 'ch',
      command: ['go', 'run', '.'],
      label: 'l',
      initRequired: true,
      package: '',
      address: '',
      ccid: 'a_1.0:0123',
      runtime: 'docker',
      image: 'cc:1',
      language: 'golang',
    }
    const progress: string[] = []
    const info = await client.deploy(request, (line) => progress.push(line))
    expect(daemon.deployed).to.deep.equal([request])
    expect(progress).to.deep.equal(['starting a', 'waiting for a to register'])
    expect(info).to.deep.equal(daemon.chaincodes[0])
  })

  it('carries packages: their installation, all of them, and their removal', async () => {
    await serve(daemon)
    const first = await client.install('/x/basic.tar.gz')
    expect(first).to.deep.equal({ package: packageInfo('basic_1.0', { path: '/x/basic.tar.gz' }), isNew: true })
    expect(await client.install('/x/basic.tar.gz')).to.deep.equal({ ...first, isNew: false })
    daemon.installed.push(packageInfo('bad', { problem: 'its SHA-256 is another', chaincodes: ['a', 'b'] }))
    expect(await client.packages()).to.deep.equal(daemon.installed)
    await client.uninstall('bad:1')
    expect(daemon.calls).to.deep.equal(['install /x/basic.tar.gz', 'install /x/basic.tar.gz', 'uninstall bad:1'])
  })

  it('carries the package that a deployment is made from', async () => {
    await serve(daemon)
    await client.deploy({ ...daemon.request('a'), package: '/x/basic.tar.gz' }, () => undefined)
    expect(daemon.deployed[0]).to.include({ package: '/x/basic.tar.gz' })
  })

  it("gives the daemon's error again: code, message, hint and last words", async () => {
    const original = failure('LAUNCH_FAILED', {
      ccid: 'a:1.0',
      detail: 'exit code 1 – ünïcode',
      lastWords: ['Error: Cannot find module', '    at x'],
      suggestion: 'run npm install',
    })
    daemon.failWith = original
    await serve(daemon)
    for (const call of [client.stop('a'), client.deploy(daemon.request('a'), () => undefined)]) {
      const error = (await call.catch((reason: unknown) => reason)) as ChaincodedError
      expect(error).to.be.instanceOf(ChaincodedError)
      expect(error.code).to.equal('LAUNCH_FAILED')
      expect(error.explain()).to.equal(original.explain())
    }
  })

  it('cuts an error that is too large for a header', async () => {
    daemon.failWith = failure('LAUNCH_FAILED', {
      ccid: 'a:1.0',
      detail: 'ä'.repeat(100_000),
      lastWords: Array.from({ length: 1000 }, (_, index) => `${index} ${'ü'.repeat(5000)}`),
    })
    await serve(daemon)
    const error = (await client.restart('a').catch((reason: unknown) => reason)) as ChaincodedError
    expect(error.code).to.equal('LAUNCH_FAILED')
    expect(error.lastWords).to.have.length(20)
    expect(error.lastWords.at(-1)).to.match(/^999 ü+…$/)
  })

  it('gives an unexpected error its message', async () => {
    daemon.failWith = new TypeError('x is not a function')
    await serve(daemon)
    const error: unknown = await client.stop('a').catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(Error).and.not.instanceOf(ChaincodedError)
    expect((error as Error).message).to.equal('x is not a function')
  })

  it('carries the lines that are there, and those to come until the signal aborts', async () => {
    daemon.chaincodes = [chaincodeInfo('a')]
    daemon.say('a', 'one')
    daemon.say('a', 'two', 'stderr')
    await serve(daemon)
    const all: LogLine[] = []
    for await (const line of client.logs('a', { follow: false })) all.push(line)
    expect(all.map(({ source, text }) => `${source} ${text}`)).to.deep.equal(['stdout one', 'stderr two'])

    const interrupted = new AbortController()
    const followed: string[] = []
    for await (const line of client.logs('a', { follow: true, tail: 1, signal: interrupted.signal })) {
      followed.push(line.text)
      if (line.text === 'two') daemon.say('a', 'three', 'chaincoded')
      if (line.text === 'three') interrupted.abort()
    }
    expect(followed).to.deep.equal(['two', 'three'])
    await daemon.nobodyFollows()
  })

  it('carries many lines to a slow reader without losing one', async () => {
    daemon.chaincodes = [chaincodeInfo('a')]
    for (let index = 0; index < 3000; index += 1) daemon.say('a', `${index} ${'x'.repeat(200)}`)
    await serve(daemon)
    let next = 0
    for await (const { text } of client.logs('a', { follow: false })) {
      if (next % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
      expect(text.startsWith(`${next} `)).to.equal(true)
      next += 1
    }
    expect(next).to.equal(3000)
  })

  it('gives the error of a log that is not there', async () => {
    await serve(daemon)
    const read = async () => {
      for await (const line of client.logs('nope', { follow: false })) throw new Error(line.text)
    }
    expect(await read().catch((reason: unknown) => reason)).to.include({ code: 'CHAINCODE_UNKNOWN' })
  })

  it('ends following calls when it is closed, and removes its socket', async () => {
    daemon.chaincodes = [chaincodeInfo('a')]
    daemon.say('a', 'one')
    await serve(daemon)
    const seen: string[] = []
    for await (const { text } of client.logs('a', { follow: true })) {
      seen.push(text)
      void served.close()
    }
    await served.close()
    expect(seen).to.deep.equal(['one'])
    expect(existsSync(socket)).to.equal(false)
  })

  it('can be used by its owner only, and replaces a socket that a dead daemon left', async () => {
    writeFileSync(socket, '')
    await serve(daemon)
    expect(statSync(socket).mode & 0o777).to.equal(0o600)
    expect((await client.status()).state).to.equal('serving')
  })

  it('tells a client that its daemon went away', async () => {
    await serve(daemon)
    await client.status()
    await served.close()
    const error = (await client.list().catch((reason: unknown) => reason)) as ChaincodedError
    expect([error.code, error.message]).to.deep.equal(['DAEMON_GONE', 'the daemon went away during list'])
  })

  it('tells a client of one that is no daemon', async () => {
    await serve(daemon)
    const other = createServer((connection) => connection.end('hello\n')).listen(join(folder, 'other'))
    await once(other, 'listening')
    const stranger = connectControl(join(folder, 'other'))
    expect(await stranger.list().catch((reason: unknown) => reason)).to.include({ code: 'DAEMON_GONE' })
    stranger.close()
    other.close()
  })

  it('rejects where the socket cannot be bound', async () => {
    await serve(daemon)
    setLogVerbosity(logVerbosity.NONE)
    const error: unknown = await serveControl(daemon, join(folder, 'missing', 's')).catch((reason: unknown) => reason)
    setLogVerbosity(logVerbosity.ERROR)
    expect(error).to.be.instanceOf(Error)
  })
})
