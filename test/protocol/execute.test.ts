import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import { ChaincodeMessage_Type as Type, GetState } from '../../proto/gen/peer/chaincode-shim.js'
import { FakeSimulator } from './fake-simulator.js'
import { failureOf, readyStream, responseBytes, short } from './open-stream.js'

const getState = GetState.encode({ key: 'k', collection: '' }).finish()

describe('A transaction on a stream', () => {
  it('is sent with its input, id, channel and signed proposal, INIT or TRANSACTION as the call says [B-251]', () => {
    const chaincode = readyStream()
    void chaincode.execute('tx1')
    void chaincode.execute('tx2', { type: Type.INIT, channelId: 'other' })
    const [invoke, init] = chaincode.transport.take()
    expect(short(invoke!)).to.equal('TRANSACTION ch/tx1 the input')
    expect(invoke?.proposal?.toString()).to.equal('the proposal')
    expect(short(init!)).to.equal('INIT other/tx2 the input')
  })

  it('resolves with COMPLETED as it came, whatever its status, and with ERROR [B-252, B-253]', async () => {
    const chaincode = readyStream()
    const first = chaincode.execute('tx1')
    const second = chaincode.execute('tx2')
    chaincode.complete('tx2', 'ch', responseBytes(500, 'boom'))
    chaincode.send({ type: Type.ERROR, txid: 'tx1', channelId: 'ch', payload: Buffer.from('I failed') })
    expect(await first).to.include({ type: Type.ERROR, txid: 'tx1', channelId: 'ch' })
    expect((await first).payload.toString()).to.equal('I failed')
    expect(await second).to.include({ type: Type.COMPLETED, txid: 'tx2' })
    expect((await second).payload).to.deep.equal(responseBytes(500, 'boom'))
    expect(chaincode.transport.take().map(short)).to.have.length(2)
  })

  it('is refused while one of its id and channel runs, which is not disturbed; afterwards the id is free [R-29, B-259]', async () => {
    const chaincode = readyStream()
    const first = chaincode.execute('tx1')
    expect((await failureOf(chaincode.execute('tx1'))).message).to.equal('txid: tx1(ch) exists')
    expect(chaincode.transport.take()).to.have.length(1)
    chaincode.complete('tx1')
    expect((await first).type).to.equal(Type.COMPLETED)
    void chaincode.execute('tx1')
    expect(chaincode.transport.take()).to.have.length(1)
  })

  it('is told apart from one whose channel and id, joined, are the same text [R-28]', async () => {
    const chaincode = readyStream()
    const first = chaincode.execute('c', { channelId: 'ab' })
    const second = chaincode.execute('bc', { channelId: 'a' })
    chaincode.complete('bc', 'a', responseBytes(201))
    chaincode.complete('c', 'ab', responseBytes(202))
    expect((await first).payload).to.deep.equal(responseBytes(202))
    expect((await second).payload).to.deep.equal(responseBytes(201))
  })

  it('ignores an answer with another channel or id, at the cost of a debug line [B-293]', async () => {
    const chaincode = readyStream()
    const running = failureOf(chaincode.execute('tx1'))
    chaincode.complete('tx1', 'elsewhere')
    chaincode.complete('tx2')
    expect(chaincode.logged(20)).to.deep.equal([
      'notifier Txid:tx1, channelID:elsewhere does not exist',
      'notifier Txid:tx2, channelID:ch does not exist',
    ])
    chaincode.clock.increment(1000)
    expect((await running).code).to.equal('EXECUTE_TIMEOUT')
  })

  it('takes its first answer and ignores the second; others are not disturbed [R-20]', async () => {
    const chaincode = readyStream()
    const first = chaincode.execute('tx1')
    const second = chaincode.execute('tx2')
    chaincode.complete('tx1', 'ch', responseBytes(200, 'the first'))
    chaincode.complete('tx1', 'ch', responseBytes(500, 'the second'))
    expect((await first).payload).to.deep.equal(responseBytes(200, 'the first'))
    chaincode.complete('tx2')
    expect((await second).type).to.equal(Type.COMPLETED)
    expect(chaincode.state).to.equal('ready')
  })

  it('is refused when as many run as may, with the limit and its key in the text', async () => {
    const chaincode = readyStream({ transactionsLimit: 2 })
    void chaincode.execute('tx1')
    void chaincode.execute('tx2')
    expect((await failureOf(chaincode.execute('tx3'))).message).to.equal(
      'chaincode kv:1.0 already runs 2 transactions (chaincoded.limits.transactionsInFlight)',
    )
    chaincode.complete('tx1')
    void chaincode.execute('tx3')
    expect(chaincode.transport.take().map(({ txid }) => txid)).to.deep.equal(['tx1', 'tx2', 'tx3'])
  })

  it('is refused when its message is larger than one may be; the stream and the others go on', async () => {
    const chaincode = readyStream({ messageBytes: 100 })
    const other = chaincode.execute('tx1')
    const error = await failureOf(chaincode.execute('tx2', { input: Buffer.alloc(90) }))
    expect(error.message).to.match(
      /^TRANSACTION of \d+ bytes is larger than the largest message, 100 bytes \(chaincoded\.limits\.messageBytes\)$/,
    )
    expect(chaincode.transport.take()).to.have.length(1)
    chaincode.complete('tx1')
    expect((await other).type).to.equal(Type.COMPLETED)
  })
})

