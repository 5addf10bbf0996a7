import { expect } from 'chai'
import { ChaincodeInput, ChaincodeSpec } from '../proto/gen/peer/chaincode.js'
import {
  ChaincodeMessage,
  ChaincodeMessage_Type as Type,
  GetState,
  PutState,
} from '../proto/gen/peer/chaincode-shim.js'
import { FakeSimulator } from './protocol/fake-simulator.js'
import { failureOf, responseBytes, short, turn } from './protocol/open-stream.js'
import { specBytes } from './run-directory.js'
import { type Defined, runSupport } from './run-support.js'

const getState = Buffer.from(GetState.encode({ key: 'k', collection: '' }).finish())
const putState = Buffer.from(PutState.encode({ key: 'k', value: Buffer.from('v'), collection: '' }).finish())

/** Chaincode `a` runs transaction tx1 on channel `ch`; `call` has it invoke another. */
async function caller(defined: Defined = { a: {}, b: {} }) {
  const daemon = await runSupport(defined)
  const simulator = new FakeSimulator('tx1')
  const a = daemon.up('a')
  const running = daemon.execute({ txId: 'tx1', chaincodeName: 'a', simulator })
  running.catch(() => undefined)
  await a.transport.next()
  return {
    ...daemon,
    simulator,
    a,
    running,
    ask: (type: Type, payload: Buffer) => a.send({ type, payload, txid: 'tx1', channelId: 'ch' }),
    call: (name: string, ...args: string[]) =>
      a.send({ type: Type.INVOKE_CHAINCODE, payload: specBytes(name, ...args), txid: 'tx1', channelId: 'ch' }),
    /** The text that the call fails with; the caller goes on. */
    error: async () => {
      const answer = await a.transport.next()
      expect(Type[answer.type]).to.equal('ERROR')
      return answer.payload.toString().replace('INVOKE_CHAINCODE failed: transaction ID: tx1: ', '')
    },
  }
}

/** The message of the callee that a RESPONSE carries. */
const inner = ({ type, payload }: { type: number; payload: Buffer }) => {
  expect(Type[type]).to.equal('RESPONSE')
  return ChaincodeMessage.decode(payload)
}

describe('Calling a chaincode from a chaincode on the same channel', () => {
  it('sends it TRANSACTION with the same id, the arguments and the proposal of the client; its COMPLETED is the answer', async () => {
    const { a, call, up } = await caller()
    const b = up('b')
    call('b', 'f', 'x')
    const sent = await b.transport.next()
    expect(sent).to.include({ type: Type.TRANSACTION, txid: 'tx1', channelId: 'ch' })
    expect(ChaincodeInput.decode(sent.payload).args.map(String)).to.deep.equal(['f', 'x'])
    expect(sent.proposal?.toString()).to.equal('the proposal')
    b.complete('tx1', responseBytes(200, '', 'of b'))
    expect(inner(await a.transport.next())).to.deep.include({
      type: Type.COMPLETED,
      payload: responseBytes(200, '', 'of b'),
      txid: 'tx1',
      channelId: 'ch',
    })
  })

  it('shares the simulator: what both write is in one read-write set, each in its namespace', async () => {
    const { ask, a, call, up, simulator } = await caller()
    const b = up('b')
    simulator.state.set('a/k', Buffer.from('of a')).set('b/k', Buffer.from('of b'))
    ask(Type.PUT_STATE, putState)
    call('b')
    await b.transport.next()
    b.send({ type: Type.GET_STATE, payload: getState, txid: 'tx1', channelId: 'ch' })
    expect(short(await b.transport.next())).to.equal('RESPONSE ch/tx1 of b')
    b.send({ type: Type.PUT_STATE, payload: putState, txid: 'tx1', channelId: 'ch' })
    b.complete('tx1')
    await a.transport.next()
    inner(await a.transport.next())
    expect(simulator.writes).to.deep.equal([
      ['a', 'k', 'v'],
      ['b', 'k', 'v'],
    ])
    expect(simulator.dones).to.equal(0)
  })

  it("drops the callee's event: only that of the first chaincode counts", async () => {
    const { a, call, up, running } = await caller()
    const b = up('b')
    call('b')
    const chaincodeEvent = { chaincodeId: '', txId: '', eventName: 'of b', payload: Buffer.alloc(0) }
    b.send({ type: Type.COMPLETED, txid: 'tx1', channelId: 'ch', payload: responseBytes(200), chaincodeEvent })
    expect(inner(await a.transport.next()).chaincodeEvent).to.equal(undefined)
    a.complete('tx1')
    expect((await running).event).to.equal(undefined)
  })

  for (const [what, message] of [
    ['status 500', { type: Type.COMPLETED, payload: responseBytes(500, 'boom') }],
    ['an ERROR', { type: Type.ERROR, payload: Buffer.from('I failed') }],
    ['a response that does not decode', { type: Type.COMPLETED, payload: Buffer.from('0f', 'hex') }],
  ] as const)
    it(`hands ${what} of the callee on as data`, async () => {
      const { a, call, up } = await caller()
      const b = up('b')
      call('b')
      b.send({ ...message, txid: 'tx1', channelId: 'ch' })
      expect(inner(await a.transport.next())).to.deep.include(message)
    })

  it('of itself is refused, as its transaction exists; it goes on [R-30]', async () => {
    const { a, call, error, running } = await caller()
    call('a')
    expect(await error()).to.equal('execute failed: error sending: txid: tx1(ch) exists')
    a.complete('tx1')
    expect((await running).response.status).to.equal(200)
  })

  it('has it started where it is not up, and waits for it [R-32]', async () => {
    const { a, call, comeUp } = await caller()
    call('b')
    const b = comeUp('b:1.0')
    expect(short(await b.transport.next())).to.contain('TRANSACTION ch/tx1')
    b.complete('tx1')
    inner(await a.transport.next())
  })
})

