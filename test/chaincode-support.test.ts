import { expect } from 'chai'
import { ChaincodeEvent } from '../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../proto/gen/peer/chaincode-shim.js'
import { parseTarget } from '../src/chaincode-support.js'
import { FakeSimulator } from './protocol/fake-simulator.js'
import { failureOf, responseBytes, short, turn } from './protocol/open-stream.js'
import { runSupport } from './run-support.js'

const INITIALIZED = '\u0000\u{10ffff}initialized'

describe('Executing a transaction', () => {
  it('starts the chaincode, sends TRANSACTION, and resolves with response and version [R-01]', async () => {
    const daemon = await runSupport({ kv: {} })
    const result = daemon.execute({ txId: 'tx1', chaincodeName: 'kv' })
    await turn()
    const chaincode = daemon.comeUp('kv:1.0')
    const sent = await chaincode.transport.next()
    expect(short(sent)).to.equal('TRANSACTION ch/tx1 the input')
    expect(sent.proposal?.toString()).to.equal('the proposal')
    chaincode.complete('tx1', responseBytes(200, 'fine', 'result'))
    expect(await result).to.deep.equal({
      response: { status: 200, message: 'fine', payload: Buffer.from('result') },
      event: undefined,
      version: '1.0',
    })
  })

  for (const status of [0, 99, 200, 399, 400, 404, 500, 501, -1])
    it(`passes status ${status} on as the chaincode gave it`, async () => {
      const daemon = await runSupport({ kv: {} })
      const kv = daemon.up('kv')
      const result = daemon.execute({ txId: 'tx1', chaincodeName: 'kv' })
      kv.complete('tx1', responseBytes(status, 'its message', 'its payload'))
      expect((await result).response).to.deep.equal({
        status,
        message: 'its message',
        payload: Buffer.from('its payload'),
      })
    })

  it('takes an empty COMPLETED for status 0', async () => {
    const daemon = await runSupport({ kv: {} })
    const kv = daemon.up('kv')
    const result = daemon.execute({ txId: 'tx1', chaincodeName: 'kv' })
    kv.complete('tx1', Buffer.alloc(0))
    expect((await result).response).to.deep.equal({ status: 0, message: '', payload: Buffer.alloc(0) })
  })

  it('stamps the event with chaincode name and transaction, whatever the chaincode wrote there', async () => {
    const daemon = await runSupport({ kv: {} })
    const kv = daemon.up('kv')
    const result = daemon.execute({ txId: 'tx1', chaincodeName: 'kv' })
    const chaincodeEvent = { chaincodeId: 'forged', txId: 'forged', eventName: 'sold', payload: Buffer.from('1') }
    kv.send({ type: Type.COMPLETED, txid: 'tx1', channelId: 'ch', payload: responseBytes(200), chaincodeEvent })
    expect(ChaincodeEvent.decode((await result).event as Buffer)).to.deep.equal({
      chaincodeId: 'kv',
      txId: 'tx1',
      eventName: 'sold',
      payload: Buffer.from('1'),
    })
  })

  it('fails with the text of an ERROR, without the prefix of an execution that failed', async () => {
    const daemon = await runSupport({ kv: {} })
    const kv = daemon.up('kv')
    const failed = failureOf(daemon.execute({ txId: 'tx1', chaincodeName: 'kv' }))
    kv.send({ type: Type.ERROR, txid: 'tx1', channelId: 'ch', payload: Buffer.from('I failed') })
    expect((await failed).message).to.equal('transaction returned with failure: I failed')
  })

  for (const [what, payload, detail] of [
    ['cut short', '1a05', 'unexpected EOF'],
    ['no protobuf', '0f', 'proto: cannot parse invalid wire-format data'],
    ['with a message that is no UTF-8', '1201ff', 'string field contains invalid UTF-8'],
  ] as const)
    it(`fails for a response that is ${what}; the chaincode serves on`, async () => {
      const daemon = await runSupport({ kv: {} })
      const kv = daemon.up('kv')
      const failed = failureOf(daemon.execute({ txId: 'tx1', chaincodeName: 'kv' }))
      kv.complete('tx1', Buffer.from(payload, 'hex'))
      expect((await failed).message).to.equal(`failed to unmarshal response for transaction tx1: ${detail}`)
      const next = daemon.execute({ txId: 'tx2', chaincodeName: 'kv' })
      kv.complete('tx2')
      expect((await next).response.status).to.equal(200)
    })

  it('fails for an event that does not decode, as for a response', async () => {
    const daemon = await runSupport({ kv: {} })
    const kv = daemon.up('kv')
    const failed = failureOf(daemon.execute({ txId: 'tx1', chaincodeName: 'kv' }))
    // COMPLETED with txid, a chaincode_event of one byte that is no message, and channel_id.
    kv.handler.onMessage(Buffer.from('080622037478313201ff3a026368', 'hex'))
    expect((await failed).message).to.equal('failed to unmarshal response for transaction tx1: unexpected EOF')
  })

  it('names every step that failed: timeout, stream end, duplicate id, too many', async () => {
    const daemon = await runSupport({ kv: {} }, { config: { 'chaincoded.limits.transactionsInFlight': 2 } })
    const kv = daemon.up('kv')
    const message = (txId: string) =>
      failureOf(daemon.execute({ txId, chaincodeName: 'kv' })).then((error) => error.message)
    const timedOut = message('tx1')
    await turn()
    expect(await message('tx1')).to.equal('failed to execute transaction tx1: error sending: txid: tx1(ch) exists')
    daemon.clock.increment(30_000)
    expect(await timedOut).to.equal(
      'failed to execute transaction tx1: error sending: timeout expired while executing transaction',
    )
    const terminated = [message('tx2'), message('tx3')]
    await turn()
    expect(await message('tx4')).to.match(
      /^failed to execute transaction tx4: error sending: chaincode kv:1\.0 already runs 2 transactions/,
    )
    kv.end()
    expect(await Promise.all(terminated)).to.deep.equal(
      ['tx2', 'tx3'].map((txId) => `failed to execute transaction ${txId}: error sending: chaincode stream terminated`),
    )
  })

  it('fails with the launch error when the chaincode does not come up', async () => {
    const daemon = await runSupport({ kv: {} })
    const failed = failureOf(daemon.execute({ txId: 'tx1', chaincodeName: 'kv' }))
    await turn()
    daemon.supervisor.process('kv:1.0').tell({ type: 'SPAWNED', pid: 42 })
    daemon.exit('kv:1.0')
    const error = await failed
    expect(error.message).to.match(
      /^failed to execute transaction tx1: could not launch chaincode kv:1\.0: chaincode registration failed: process exited with 3/,
    )
    expect(error.lastWords).to.deep.equal(['its last words'])
  })

  it('fails for a chaincode that the channel does not know', async () => {
    const daemon = await runSupport({ kv: {} })
    expect(daemon.support.isDefined('ch', 'kv')).to.equal(true)
    for (const [channelId, chaincodeName] of [
      ['ch', 'missing'],
      ['other', 'kv'],
    ] as const) {
      expect(daemon.support.isDefined(channelId, chaincodeName)).to.equal(false)
      const error = await failureOf(daemon.execute({ txId: 'tx1', channelId, chaincodeName }))
      expect(error.message).to.equal(
        `failed to execute transaction tx1: invalid invocation: [channel ${channelId}] failed to get chaincode container ` +
          `info for ${chaincodeName}: chaincode ${chaincodeName} not found`,
      )
    }
  })

  it('ends with its caller, also while the chaincode starts', async () => {
    const daemon = await runSupport({ kv: {} })
    const caller = new AbortController()
    const failed = failureOf(daemon.execute({ txId: 'tx1', chaincodeName: 'kv' }, caller.signal))
    await turn()
    caller.abort()
    expect((await failed).code).to.equal('CALL_CANCELLED')
    const kv = daemon.comeUp('kv:1.0')
    const second = new AbortController()
    const running = failureOf(daemon.execute({ txId: 'tx2', chaincodeName: 'kv' }, second.signal))
    expect(short(await kv.transport.next())).to.equal('TRANSACTION ch/tx2 the input')
    second.abort()
    expect((await running).message).to.match(/^failed to execute transaction tx2: error sending: the caller went away/)
  })
})

