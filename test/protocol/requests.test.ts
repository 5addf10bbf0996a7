import { expect } from 'chai'
import { ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeMessage_Type as Type,
  GetState,
  GetStateByRange,
  PutState,
  QueryResponse,
} from '../../proto/gen/peer/chaincode-shim.js'
import { failure } from '../../src/errors.js'
import { Transaction } from '../../src/protocol/transaction.js'
import { FakeRows, FakeSimulator, stateRows } from './fake-simulator.js'
import { failureOf, readyStream, short, turn } from './open-stream.js'

const getState = GetState.encode({ key: 'k', collection: '' }).finish()
const putState = PutState.encode({ key: 'k', value: Buffer.from('v'), collection: '' }).finish()
const range = GetStateByRange.encode({ startKey: '', endKey: '', collection: '', metadata: Buffer.alloc(0) }).finish()
const invoke = ChaincodeSpec.encode(ChaincodeSpec.fromPartial({ chaincodeId: { name: 'other' } })).finish()

/** A stream with one transaction, tx1, whose first query waits until `release` is called. */
function heldQuery(rows = stateRows(3)) {
  const chaincode = readyStream()
  const simulator = new FakeSimulator()
  const cursor = new FakeRows(rows)
  simulator.cursors.push(cursor)
  const release = cursor.hold()
  const running = chaincode.execute('tx1', { simulator })
  running.catch(() => undefined)
  chaincode.transport.take()
  chaincode.ask(Type.GET_STATE_BY_RANGE, range)
  return { ...chaincode, simulator, cursor, running, release }
}

describe('A request in a transaction', () => {
  it('is answered with RESPONSE under its channel and id; a failed one with ERROR that names type and id [B-004, B-022]', () => {
    const chaincode = readyStream()
    const simulator = new FakeSimulator()
    simulator.state.set('kv/k', Buffer.from('committed'))
    void chaincode.execute('tx1', { simulator })
    void chaincode.execute('tx2', { channelId: 'other' })
    chaincode.transport.take()
    chaincode.ask(Type.GET_STATE, getState, 'tx1', 'ch')
    chaincode.ask(Type.GET_STATE, getState, 'tx2', 'other')
    chaincode.ask(Type.GET_QUERY_RESULT, undefined, 'tx1', 'ch')
    expect(chaincode.transport.take().map(short)).to.deep.equal([
      'RESPONSE ch/tx1 committed',
      'RESPONSE other/tx2',
      'ERROR ch/tx1 GET_QUERY_RESULT failed: transaction ID: tx1: GET_QUERY_RESULT is not supported yet',
    ])
  })

  it('of a transaction that there never was is told that there is no context, whatever it is', () => {
    const chaincode = readyStream()
    chaincode.ask(Type.GET_STATE, getState, 'nosuchtx', '')
    chaincode.ask(Type.WRITE_BATCH_STATE, undefined, 'nosuchtx', '')
    chaincode.ask(Type.INVOKE_CHAINCODE, invoke, 'nosuchtx', 'ch')
    expect(chaincode.transport.take().map(short)).to.deep.equal([
      'ERROR /nosuchtx GET_STATE failed: transaction ID: nosuchtx: no ledger context',
      'ERROR /nosuchtx WRITE_BATCH_STATE failed: transaction ID: nosuchtx: no ledger context',
      'ERROR ch/nosuchtx INVOKE_CHAINCODE failed: transaction ID: nosuchtx: could not get valid transaction',
    ])
  })

  it('of a transaction without simulator is told that there is no ledger context [B-015]', () => {
    const chaincode = readyStream()
    void chaincode.execute('tx1', { channelId: '', simulator: undefined })
    chaincode.transport.take()
    chaincode.ask(Type.GET_STATE, getState, 'tx1', '')
    expect(chaincode.transport.take().map(short)).to.deep.equal([
      'ERROR /tx1 GET_STATE failed: transaction ID: tx1: no ledger context',
    ])
  })

  it('sees committed state only, not what its own transaction wrote', () => {
    const chaincode = readyStream()
    const simulator = new FakeSimulator()
    simulator.state.set('kv/k', Buffer.from('committed'))
    void chaincode.execute('tx1', { simulator })
    chaincode.transport.take()
    chaincode.ask(Type.PUT_STATE, putState)
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take().map(short)).to.deep.equal(['RESPONSE ch/tx1', 'RESPONSE ch/tx1 committed'])
    expect(simulator.writes).to.deep.equal([['kv', 'k', 'v']])
  })

  it('that fails by a defect is answered with panic during execution and logged; stream and transaction go on [B-023]', async () => {
    const chaincode = readyStream({
      request: { invokeChaincode: () => Promise.reject(new TypeError('x is not a function')) },
    })
    const simulator = new FakeSimulator()
    simulator.error = new TypeError('y is not a function')
    const running = chaincode.execute('tx1', { simulator })
    chaincode.transport.take()
    chaincode.ask(Type.GET_STATE, getState)
    expect(short(await chaincode.transport.next())).to.equal(
      'ERROR ch/tx1 GET_STATE failed: transaction ID: tx1: panic during execution',
    )
    chaincode.ask(Type.INVOKE_CHAINCODE, invoke)
    expect(short(await chaincode.transport.next())).to.equal(
      'ERROR ch/tx1 INVOKE_CHAINCODE failed: transaction ID: tx1: panic during execution',
    )
    expect(chaincode.logged(50)).to.deep.equal([
      'GET_STATE failed unexpectedly',
      'INVOKE_CHAINCODE failed unexpectedly',
    ])
    chaincode.complete()
    expect((await running).type).to.equal(Type.COMPLETED)
    expect(chaincode.state).to.equal('ready')
  })

  it('whose answer is larger than a message may be gets an ERROR with the limit, and the stream goes on', () => {
    const chaincode = readyStream({ messageBytes: 300 })
    const simulator = new FakeSimulator()
    simulator.state.set('kv/k', Buffer.alloc(290))
    void chaincode.execute('tx1', { simulator })
    chaincode.transport.take()
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take().map(short)[0]).to.match(
      /^ERROR ch\/tx1 GET_STATE failed: transaction ID: tx1: RESPONSE of \d+ bytes is larger than the largest message, 300 bytes/,
    )
    expect(chaincode.state).to.equal('ready')
  })
})

