import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type ConnectServiceOptions, chaincode, connectService } from '../fixtures/connect-service.js'
import { TestDaemons, type TestDaemon, rejection } from '../fixtures/embedded-daemon.js'
import { needs } from '../fixtures/needs.js'
import { TestServices, freePort } from '../fixtures/run-service.js'
import { ScriptedChaincode } from '../fixtures/scripted-chaincode.js'
import { authority } from '../fixtures/service-certificates.js'
import { lifecyclePackage } from '../packages/archives.js'

const ca = authority('authority')
const server = ca.issue(['cc.example.com'])
const client = ca.issue([])
const tls = { tls_required: true, root_cert: ca.certificate, domain: 'cc.example.com' }
const mutual = { ...tls, client_auth_required: true, client_cert: client.certificate, client_key: client.key }

/** Calls that write and read with each language's chaincode, and what is read. */
const calls = {
  node: { write: ['CreateAsset', 'a1', 'blue', '5', 'Tomoko', '300'], read: ['ReadAsset', 'a1'], answer: /Tomoko/ },
  go: { write: ['put', 'a1', 'Tomoko'], read: ['get', 'a1'], answer: /^Tomoko$/ },
}

describe('A daemon with a chaincode that runs as a service', function () {
  this.timeout(60_000)
  const daemons = new TestDaemons()
  const services = new TestServices()
  const scripted: (() => void)[] = []
  const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
  afterEach(async () => {
    await daemons.closeAll()
    for (const stop of scripted.splice(0)) stop()
  })
  after(async () => {
    await services.end()
    rmSync(folder, { recursive: true, force: true })
  })

  const script = async (options: ConnectServiceOptions) => {
    const service = await connectService(options)
    scripted.push(service.stop)
    return service
  }
  /** The folder of a connection.json. */
  const connection = (port: number, more: object = {}): string => {
    writeFileSync(join(folder, 'connection.json'), JSON.stringify({ address: `127.0.0.1:${port}`, ...more }))
    return folder
  }
  const state = async (daemon: TestDaemon) => (await daemon.list())[0]!
  const ping = (daemon: TestDaemon) => daemon.evaluate({ chaincode: 'cc', args: ['ping'] }).then(String)

  for (const language of ['node', 'go'] as const)
    describe(`in ${language === 'go' ? 'Go' : 'Node'}`, () => {
      if (language === 'go') before(needs('go'))
      const { write, read, answer } = calls[language]

      for (const [mode, settings, served] of [
        ['plain text', {}, undefined],
        ['TLS', tls, server],
        ['mutual TLS', mutual, { ...server, clientAuthority: ca.certificate }],
      ] as const)
        it(`registers, writes and reads over ${mode}`, async () => {
          const port = await freePort()
          const ccid = 'basic_1.0:0123abcd'
          const service = await services.start({ language, ccid, port, ...(served ? { tls: served } : {}) })
          const daemon = await daemons.start()
          const deployed = await daemon.deploy({ path: connection(port, settings), name: 'cc', ccid })
          expect(deployed).to.include({
            ccid,
            state: 'ready',
            runtime: 'service',
            address: `127.0.0.1:${port}`,
            pid: 0,
          })
          await daemon.invoke({ chaincode: 'cc', args: [...write] })
          expect((await daemon.evaluate({ chaincode: 'cc', args: [...read] })).toString()).to.match(answer)
          service.signal('SIGKILL')
        })

      it('comes back by itself when it is restarted, and the ledger is still there', async () => {
        const port = await freePort()
        const run = () => services.start({ language, ccid: 'cc:1.0', port })
        const first = await run()
        const daemon = await daemons.start()
        await daemon.deploy({ address: `127.0.0.1:${port}`, name: 'cc' })
        await daemon.invoke({ chaincode: 'cc', args: [...write] })
        const away = daemon.until(({ to }) => to === 'backoff')
        first.signal('SIGKILL')
        await away
        const back = daemon.until(({ to }) => to === 'ready')
        const second = await run()
        await back
        expect((await daemon.evaluate({ chaincode: 'cc', args: [...read] })).toString()).to.match(answer)
        second.signal('SIGKILL')
      })
    })

  it('may be deployed before it is up: says so, and connects when it comes (C-06, R-40)', async () => {
    const port = await freePort()
    const daemon = await daemons.start()
    const progress: string[] = []
    const deployed = await daemon.deploy({
      address: `127.0.0.1:${port}`,
      name: 'cc',
      onProgress: (line) => progress.push(line),
    })
    expect(deployed.state).to.equal('backoff')
    expect(deployed.nextStartInMs).to.be.within(1, 500)
    expect(deployed.reason).to.contain(`connection refused: nothing listens at 127.0.0.1:${port}`)
    expect(progress).to.have.length(3)
    expect(progress[0]).to.equal(`dialling cc:1.0 at 127.0.0.1:${port}`)
    expect(progress[2]).to.equal('cc:1.0 is defined, and dialled again until it answers')
    const up = daemon.until(({ to }) => to === 'ready')
    await script({ port, onConnect: chaincode('cc:1.0') })
    await up
    expect(await ping(daemon)).to.equal('pong')
    expect((await state(daemon)).nextStartInMs).to.equal(0)
  })

  it('that is down fails a call at once, with the words of Fabric, the reason and what to do', async () => {
    const daemon = await daemons.start()
    const { stop, address } = await script({ onConnect: chaincode('cc:1.0') })
    await daemon.deploy({ address, name: 'cc' })
    const away = daemon.until(({ to }) => to === 'backoff')
    stop()
    await away
    const error = await rejection(ping(daemon))
    expect(error.message).to.contain(
      'could not launch chaincode cc:1.0: chaincode registration failed: connection to cc:1.0 failed: ' +
        `error cannot create connection for cc:1.0: error creating grpc connection to ${address}: ` +
        `failed to create new connection: connection refused: nothing listens at ${address} (ECONNREFUSED)`,
    )
    expect((await rejection(daemon.restart('cc'))).hint).to.match(
      /^start the chaincode's server and let it listen at 127/,
    )
  })

  it('is dialled anew by the next call, which need not wait for the next attempt', async () => {
    const daemon = await daemons.start()
    const { stop, address, port } = await script({ onConnect: chaincode('cc:1.0') })
    await daemon.deploy({ address, name: 'cc' })
    const away = daemon.until(({ to }) => to === 'backoff')
    stop()
    await away
    await script({ port, onConnect: chaincode('cc:1.0', 'again') })
    expect(await ping(daemon)).to.equal('again')
    expect(daemon.changes.at(-1)).to.match(/ready$|running/)
  })

  it('is refused under another id than the one it was dialled for, and the caller learns both', async () => {
    const daemon = await daemons.start()
    const { address } = await script({ onConnect: chaincode('somebody-else:9.9') })
    const deployed = await daemon.deploy({ address, name: 'cc' })
    expect(deployed.reason).to.contain(
      'connection to cc:1.0 failed: error handling chaincode stream for cc:1.0: the service ended the stream ' +
        `(state awaitingRegister, awaited: REGISTER from ${address}); meanwhile refused a registration as 'somebody-else:9.9'`,
    )
    const error = await rejection(daemon.restart('cc'))
    expect(error.hint).to.match(/^let the service register as cc:1\.0: CHAINCODE_ID=cc:1\.0/)
  })

  it('cannot register on the stream of another service, even where that one is awaited', async () => {
    const daemon = await daemons.start()
    const silent = await script({})
    const waiting = daemon.until(({ ccid, to }) => ccid === 'a:1.0' && to === 'awaitingRegister')
    const deployed = daemon.deploy({ address: silent.address, name: 'a' }).catch((error: unknown) => error)
    await waiting
    const liar = await script({ onConnect: chaincode('a:1.0') })
    expect((await daemon.deploy({ address: liar.address, name: 'b' })).reason).to.contain("registration as 'a:1.0'")
    expect((await daemon.list()).map(({ name, state }) => [name, state])[0]).to.deep.equal(['a', 'awaitingRegister'])
    await daemon.stop('a')
    await deployed
  })

  it('is not taken from whoever connects by himself in its name, even while it is awaited (R-11)', async () => {
    const daemon = await daemons.start()
    const { address } = await script({})
    const waiting = daemon.until(({ to }) => to === 'awaitingRegister')
    const deployed = daemon.deploy({ address, name: 'cc' })
    await waiting
    const outsider = new ScriptedChaincode(daemon.chaincodeAddress)
    outsider.register('cc:1.0')
    expect((await outsider.ended()).details).to.contain('peer will not accept external chaincode connection cc:1.0')
    expect((await state(daemon)).state).to.equal('awaitingRegister')
    outsider.drop()
    await daemon.stop('cc')
    await deployed
  })

  it('has its certificate checked: the reason names the host and the names, and says what to do', async () => {
    const daemon = await daemons.start()
    const { port } = await script({ tls: server, onConnect: chaincode('cc:1.0') })
    const path = connection(port, { ...tls, domain: 'other.example.com' })
    expect((await daemon.deploy({ path, name: 'cc' })).reason).to.contain(
      `the certificate of 127.0.0.1:${port} is not for other.example.com: it has cc.example.com`,
    )
    expect((await rejection(daemon.restart('cc'))).hint).to.match(/^give one of these names as "domain"/)
    // What is corrected in the file counts at the next dial.
    connection(port, tls)
    expect(await ping(daemon)).to.equal('pong')
  })

  it('is not defined with a connection.json that cannot be dialled', async () => {
    const daemon = await daemons.start()
    const path = connection(9999, { ...mutual, client_key: authority('another').key })
    const error = await rejection(daemon.deploy({ path, name: 'cc' }))
    expect(error.code).to.equal('CONNECTION_INFO_INVALID')
    expect(error.message).to.contain('client_key does not belong to client_cert')
    expect(await daemon.list()).to.deep.equal([])
    expect((await rejection(daemon.deploy({ address: 'no-port', name: 'cc' }))).message).to.contain('missing port')
  })

  it('has a connection.json that was broken since told to the caller, with what to do', async () => {
    const daemon = await daemons.start()
    const { port } = await script({ onConnect: chaincode('cc:1.0') })
    const path = connection(port)
    await daemon.deploy({ path, name: 'cc' })
    await daemon.stop('cc')
    writeFileSync(join(path, 'connection.json'), '{"address": ""}')
    const error = await rejection(daemon.restart('cc'))
    expect(error.message).to.contain('connection to cc:1.0 failed: chaincode address not provided')
    expect(error.hint).to.equal('give "address": "host:port"')
  })

  it('is hung up by a stop, not dialled again until it is called, and gone after a removal', async () => {
    const daemon = await daemons.start()
    const { address, streams } = await script({ onConnect: chaincode('cc:1.0') })
    await daemon.deploy({ address, name: 'cc' })
    expect(streams.size).to.equal(1)
    expect((await daemon.stop('cc')).state).to.equal('stopped')
    while (streams.size > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await ping(daemon)).to.equal('pong')
    expect((await daemon.restart('cc')).state).to.equal('ready')
    await daemon.remove('cc')
    while (streams.size > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await daemon.list()).to.deep.equal([])
  })

  it('runs from a package of type ccaas under its package id', async () => {
    const daemon = await daemons.start()
    const { address, port, stop } = await script({})
    stop()
    const file = join(folder, 'basic.tar.gz')
    const metadata = JSON.stringify({ path: '', type: 'ccaas', label: 'basic_1.0' })
    const code = [{ name: 'connection.json', content: JSON.stringify({ address }) }]
    writeFileSync(file, await lifecyclePackage({ metadata, code }))
    const { ccid } = await daemon.deploy({ package: file, name: 'cc' })
    expect(ccid).to.match(/^basic_1\.0:[0-9a-f]{64}$/)
    await script({ port, onConnect: chaincode(ccid) })
    expect(await ping(daemon)).to.equal('pong')
  })

  it('is known again to the next daemon, and dialled by its first call', async () => {
    const { address } = await script({ onConnect: chaincode('cc:1.0') })
    const first = await daemons.start()
    await first.deploy({ address, name: 'cc' })
    await first.close()
    const second = await daemons.start({}, first.dataDir)
    expect(await state(second)).to.include({ state: 'stopped', runtime: 'service', address })
    expect(await ping(second)).to.equal('pong')
  })

  it('is dialled in dev mode too, and awaits nobody at the chaincode listener', async () => {
    const { address } = await script({ onConnect: chaincode('cc:1.0') })
    const daemon = await daemons.start({ 'chaincode.mode': 'dev' })
    expect(await daemon.deploy({ address, name: 'cc' })).to.include({ state: 'ready', runtime: 'service' })
    expect(await ping(daemon)).to.equal('pong')
  })

  it('replaces a process of the same name and version, and is replaced by one', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('kv')
    const { address, streams } = await script({ onConnect: chaincode('cc:1.0', 'from the service') })
    expect(await daemon.deploy({ address, name: 'cc' })).to.include({ runtime: 'service', state: 'ready' })
    expect(await ping(daemon)).to.equal('from the service')
    expect(await daemon.deployFixture('kv')).to.include({ runtime: 'process', state: 'ready' })
    while (streams.size > 0) await new Promise((resolve) => setImmediate(resolve))
  })
})