describe('Calling a chaincode from a chaincode on another channel', () => {
  const defined: Defined = { a: { channels: ['ch', 'ch2'] }, b: { channels: ['ch2'] } }

  it('lets it read and write on a simulator of its own, which is released once: its writes are discarded [B-222 … B-227]', async () => {
    const { a, call, up, simulator, simulators } = await caller(defined)
    const b = up('b')
    call('b/ch2')
    expect(await b.transport.next()).to.include({ type: Type.TRANSACTION, txid: 'tx1', channelId: 'ch2' })
    expect(simulators.map(({ channelId }) => channelId)).to.deep.equal(['ch2'])
    const other = simulators[0]!.simulator
    expect(other.txId).to.equal('tx1')
    other.state.set('b/k', Buffer.from('of ch2'))
    b.send({ type: Type.GET_STATE, payload: getState, txid: 'tx1', channelId: 'ch2' })
    expect(short(await b.transport.next())).to.equal('RESPONSE ch2/tx1 of ch2')
    b.send({ type: Type.PUT_STATE, payload: putState, txid: 'tx1', channelId: 'ch2' })
    expect(other.dones).to.equal(0)
    b.complete('tx1', undefined, 'ch2')
    expect(inner(await a.transport.next())).to.include({ type: Type.COMPLETED, channelId: 'ch2' })
    expect(other.dones).to.equal(1)
    expect(simulator.writes).to.deep.equal([])
    expect(simulator.dones).to.equal(0)
  })

  it('of itself works [R-31]', async () => {
    const { a, call } = await caller(defined)
    call('a/ch2')
    expect(await a.transport.next()).to.include({ type: Type.TRANSACTION, txid: 'tx1', channelId: 'ch2' })
    a.complete('tx1', responseBytes(201), 'ch2')
    expect(inner(await a.transport.next()).payload).to.deep.equal(responseBytes(201))
  })

  it('releases the simulator also when the callee fails', async () => {
    const { call, up, error, simulators, clock } = await caller(defined)
    const b = up('b')
    clock.increment(10_000)
    call('b/ch2')
    await b.transport.next()
    b.end()
    expect(await error()).to.equal('execute failed: error sending: chaincode stream terminated')
    expect(simulators[0]?.simulator.dones).to.equal(1)
    call('missing/ch2')
    await error()
    expect(simulators[1]?.simulator.dones).to.equal(1)
  })

  it('takes its own channel, named, for what it is: the same simulator', async () => {
    const { call, up, simulators } = await caller()
    const b = up('b')
    call('b/ch')
    await b.transport.next()
    expect(simulators).to.deep.equal([])
  })

  it('is refused where there is no such channel, or its ledger cannot be had [B-228, B-229]', async () => {
    const { call, error, breakLedgers } = await caller(defined)
    call('b/nochan')
    expect(await error()).to.equal('Failed to get policy manager for channel [nochan]')
    breakLedgers()
    call('b/ch2')
    expect(await error()).to.equal('the ledger is closed')
  })
})