describe('The execute timeout', () => {
  it('fails the caller when it is over and not before, and says nothing to the chaincode [B-262]', async () => {
    const chaincode = readyStream({ executeTimeoutMs: 1000 })
    const running = failureOf(chaincode.execute())
    chaincode.transport.take()
    chaincode.clock.increment(999)
    expect(chaincode.stream.inFlight).to.equal(1)
    chaincode.clock.increment(1)
    expect((await running).message).to.equal('timeout expired while executing transaction')
    expect(chaincode.stream.inFlight).to.equal(0)
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.state).to.equal('ready')
  })

  it('is no longer there once the transaction was answered', async () => {
    const chaincode = readyStream({ executeTimeoutMs: 1000 })
    const timers = [...chaincode.timers]
    const first = chaincode.execute('tx1')
    expect(chaincode.timers.size).to.equal(timers.length + 1)
    chaincode.complete('tx1')
    await first
    expect([...chaincode.timers]).to.deep.equal(timers)
    chaincode.clock.increment(999)
    const second = chaincode.execute('tx1')
    chaincode.clock.increment(1)
    chaincode.complete('tx1')
    expect((await second).type).to.equal(Type.COMPLETED)
  })

  it('lets late requests be told that there is no context, each of them [R-19]', async () => {
    const chaincode = readyStream()
    const simulator = new FakeSimulator()
    const running = failureOf(chaincode.execute('tx1', { simulator }))
    chaincode.clock.increment(1000)
    await running
    chaincode.transport.take()
    for (const type of [
      Type.GET_STATE,
      Type.PUT_STATE,
      Type.QUERY_STATE_NEXT,
      Type.QUERY_STATE_CLOSE,
      Type.INVOKE_CHAINCODE,
    ])
      chaincode.ask(type, getState)
    const late = (name: string, text: string) => `ERROR ch/tx1 ${name} failed: transaction ID: tx1: ${text}`
    expect(chaincode.transport.take().map(short)).to.deep.equal([
      late('GET_STATE', 'no ledger context'),
      late('PUT_STATE', 'no ledger context'),
      late('QUERY_STATE_NEXT', 'no ledger context'),
      late('QUERY_STATE_CLOSE', 'no ledger context'),
      late('INVOKE_CHAINCODE', 'could not get valid transaction'),
    ])
    expect(simulator.writes).to.deep.equal([])
  })

  it('keeps the id from being used again until the late answer, which reaches nobody and is not answered [R-18]', async () => {
    const chaincode = readyStream()
    const first = failureOf(chaincode.execute('tx1'))
    chaincode.clock.increment(1000)
    await first
    expect((await failureOf(chaincode.execute('tx1'))).message).to.equal('txid: tx1(ch) exists')
    chaincode.transport.take()
    chaincode.complete('tx1', 'ch', responseBytes(200, 'late'))
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.logged(40)).to.deep.equal([
      'late COMPLETED of kv:1.0 for transaction tx1 refused: its caller was told that it failed',
    ])
    const second = chaincode.execute('tx1')
    chaincode.complete('tx1', 'ch', responseBytes(200, 'its own'))
    expect((await second).payload).to.deep.equal(responseBytes(200, 'its own'))
  })

  it('also takes a late ERROR for an answer', async () => {
    const chaincode = readyStream()
    const first = failureOf(chaincode.execute('tx1'))
    chaincode.clock.increment(1000)
    await first
    chaincode.transport.take()
    chaincode.send({ type: Type.ERROR, txid: 'tx1', channelId: 'ch', payload: Buffer.from('late') })
    expect(chaincode.logged(40)[0]).to.match(/^late ERROR of kv:1\.0 for transaction tx1/)
    void chaincode.execute('tx1')
    expect(chaincode.transport.take().map(short)).to.deep.equal(['TRANSACTION ch/tx1 the input'])
  })

  it('remembers 10,000 abandoned transactions and no more: of one more the oldest is forgotten', async () => {
    const chaincode = readyStream()
    for (let i = 0; i <= 10_000; i++) {
      const caller = new AbortController()
      const running = failureOf(chaincode.execute(`tx${i}`, { signal: caller.signal }))
      caller.abort()
      await running
    }
    expect((await failureOf(chaincode.execute('tx1'))).code).to.equal('TXID_EXISTS')
    chaincode.transport.take()
    void chaincode.execute('tx0')
    expect(chaincode.transport.take()).to.have.length(1)
  })
})