describe('A second request while one is in work', () => {
  it('is dropped with one line in the log; the first is answered [R-26, B-010]', async () => {
    const chaincode = heldQuery()
    chaincode.ask(Type.GET_STATE, getState)
    chaincode.ask(Type.PUT_STATE, putState)
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.logged(40)).to.deep.equal(
      Array(2).fill('[tx1] Another request pending for this CC: kv:1.0, Txid: tx1, ChannelID: ch. Cannot process.'),
    )
    expect(chaincode.simulator.writes).to.deep.equal([])
    chaincode.release()
    expect(QueryResponse.decode((await chaincode.transport.next()).payload).results).to.have.length(3)
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take()).to.have.length(1)
  })

  it('is no matter for other transactions', () => {
    const chaincode = heldQuery()
    void chaincode.execute('tx2')
    chaincode.transport.take()
    chaincode.ask(Type.GET_STATE, getState, 'tx2')
    expect(chaincode.transport.take().map(short)).to.deep.equal(['RESPONSE ch/tx2'])
  })

  it('is shown in the log with the first eight characters of a long id', () => {
    const chaincode = heldQuery()
    const txId = '0123456789abcdef'
    void chaincode.execute(txId, { simulator: chaincode.simulator })
    const held = new FakeRows(stateRows(1))
    held.hold()
    chaincode.simulator.cursors.push(held)
    chaincode.ask(Type.GET_STATE_BY_RANGE, range, txId)
    chaincode.ask(Type.GET_STATE, getState, txId)
    expect(chaincode.logged(40)[0]).to.match(/^\[01234567\] Another request pending .* Txid: 0123456789abcdef,/)
  })

  it('is never one that follows an answer, however fast: the transaction is free before the answer is seen [R-27, B-005]', async () => {
    const chaincode = heldQuery()
    const answered = new Promise<void>((resolve) => {
      const send = chaincode.transport.send.bind(chaincode.transport)
      chaincode.transport.send = (message, written) => {
        send(message, written)
        chaincode.transport.send = send
        chaincode.ask(Type.GET_STATE, getState)
        resolve()
      }
    })
    chaincode.release()
    await answered
    expect(chaincode.transport.take().map(({ type }) => type)).to.deep.equal([Type.RESPONSE, Type.RESPONSE])
    expect(chaincode.logged(40)).to.deep.equal([])
  })
})

