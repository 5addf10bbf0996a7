import { expect } from 'chai'
import { FakePeer, type FakeStream } from '../fixtures/fake-peer.js'
import { example, TestProcesses } from '../fixtures/start-chaincode.js'

describe('the example counter', () => {
  const processes = new TestProcesses()
  let peer: FakePeer
  let stream: FakeStream

  before(async () => {
    peer = await FakePeer.start()
    await processes.startChaincode(example('counter'), peer.address)
    stream = await peer.ready()
  })
  after(async () => {
    peer.close()
    await processes.end()
  })

  it('reads 0 from a counter that was never written', async () => {
    expect(await peer.execute(stream, 'read', 'visits')).to.include({ status: 200, payload: '0' })
  })

  it('increments by one, or by what is given', async () => {
    expect(await peer.execute(stream, 'increment', 'visits')).to.include({ status: 200, payload: '1' })
    expect(await peer.execute(stream, 'increment', 'visits', '41')).to.include({ status: 200, payload: '42' })
    expect(await peer.execute(stream, 'read', 'visits')).to.include({ payload: '42' })
    expect(await peer.execute(stream, 'read', 'others')).to.include({ payload: '0' })
  })

  it('says what is wrong with a call', async () => {
    const failures = [
      [['increment', 'visits', 'many'], 'cannot add "many": it is no whole number'],
      [['increment'], 'increment needs the name of a counter'],
      [['decrement', 'visits'], 'there is no function "decrement", only increment and read'],
      [['toString', 'visits'], 'there is no function "toString", only increment and read'],
    ] as const
    for (const [args, message] of failures)
      expect(await peer.execute(stream, ...args)).to.include({ status: 500, message })
  })
})
