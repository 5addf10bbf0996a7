import { expect } from 'chai'
import { createLogger } from '../../src/log.js'
import { type ProcessGuardOptions, processGuard } from '../../src/registration-guard.js'
import { TestDaemons, type TestDaemon, rejection } from '../fixtures/embedded-daemon.js'
import { ScriptedChaincode } from '../fixtures/scripted-chaincode.js'

const daemons = new TestDaemons()

describe('An outsider that registers as a chaincode that is being launched [R-11]', function () {
  this.timeout(30_000)
  const outsiders: ScriptedChaincode[] = []
  before(function () {
    // Elsewhere the platform does not tell whose a connection is.
    if (process.platform !== 'linux') this.skip()
  })
  afterEach(async () => {
    for (const outsider of outsiders.splice(0)) outsider.drop()
    await daemons.closeAll()
  })

  /** Launches a chaincode that says nothing, and registers in its place. */
  async function intrude(daemon: TestDaemon): Promise<ScriptedChaincode> {
    const started = daemon.until(({ to }) => to === 'awaitingRegister')
    rejection(daemon.deployFixture('never-registers')).catch(() => undefined)
    await started
    const outsider = new ScriptedChaincode(daemon.chaincodeAddress)
    outsiders.push(outsider)
    outsider.register('cc:1.0')
    return outsider
  }

  it('is refused, and told why; the launch goes on', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '20s' })
    const outsider = await intrude(daemon)
    const [info] = await daemon.list()
    expect(await outsider.ended()).to.deep.equal({
      code: 2,
      details:
        'peer will not accept external chaincode connection cc:1.0 (except in dev mode): ' +
        `it runs as process ${info!.pid}, and another process has connected (chaincoded.registration)`,
    })
    expect((await daemon.list())[0]?.state).to.equal('awaitingRegister')
  })

  it('is taken where the policy is to take any', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '20s', 'chaincoded.registration': 'any' })
    const ready = daemon.until(({ to }) => to === 'ready')
    await intrude(daemon)
    expect((await ready).ccid).to.equal('cc:1.0')
  })

  it('does no harm to the real one, which a shell or npm may have started', async () => {
    const daemon = await daemons.start()
    const { state } = await daemon.deployFixture('behind-npm')
    expect(state).to.equal('ready')
  })
})

describe('The guard of processes', () => {
  function guard(change: Partial<ProcessGuardOptions>) {
    const logged: string[] = []
    const log = createLogger({
      level: 'trace',
      destination: { write: (line) => void logged.push((JSON.parse(line) as { msg: string }).msg) },
    })
    const made = processGuard({ pidOf: () => 42, listenerPort: () => 7052, log, ...change })
    return { logged, ask: () => made.refusal({ remoteAddress: '127.0.0.1:40001' }, 'cc:1.0') }
  }

  it('asks nothing about a chaincode of which no process is awaited', () => {
    const { ask } = guard({ pidOf: () => 0, find: () => Promise.resolve('other') })
    expect(ask()).to.equal(undefined)
  })

  it('takes whoever cannot be told, and says so to those who look for it', async () => {
    for (const find of [() => Promise.resolve('unknown' as const), () => Promise.reject(new Error('no /proc'))]) {
      const { ask, logged } = guard({ find })
      expect(await ask()).to.equal(undefined)
      expect(logged).to.deep.equal(['who has connected as cc:1.0 cannot be told; taken'])
    }
  })

  it('does not apply to one launch what it has found about another', async () => {
    let pid = 42
    const asked: number[] = []
    const { ask } = guard({
      pidOf: () => pid,
      find: (leader) => {
        asked.push(leader)
        const owner = leader === 42 ? ('own' as const) : ('other' as const)
        pid = 43
        return Promise.resolve(owner)
      },
    })
    expect((await ask())?.code).to.equal('OUTSIDER')
    expect(asked).to.deep.equal([42, 43])
  })
})