describe('A caller that goes away', () => {
  it('ends its transaction at once, and the chaincode meets a transaction that is over', async () => {
    const chaincode = readyStream()
    const caller = new AbortController()
    const running = failureOf(chaincode.execute('tx1', { signal: caller.signal }))
    chaincode.transport.take()
    caller.abort()
    expect((await running).code).to.equal('CALL_CANCELLED')
    expect(chaincode.stream.inFlight).to.equal(0)
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take().map(short)[0]).to.contain('no ledger context')
    expect((await failureOf(chaincode.execute('tx1'))).code).to.equal('TXID_EXISTS')
  })

  it('that has gone before has nothing sent', async () => {
    const chaincode = readyStream()
    const error = await failureOf(chaincode.execute('tx1', { signal: AbortSignal.abort() }))
    expect(error.code).to.equal('CALL_CANCELLED')
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.activity).to.deep.equal([])
  })

  it('changes nothing once its transaction was answered, and is no longer listened to', async () => {
    const chaincode = readyStream()
    const caller = new AbortController()
    const running = chaincode.execute('tx1', { signal: caller.signal })
    expect(getEventListeners(caller.signal, 'abort')).to.have.length(1)
    chaincode.complete('tx1')
    expect((await running).type).to.equal(Type.COMPLETED)
    expect(getEventListeners(caller.signal, 'abort')).to.deep.equal([])
    caller.abort()
    void chaincode.execute('tx1')
    expect(chaincode.stream.inFlight).to.equal(1)
  })
})

describe('The end of a stream, for its transactions', () => {
  it('fails all that run, at once, and stops their deadlines [R-17]', async () => {
    const chaincode = readyStream()
    const running = ['tx1', 'tx2', 'tx3'].map((txId) => failureOf(chaincode.execute(txId)))
    chaincode.stream.onEnd({ kind: 'error', message: 'read ECONNRESET' })
    const errors = await Promise.all(running)
    expect(errors.map(({ message }) => message)).to.deep.equal(Array(3).fill('chaincode stream terminated'))
    expect(chaincode.stream.inFlight).to.equal(0)
    expect(chaincode.timers.size).to.equal(0)
  })

  it('fails what is begun afterwards at once, and sends nothing [R-16]', async () => {
    const chaincode = readyStream()
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    expect((await failureOf(chaincode.execute())).message).to.equal('chaincode stream terminated')
    expect(chaincode.transport.take()).to.deep.equal([])
  })

  it('by the program fails them too [R-52]', async () => {
    const chaincode = readyStream()
    const running = failureOf(chaincode.execute())
    chaincode.stream.actor.send({ type: 'CLOSE' })
    expect((await running).code).to.equal('STREAM_TERMINATED')
  })
})
