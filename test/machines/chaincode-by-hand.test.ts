import { expect } from 'chai'
import { failed, runChaincode } from './run-chaincode.js'

describe('the chaincode chart, started by hand', () => {
  it('tells a caller at once that nothing is connected, and serves the next when something is [R-46]', () => {
    const chaincode = runChaincode({ kind: 'byHand' })
    chaincode.call(1)
    expect(chaincode.said).to.deep.equal([failed(1, { kind: 'notConnected', state: 'stopped' })])
    expect(chaincode.state).to.equal('stopped')
    const stream = chaincode.register()
    expect(stream.heard).to.deep.equal([{ type: 'ACCEPT' }])
    chaincode.ready()
    chaincode.call(2)
    expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 7 }])
    expect(chaincode.processes.started).to.have.length(0)
  })

  it('has a caller wait that comes between REGISTER and READY [R-47]', () => {
    const chaincode = runChaincode({ kind: 'byHand' })
    chaincode.register()
    chaincode.call(1)
    expect(chaincode.said).to.deep.equal([])
    chaincode.ready()
    expect(chaincode.answers(1)).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
  })

  it('is stopped at once when its stream ends, and takes the next stream', () => {
    const chaincode = runChaincode({ kind: 'byHand', restart: 'onDemand' })
    chaincode.register()
    chaincode.ready()
    chaincode.streamEnds()
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.register(8).heard).to.deep.equal([{ type: 'ACCEPT' }])
    chaincode.ready(8)
    expect(chaincode.state).to.equal('ready')
  })

  it('has failed when READY cannot be sent in time, and takes the next stream all the same', () => {
    const chaincode = runChaincode({ kind: 'byHand' })
    const stream = chaincode.register()
    chaincode.clock.increment(300)
    expect(stream.heard.at(-1)).to.deep.equal({ type: 'CLOSE' })
    expect(chaincode.state).to.equal('failed')
    chaincode.call(1)
    expect(chaincode.answers(1)).to.deep.equal([failed(1, { kind: 'notConnected', state: 'failed' })])
    expect(chaincode.register(8).heard).to.deep.equal([{ type: 'ACCEPT' }])
    expect(chaincode.context.failure).to.equal(undefined)
  })

  it('is stopped by closing its stream; there is no process to wait for', () => {
    const chaincode = runChaincode({ kind: 'byHand' })
    chaincode.register()
    chaincode.ready()
    chaincode.stop()
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.log.slice(-2)).to.deep.equal(['stream 7 CLOSE', 'CALLER_STOPPED 900'])
  })

  it('is never started again by itself', () => {
    const chaincode = runChaincode({ kind: 'byHand', restart: 'permanent' })
    chaincode.register()
    chaincode.ready()
    chaincode.streamEnds()
    expect(chaincode.state).to.equal('stopped')
    chaincode.clock.increment(1_000_000)
    expect(chaincode.processes.started).to.have.length(0)
    expect(chaincode.register(8).heard).to.deep.equal([{ type: 'ACCEPT' }])
  })
})