describe('Calling a chaincode from a chaincode', () => {
  it('fails for one that the channel does not know', async () => {
    const { call, error } = await caller()
    call('missing')
    expect(await error()).to.equal(
      'execute failed: invalid invocation: [channel ch] failed to get chaincode container info for missing: chaincode missing not found',
    )
  })

  it('fails where no name is given, by whatever way, and breaks nothing [R-25]', async () => {
    const { ask, call, error } = await caller()
    for (const payload of [
      Buffer.alloc(0),
      Buffer.from(ChaincodeSpec.encode(ChaincodeSpec.fromPartial({})).finish()),
    ]) {
      ask(Type.INVOKE_CHAINCODE, payload)
      expect(await error()).to.equal('chaincode name not set')
    }
    for (const name of ['', ':1.0', '/ch2']) {
      call(name)
      expect(await error()).to.equal('chaincode name not set')
    }
  })

  it('can never be an Init, even if it says so: one that needs Init first is refused', async () => {
    const { ask, error } = await caller({ a: {}, b: { initRequired: true } })
    const spec = ChaincodeSpec.fromPartial({ chaincodeId: { name: 'b' }, input: { args: [], isInit: true } })
    ask(Type.INVOKE_CHAINCODE, Buffer.from(ChaincodeSpec.encode(spec).finish()))
    expect(await error()).to.equal(
      "execute failed: invalid invocation: chaincode 'b' has not been initialized for this version, must call as init first",
    )
  })

  it('fails with the launch error of one that does not come up; the caller goes on', async () => {
    const { call, error, supervisor, exit, a, running } = await caller()
    call('b')
    supervisor.process('b:1.0').tell({ type: 'SPAWNED', pid: 43 })
    exit('b:1.0')
    expect(await error()).to.match(/^execute failed: could not launch chaincode b:1\.0: /)
    a.complete('tx1')
    expect((await running).response.status).to.equal(200)
  })

  it('keeps the caller busy: its further requests are dropped until the answer [R-26]', async () => {
    const { a, ask, call, up, logged } = await caller()
    const b = up('b')
    call('b')
    ask(Type.GET_STATE, getState)
    expect(a.transport.take()).to.deep.equal([])
    expect(logged(40)[0]).to.contain('Another request pending for this CC: a:1.0')
    b.complete('tx1')
    inner(await a.transport.next())
  })
})

describe("The end of the caller's transaction during a call", () => {
  it("by its timeout ends the callee's too, which finds no ledger context any more; the shared simulator is not touched", async () => {
    const { call, up, running, simulator, clock, directory } = await caller()
    clock.increment(10_000)
    const b = up('b')
    call('b')
    await b.transport.next()
    clock.increment(20_000)
    expect((await failureOf(running)).code).to.equal('EXECUTE_TIMEOUT')
    expect(directory.status('b:1.0')).to.deep.include({ state: 'ready', inFlight: 0 })
    b.send({ type: Type.PUT_STATE, payload: putState, txid: 'tx1', channelId: 'ch' })
    expect(short(await b.transport.next())).to.contain('no ledger context')
    expect(simulator.writes).to.deep.equal([])
  })

  it('by COMPLETED, before the callee has answered, does so too: it could write behind the result', async () => {
    const { a, call, up, running, simulator } = await caller()
    const b = up('b')
    call('b')
    await b.transport.next()
    a.complete('tx1')
    await running
    b.send({ type: Type.PUT_STATE, payload: putState, txid: 'tx1', channelId: 'ch' })
    expect(short(await b.transport.next())).to.contain('no ledger context')
    expect(simulator.writes).to.deep.equal([])
    expect(a.transport.take()).to.deep.equal([])
  })

  it('while the callee starts lets it start: the next call finds it up [R-32]', async () => {
    const { call, running, clock, supervisor, comeUp, directory, execute } = await caller()
    clock.increment(29_900)
    call('b')
    supervisor.process('b:1.0').tell({ type: 'SPAWNED', pid: 43 })
    clock.increment(100)
    expect((await failureOf(running)).code).to.equal('EXECUTE_TIMEOUT')
    await turn()
    const b = comeUp('b:1.0')
    expect(b.transport.take()).to.deep.equal([])
    expect(directory.status('b:1.0')?.state).to.equal('ready')
    void execute({ txId: 'tx2', chaincodeName: 'b' }).catch(() => undefined)
    expect(short(await b.transport.next())).to.contain('TRANSACTION ch/tx2')
  })

  it('releases the simulator of the other channel', async () => {
    const { a, call, up, running, simulators } = await caller({ a: {}, b: { channels: ['ch2'] } })
    const b = up('b')
    call('b/ch2')
    await b.transport.next()
    a.complete('tx1')
    await running
    await turn()
    expect(simulators[0]?.simulator.dones).to.equal(1)
  })
})
