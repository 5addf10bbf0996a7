import { expect } from 'chai'
import { ChaincodeMessage_Type as Type, GetState } from '../../proto/gen/peer/chaincode-shim.js'
import { failureOf, readyStream, short, turn } from './open-stream.js'

const getState = GetState.encode({ key: 'k', collection: '' }).finish()

describe('What the chaincode is told of the activity on its stream', () => {
  it('is the first start and the last end, and nothing in between', async () => {
    const chaincode = readyStream()
    const all = Promise.allSettled(['tx1', 'tx2', 'tx3'].map((txId) => chaincode.execute(txId)))
    expect(chaincode.activity).to.deep.equal(['kv:1.0 7 starts'])
    chaincode.complete('tx1')
    chaincode.complete('tx1')
    chaincode.complete('tx3')
    expect(chaincode.activity).to.deep.equal(['kv:1.0 7 starts'])
    chaincode.clock.increment(1000)
    await all
    expect(chaincode.activity).to.deep.equal(['kv:1.0 7 starts', 'kv:1.0 7 ends'])
    chaincode.complete('tx2')
    void chaincode.execute('tx4')
    chaincode.complete('tx4')
    expect(chaincode.activity.slice(2)).to.deep.equal(['kv:1.0 7 starts', 'kv:1.0 7 ends'])
  })

  it('is not an end when the stream ends: its end says more, and comes as STREAM_ENDED', async () => {
    const chaincode = readyStream()
    const running = failureOf(chaincode.execute())
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    await running
    expect(chaincode.activity).to.deep.equal(['kv:1.0 7 starts'])
    expect(chaincode.reports.at(-1)?.type).to.equal('STREAM_ENDED')
  })
})

describe('A chaincode that does not read', () => {
  it('loses its stream when more than twice the largest message waits for it, with the limit in log and status', async () => {
    const chaincode = readyStream({ messageBytes: 1000 })
    const running = failureOf(chaincode.execute('tx1'))
    chaincode.transport.take()
    chaincode.transport.bufferedBytes = 2000
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take().map(short)).to.deep.equal(['RESPONSE ch/tx1'])
    chaincode.transport.bufferedBytes = 2001
    chaincode.ask(Type.GET_STATE, getState)
    expect(chaincode.transport.take()).to.deep.equal([])
    const text =
      'chaincode kv:1.0 does not read: 2001 bytes wait for it, and 2000 may (twice chaincoded.limits.messageBytes)'
    expect(chaincode.transport.closes).to.deep.equal([{ code: 8, message: text }])
    expect(chaincode.logged(40)).to.deep.equal([`chaincode stream ended: ${text}`])
    expect(chaincode.reports.at(-1)).to.include({ type: 'STREAM_ENDED', message: text })
    expect((await running).code).to.equal('STREAM_TERMINATED')
  })

  it('fails the transaction whose message no longer finds room', async () => {
    const chaincode = readyStream({ messageBytes: 1000 })
    chaincode.transport.bufferedBytes = 2001
    expect((await failureOf(chaincode.execute('tx1'))).code).to.equal('STREAM_TERMINATED')
    expect(chaincode.transport.closes).to.have.length(1)
    await turn()
    expect(chaincode.stream.inFlight).to.equal(0)
  })
})