describe('A transaction that ends while a request of it is in work', () => {
  it('by COMPLETED gives its caller the result at once; its query is closed once, and no answer follows [R-23]', async () => {
    const chaincode = heldQuery(stateRows(200))
    chaincode.complete()
    expect((await chaincode.running).type).to.equal(Type.COMPLETED)
    chaincode.release()
    await turn()
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.cursor.closes).to.equal(1)
    expect(chaincode.logged(50)).to.deep.equal([])
  })

  it('by its timeout has the request answered that there is no context, whether it succeeds or fails [R-19, R-23]', async () => {
    for (const error of [undefined, failure('LEDGER_CLOSED', {}), new TypeError('a defect')]) {
      const chaincode = heldQuery()
      chaincode.cursor.error = error
      chaincode.clock.increment(1000)
      expect((await failureOf(chaincode.running)).code).to.equal('EXECUTE_TIMEOUT')
      expect(chaincode.cursor.closes).to.equal(1)
      chaincode.release()
      expect(short(await chaincode.transport.next())).to.equal(
        'ERROR ch/tx1 GET_STATE_BY_RANGE failed: transaction ID: tx1: no ledger context',
      )
      expect(chaincode.cursor.closes).to.equal(1)
    }
  })

  it('by its timeout and a late COMPLETED has the request answered no more: whoever has completed waits for nothing', async () => {
    const chaincode = heldQuery()
    chaincode.clock.increment(1000)
    await failureOf(chaincode.running)
    chaincode.complete()
    const again = chaincode.execute('tx1')
    chaincode.transport.take()
    chaincode.release()
    await turn()
    expect(chaincode.transport.take()).to.deep.equal([])
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take().map(short)).to.deep.equal(['RESPONSE ch/tx1'])
    chaincode.complete()
    expect((await again).type).to.equal(Type.COMPLETED)
  })

  it('with its stream fails the caller; the query is closed once, and nothing is sent [R-17, R-24]', async () => {
    const chaincode = heldQuery(stateRows(200))
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    expect((await failureOf(chaincode.running)).code).to.equal('STREAM_TERMINATED')
    chaincode.release()
    await turn()
    expect(chaincode.transport.take()).to.deep.equal([])
    expect(chaincode.cursor.closes).to.equal(1)
  })

  it('by its timeout, and the stream after it, has nothing sent any more', async () => {
    const chaincode = heldQuery()
    chaincode.clock.increment(1000)
    await failureOf(chaincode.running)
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    chaincode.release()
    await turn()
    expect(chaincode.transport.take()).to.deep.equal([])
  })

  it('drops a further request while the old one is still in work, also when its caller has given up', async () => {
    const chaincode = heldQuery()
    chaincode.clock.increment(1000)
    await failureOf(chaincode.running)
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take()).to.deep.equal([])
    chaincode.release()
    await chaincode.transport.next()
    chaincode.ask(Type.GET_STATE, getState)
    expect(short(await chaincode.transport.next())).to.contain('no ledger context')
  })

  it('cancels what is done on its behalf: the signal of the transaction', async () => {
    for (const end of ['complete', 'time out', 'stream'] as const) {
      let signal: AbortSignal | undefined
      const chaincode = readyStream({
        request: {
          invokeChaincode: (caller) => {
            signal = caller.signal
            return new Promise((_resolve, reject) => {
              caller.signal.addEventListener('abort', () => reject(failure('CALL_CANCELLED', {})))
            })
          },
        },
      })
      const running = chaincode.execute('tx1').catch(() => undefined)
      chaincode.transport.take()
      chaincode.ask(Type.INVOKE_CHAINCODE, invoke)
      expect(signal?.aborted).to.equal(false)
      if (end === 'complete') chaincode.complete()
      else if (end === 'time out') chaincode.clock.increment(1000)
      else chaincode.stream.onEnd({ kind: 'eof', message: '' })
      await running
      expect(signal?.aborted).to.equal(true)
      await turn()
      expect(chaincode.transport.take().map(short)).to.deep.equal(
        end === 'time out'
          ? ['ERROR ch/tx1 INVOKE_CHAINCODE failed: transaction ID: tx1: could not get valid transaction']
          : [],
      )
    }
  })

  it('has an aborted signal for whoever asks for one afterwards', () => {
    const transaction = new Transaction('ch', 'tx1', 'kv', false, undefined, Buffer.alloc(0))
    transaction.end('completed')
    expect(transaction.signal.aborted).to.equal(true)
  })
})