describe('Whether a call is an Init', () => {
  const call = async (change: { initRequired: boolean; isInit: boolean; initialized?: string }) => {
    const daemon = await runSupport({ kv: { initRequired: change.initRequired } })
    const kv = daemon.up('kv')
    const simulator = new FakeSimulator('tx1')
    if (change.initialized) simulator.state.set(`kv/${INITIALIZED}`, Buffer.from(change.initialized))
    const result = daemon.execute({ txId: 'tx1', chaincodeName: 'kv', isInit: change.isInit, simulator })
    result.catch(() => undefined)
    await turn()
    const [sent] = kv.transport.take()
    return { sent: sent && Type[sent.type], writes: simulator.writes, result }
  }
  const writesVersion = [['kv', INITIALIZED, '1.0']]

  it('is no question where none is required', async () => {
    expect(await call({ initRequired: false, isInit: false })).to.deep.include({ sent: 'TRANSACTION', writes: [] })
  })

  it('is refused where none is required', async () => {
    const { sent, result } = await call({ initRequired: false, isInit: true })
    expect(sent).to.equal(undefined)
    expect((await failureOf(result)).message).to.equal(
      "failed to execute transaction tx1: invalid invocation: chaincode 'kv' does not require initialization but called as init",
    )
  })

  it('sends INIT once for a version, and writes that version down before the chaincode runs', async () => {
    expect(await call({ initRequired: true, isInit: true })).to.deep.include({ sent: 'INIT', writes: writesVersion })
    const upgraded = await call({ initRequired: true, isInit: true, initialized: '0.9' })
    expect(upgraded).to.deep.include({ sent: 'INIT', writes: writesVersion })
  })

  it('is refused a second time', async () => {
    const { result, writes } = await call({ initRequired: true, isInit: true, initialized: '1.0' })
    expect((await failureOf(result)).message).to.contain("chaincode 'kv' is already initialized but called as init")
    expect(writes).to.deep.equal([])
  })

  it('lets no other call through before, and every one after', async () => {
    for (const initialized of [undefined, '0.9']) {
      const { sent, result } = await call({
        initRequired: true,
        isInit: false,
        ...(initialized ? { initialized } : {}),
      })
      expect(sent).to.equal(undefined)
      expect((await failureOf(result)).message).to.contain(
        "invalid invocation: chaincode 'kv' has not been initialized for this version, must call as init first",
      )
    }
    const after = await call({ initRequired: true, isInit: false, initialized: '1.0' })
    expect(after).to.deep.include({ sent: 'TRANSACTION', writes: [] })
  })
})

describe('The name of a chaincode to call', () => {
  for (const [target, name, channelId] of [
    ['cc', 'cc', 'ch'],
    ['cc/other', 'cc', 'other'],
    ['cc:1.0', 'cc', 'ch'],
    ['cc:1.0/other', 'cc', 'other'],
    ['cc:1.0:2/a/b', 'cc', 'a/b'],
    ['cc/', 'cc', 'ch'],
    ['', '', 'ch'],
    ['/other', '', 'other'],
  ] as const)
    it(`is read: ${JSON.stringify(target)} [B-294]`, () => {
      expect(parseTarget(target, 'ch')).to.deep.equal({ name, channelId })
    })
})
