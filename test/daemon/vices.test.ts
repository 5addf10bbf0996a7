import { expect } from 'chai'
import { TestDaemons, type TestDaemon, isAlive, rejection } from '../fixtures/embedded-daemon.js'

const daemons = new TestDaemons()

/** What a call of the chaincode `cc` answers, as text. */
const ask = async (daemon: TestDaemon, ...args: string[]): Promise<string> =>
  (await daemon.evaluate({ chaincode: 'cc', args })).toString()

describe('A daemon with a chaincode that', function () {
  this.timeout(30_000)
  afterEach(() => daemons.closeAll())

  it('exits before it registers, tells the caller exit code, state, last words and what was awaited', async () => {
    const daemon = await daemons.start()
    const error = await rejection(daemon.deployFixture('exits-before-register'))
    expect(error.code).to.equal('LAUNCH_FAILED')
    expect(error.message).to.equal(
      'could not launch chaincode cc:1.0: chaincode registration failed: process exited with 3 ' +
        `(state awaitingRegister, awaited: REGISTER at ${daemon.chaincodeAddress})`,
    )
    expect(error.lastWords).to.have.length(20)
    const [info] = await daemon.list()
    expect(info?.state).to.equal('failed')
    expect(info?.reason).to.contain('process exited with 3')
  })

  it('never registers, fails the caller at the startup timeout and leaves no process behind', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '5s' })
    const started = daemon.until(({ to }) => to === 'awaitingRegister')
    const failed = rejection(daemon.deployFixture('never-registers'))
    await started
    const [running] = await daemon.list()
    const error = await failed
    expect(error.message).to.match(
      /^could not launch chaincode cc:1\.0: timeout expired while starting chaincode cc:1\.0 for transaction \(state awaitingRegister/,
    )
    await daemon.stop('cc')
    expect(isAlive(running?.pid ?? 0)).to.equal(false)
  })

  it('opens a stream and says nothing, has the stream closed with the reason', async () => {
    const daemon = await daemons.start({ 'chaincoded.registerTimeout': '200ms', 'chaincode.startuptimeout': '5s' })
    const error = await rejection(daemon.deployFixture('opens-a-silent-stream'))
    expect(error.message).to.contain('state awaitingRegister')
  })

  it('registers twice on its stream, loses the stream, and is started again by the next call', async () => {
    const daemon = await daemons.start()
    const down = daemon.until(({ to }) => to === 'stopped')
    await daemon.deployFixture('registers-twice')
    await down
    const [info] = await daemon.list()
    expect(info?.reason).to.match(/cannot handle message \(REGISTER\) while in ready state|process exited/)
  })

  it('connects twice, keeps its first stream; the second one is refused as a duplicate', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('connects-twice')
    let second = await ask(daemon, 'second')
    while (second === 'open') second = await ask(daemon, 'second')
    expect(second).to.contain('duplicate chaincodeID: cc:1.0')
    expect(await ask(daemon, 'ping')).to.equal('pong')
  })

  it('registers under a wrong id, is refused in the words of the original, and the caller learns both ids', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '5s' })
    const error = await rejection(daemon.deployFixture('registers-a-wrong-id'))
    expect(error.message).to.contain('could not launch chaincode cc:1.0')
    expect(error.message).to.contain("meanwhile refused a registration as 'somebody-else:9.9'")
    expect((error.lastWords ?? []).join('\n')).to.contain(
      'peer will not accept external chaincode connection somebody-else:9.9 (except in dev mode)',
    )
  })

  it('registers with an empty id, has its stream closed with the reason', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '5s' })
    const error = await rejection(daemon.deployFixture('registers-an-empty-id'))
    expect((error.lastWords ?? []).join('\n')).to.contain(
      'error in handling register chaincode, chaincodeID name is empty',
    )
  })

  it('registers undecodably, has its stream closed with the reason', async () => {
    const daemon = await daemons.start({ 'chaincode.startuptimeout': '5s' })
    const error = await rejection(daemon.deployFixture('registers-undecodably'))
    expect((error.lastWords ?? []).join('\n')).to.contain('could NOT unmarshal registration info')
  })

  it('ignores SIGTERM, is killed after the grace', async () => {
    const daemon = await daemons.start()
    const { pid } = await daemon.deployFixture('ignores-sigterm')
    const { state } = await daemon.stop('cc')
    expect(state).to.equal('stopped')
    expect(isAlive(pid)).to.equal(false)
  })

  it('runs behind npm, is stopped with all of its process group', async () => {
    const daemon = await daemons.start()
    const { pid: npm } = await daemon.deployFixture('behind-npm')
    const grandchild = Number(await ask(daemon, 'pid'))
    expect(grandchild).to.not.equal(npm)
    await daemon.stop('cc')
    expect([npm, grandchild].filter(isAlive)).to.deep.equal([])
  })

  it('floods stdout, serves all the same, and its log stays bounded', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('floods-stdout')
    expect(await ask(daemon, 'ping')).to.equal('pong')
  })

  it('dies in mid-transaction, fails the caller at once with "chaincode stream terminated" and comes up at the next call', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('dies-in-mid-transaction')
    const down = daemon.until(({ to }) => to === 'stopped')
    const error = await rejection(daemon.invoke({ chaincode: 'cc', args: ['die'] }))
    expect(error.message).to.match(
      /error in simulation: failed to execute transaction [0-9a-f]{64}: error sending: chaincode stream terminated$/,
    )
    await down
    const [info] = await daemon.list()
    expect(info?.reason).to.contain('process exited with 7')
    expect(await ask(daemon, 'ping')).to.equal('pong')
    expect((await daemon.list())[0]?.incarnation).to.equal(2)
  })

  it('dies by a signal in mid-transaction, is reported with the signal', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('dies-in-mid-transaction')
    const down = daemon.until(({ to }) => to === 'stopped')
    await rejection(daemon.invoke({ chaincode: 'cc', args: ['die', 'SIGKILL'] }))
    await down
    expect((await daemon.list())[0]?.reason).to.contain('was ended by SIGKILL')
  })

  it('answers late, fails the caller at the execute timeout; the late answer reaches nobody and breaks nothing', async () => {
    const daemon = await daemons.start({ 'chaincode.executetimeout': '1s' })
    await daemon.deployFixture('answers-late')
    const error = await rejection(daemon.invoke({ chaincode: 'cc', args: ['late', '1500'] }))
    expect(error.message).to.match(
      /failed to execute transaction [0-9a-f]{64}: error sending: timeout expired while executing transaction$/,
    )
    await new Promise((resolve) => setTimeout(resolve, 800))
    expect(await ask(daemon, 'ping')).to.equal('pong')
    expect(JSON.parse(await ask(daemon, 'received'))).to.deep.equal([])
  })

  it('completes twice, has its first answer taken and the second one ignored', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('completes-twice')
    expect(await ask(daemon, 'twice')).to.be.a('string')
    expect(await ask(daemon, 'ping')).to.equal('pong')
  })

  it('asks after the timeout, gets an ERROR that says that there is no ledger context', async () => {
    const daemon = await daemons.start({ 'chaincode.executetimeout': '1s' })
    await daemon.deployFixture('asks-after-timeout')
    await rejection(daemon.invoke({ chaincode: 'cc', args: ['ask', '1300'] }))
    await new Promise((resolve) => setTimeout(resolve, 700))
    const answers = await ask(daemon, 'answers')
    expect(answers).to.match(/GET_STATE failed: transaction ID: [0-9a-f]{64}: no ledger context/)
  })

  it('sends an unknown type, loses its stream and every transaction on it', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('sends-an-unknown-type')
    const error = await rejection(daemon.invoke({ chaincode: 'cc', args: ['unknown'] }))
    expect(error.message).to.match(/error sending: chaincode stream terminated$/)
  })

  it('answers an unknown transaction, is not harmed by it', async () => {
    const daemon = await daemons.start()
    await daemon.deployFixture('answers-an-unknown-transaction')
    expect(await ask(daemon, 'stray')).to.be.a('string')
    expect(await ask(daemon, 'ping')).to.equal('pong')
  })
})
