import { expect } from 'chai'
import { type RunningChaincode, failed, runChaincode, STOPPER } from './run-chaincode.js'
import { settings } from './scripted.js'

/** The runtime says that it has to build first. */
const building = (chaincode: RunningChaincode) => {
  chaincode.call(1)
  chaincode.send({ type: 'RUNTIME_BUILDING', incarnation: 1 })
}

describe('the chaincode chart, while its runtime builds', () => {
  it('is building, and the startup delay does not run', () => {
    const chaincode = runChaincode()
    building(chaincode)
    expect(chaincode.state).to.equal('building')
    chaincode.clock.increment(10 * settings.startupTimeoutMs)
    expect(chaincode.state).to.equal('building')
    expect(chaincode.said).to.deep.equal([])
  })

  it('goes on to await REGISTER when the process runs, with the whole startup delay', () => {
    const chaincode = runChaincode()
    building(chaincode)
    chaincode.clock.increment(settings.startupTimeoutMs)
    chaincode.spawned()
    expect(chaincode.state).to.equal('awaitingRegister')
    expect(chaincode.context.pid).to.equal(42)
    chaincode.clock.increment(settings.startupTimeoutMs - 1)
    expect(chaincode.state).to.equal('awaitingRegister')
    chaincode.clock.increment(1)
    expect(chaincode.answers(1)).to.have.length(1)
  })

  it('lets callers wait, and answers them all when it is ready', () => {
    const chaincode = runChaincode()
    building(chaincode)
    chaincode.call(2)
    chaincode.comeUp()
    expect(chaincode.said.map(({ type, callerId }) => `${type} ${callerId}`)).to.deep.equal([
      'CALLER_READY 1',
      'CALLER_READY 2',
    ])
  })

  it('refuses them where callers are not to wait, as while it is launching', () => {
    const chaincode = runChaincode({ whenStarting: 'reject' })
    building(chaincode)
    chaincode.call(2)
    expect(chaincode.answers(2)).to.deep.equal([failed(2, { kind: 'premature', state: 'building', registered: false })])
  })

  it('tells callers why the build failed, keeps the reason, and builds again for the next caller', () => {
    const chaincode = runChaincode()
    building(chaincode)
    const reason = { errno: 'BUILD_FAILED', message: 'go build exited with 1', lastWords: ['undefined: x'] }
    chaincode.send({ type: 'RUNTIME_FAILED', incarnation: 1, ...reason })
    expect(chaincode.answers(1)).to.deep.equal([failed(1, { kind: 'runtimeFailed', state: 'building', ...reason })])
    expect(chaincode.state).to.equal('failed')
    chaincode.call(2)
    expect(chaincode.context.incarnation).to.equal(2)
    expect(chaincode.state).to.equal('launching')
  })

  it('can be stopped, and is stopped when nothing of the build is left', () => {
    const chaincode = runChaincode()
    building(chaincode)
    chaincode.stop()
    expect(chaincode.state).to.equal('stopping')
    expect(chaincode.answers(STOPPER)).to.deep.equal([])
    chaincode.send({ type: 'RUNTIME_STOPPED', incarnation: 1 })
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.answers(STOPPER)).to.have.length(1)
  })

  it('refuses a stream that registers before the process was started', () => {
    const chaincode = runChaincode()
    building(chaincode)
    expect(chaincode.register().heard).to.deep.equal([{ type: 'REJECT', refusal: 'starting' }])
  })

  it('does not hear of a build of a former incarnation', () => {
    const chaincode = runChaincode()
    chaincode.call(1)
    chaincode.send({ type: 'RUNTIME_BUILDING', incarnation: 0 })
    expect(chaincode.state).to.equal('launching')
  })
})
