import { expect } from 'chai'
import { STARTING, STOPPER, arrive, arriveInBackoff, failed, runChaincode } from './run-chaincode.js'
import { settings } from './scripted.js'

const UP = ['ready', 'running'] as const
const stopped = (callerId = STOPPER) => ({ type: 'CALLER_STOPPED', callerId, failure: undefined })
const stuck = { kind: 'stuck' as const, state: 'stopping', pid: 42 }

/** Brings a chaincode into any state but stuck. */
const arriveIn = (state: string) => {
  const chaincode = runChaincode({ restart: state === 'backoff' ? 'permanent' : 'onDemand' })
  if (state === 'backoff') arriveInBackoff(chaincode)
  else arrive[state]!(chaincode)
  expect(chaincode.state).to.equal(state)
  return chaincode
}

describe('the chaincode chart, stopping', () => {
  for (const state of [...STARTING, ...UP])
    it(`ends its process on a stop in ${state}, and says so when nothing of it is left [FAB-17046]`, () => {
      const chaincode = arriveIn(state)
      chaincode.stop()
      expect(chaincode.state).to.equal('stopping')
      if (state === 'launching') chaincode.spawned()
      expect(chaincode.processes.last.signals).to.deep.equal(['SIGTERM'])
      chaincode.exit(null, 'SIGTERM')
      expect(chaincode.answers(STOPPER)).to.deep.equal([])
      chaincode.gone()
      expect(chaincode.answers(STOPPER)).to.deep.equal([stopped()])
      expect(chaincode.state).to.equal('stopped')
      expect(chaincode.context.failure).to.deep.equal({ kind: 'stopped', state })
      expect(chaincode.context).to.include({ stream: undefined, hasRuntime: false, pid: 0 })
      expect(chaincode.actor.getSnapshot().children).to.deep.equal({})
    })

  it('acknowledges a stop at once when nothing of it runs', () => {
    for (const state of ['stopped', 'failed', 'backoff']) {
      const chaincode = arriveIn(state)
      chaincode.stop()
      expect(chaincode.answers(STOPPER), state).to.deep.equal([stopped()])
      expect(chaincode.state, state).to.equal('stopped')
      chaincode.clock.increment(1_000_000)
      expect(chaincode.state, state).to.equal('stopped')
    }
  })

  it('tells the callers first, ends its stream and transactions then, and acknowledges the stop last [R-52]', () => {
    const chaincode = arriveIn('running')
    const before = chaincode.log.length
    chaincode.stop()
    chaincode.exit(0)
    chaincode.gone()
    expect(chaincode.log.slice(before)).to.deep.equal(['stream 7 CLOSE', 'SIGTERM', `CALLER_STOPPED ${STOPPER}`])
  })

  it('acknowledges every stop that was asked for, once', () => {
    const chaincode = arriveIn('ready')
    chaincode.stop(901)
    chaincode.stop(902)
    chaincode.exit(0)
    chaincode.stop(903)
    expect(chaincode.said.slice(1)).to.deep.equal([])
    chaincode.gone()
    expect(chaincode.said.slice(1)).to.deep.equal([stopped(901), stopped(902), stopped(903)])
    chaincode.stop(904)
    expect(chaincode.said.slice(4)).to.deep.equal([stopped(904)])
  })

  it('has a caller wait that comes during a stop, and starts again only when nothing is left [R-08]', () => {
    const chaincode = arriveIn('ready')
    chaincode.stop()
    chaincode.call(2)
    chaincode.exit(0)
    expect(chaincode.processes.started).to.have.length(1)
    expect(chaincode.state).to.equal('stopping')
    chaincode.gone()
    expect(chaincode.processes.last).to.include({ incarnation: 2 })
    expect(chaincode.log.slice(-2)).to.have.members([`CALLER_STOPPED ${STOPPER}`, 'start 2'])
    chaincode.comeUp(8)
    expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 8 }])
  })

  it('starts nothing for a caller that has gone by the end of the stop', () => {
    const chaincode = arriveIn('ready')
    chaincode.stop()
    chaincode.call(2)
    chaincode.send({ type: 'CALLER_GONE', callerId: 2 })
    chaincode.exit(0)
    chaincode.gone()
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.answers(2)).to.deep.equal([])
  })

  it('is stopped, not started for the callers that wait, when a stop comes after them', () => {
    const chaincode = arriveIn('stopping')
    chaincode.call(2)
    chaincode.stop()
    expect(chaincode.answers(2)).to.deep.equal([failed(2, { kind: 'stopped', state: 'stopping' })])
    chaincode.exit(0)
    chaincode.gone()
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.processes.started).to.have.length(1)
    expect(chaincode.answers(STOPPER)).to.deep.equal([stopped()])
  })

  it('tells those who wait for a restart that it was stopped', () => {
    const chaincode = arriveIn('backoff')
    chaincode.call(2)
    chaincode.stop()
    expect(chaincode.answers(2)).to.deep.equal([failed(2, { kind: 'stopped', state: 'backoff' })])
  })

  it('does not hear of an exit that it has caused itself as a failure', () => {
    const chaincode = arriveIn('ready')
    chaincode.stop()
    chaincode.exit(143)
    chaincode.gone()
    expect(chaincode.context.failure).to.deep.equal({ kind: 'stopped', state: 'ready' })
  })

  it('waits no longer for a runtime whose chart throws while it is being ended', () => {
    const chaincode = arriveIn('ready')
    chaincode.stop()
    chaincode.call(2)
    chaincode.send({ type: 'xstate.error.actor.runtime', error: new Error('defect') })
    expect(chaincode.answers(STOPPER)).to.deep.equal([stopped()])
    expect(chaincode.state).to.equal('launching')
  })

  describe('a process that SIGKILL does not end', () => {
    const stick = (chaincode: ReturnType<typeof runChaincode>) => {
      chaincode.clock.increment(settings.runtime.termGraceMs)
      chaincode.clock.increment(settings.runtime.killGraceMs)
      expect(chaincode.state).to.equal('stuck')
    }

    it('is told to those who wait for the stop or for the next launch, with its pid', () => {
      const chaincode = arriveIn('ready')
      chaincode.stop()
      chaincode.call(2)
      stick(chaincode)
      expect(chaincode.processes.last.signals).to.deep.equal(['SIGTERM', 'SIGKILL'])
      expect(chaincode.answers(STOPPER)).to.deep.equal([{ ...stopped(), failure: stuck }])
      expect(chaincode.answers(2)).to.deep.equal([failed(2, stuck)])
    })

    it('is told at once to whoever comes then, and nothing is started beside it', () => {
      const chaincode = arriveIn('ready')
      chaincode.exit(1)
      stick(chaincode)
      chaincode.call(2)
      chaincode.stop(901)
      expect(chaincode.said.slice(1)).to.deep.equal([failed(2, stuck), { ...stopped(901), failure: stuck }])
      expect(chaincode.processes.started).to.have.length(1)
    })

    it('is told with its pid also when the stop came before the process did', () => {
      const chaincode = arriveIn('launching')
      chaincode.stop()
      chaincode.spawned(42)
      stick(chaincode)
      expect(chaincode.answers(STOPPER)).to.deep.equal([{ ...stopped(), failure: stuck }])
    })

    it('lets the next call start it again once it has gone after all', () => {
      const chaincode = arriveIn('ready')
      chaincode.stop()
      stick(chaincode)
      chaincode.gone()
      expect(chaincode.state).to.equal('stopped')
      expect(chaincode.said.filter(({ callerId }) => callerId === STOPPER)).to.have.length(1)
      chaincode.call(2)
      chaincode.comeUp(8)
      expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 8 }])
    })

    it('does not make it forget why a launch failed', () => {
      const chaincode = arriveIn('awaitingRegister')
      chaincode.exit(3)
      stick(chaincode)
      chaincode.gone()
      expect(chaincode.state).to.equal('failed')
      expect(chaincode.context.failure).to.include({ kind: 'runtimeExited', exitCode: 3 })
    })
  })
})

describe('the chaincode chart, removed', () => {
  for (const state of ['stopped', 'failed', 'backoff'])
    it(`is gone at once from ${state}`, () => {
      const chaincode = arriveIn(state)
      if (state === 'backoff') chaincode.call(2)
      chaincode.send({ type: 'REMOVE' })
      expect(chaincode.state).to.equal('removed')
      expect(chaincode.actor.getSnapshot().status).to.equal('done')
      if (state === 'backoff')
        expect(chaincode.answers(2)).to.deep.equal([failed(2, { kind: 'stopped', state: 'backoff' })])
    })

  for (const state of [...STARTING, ...UP, 'stopping'])
    it(`ends its process first from ${state}, answers everybody, and is gone then`, () => {
      const chaincode = arriveIn(state)
      chaincode.call(2)
      const isWaiting = chaincode.answers(2).length === 0
      chaincode.send({ type: 'REMOVE' })
      if (isWaiting) expect(chaincode.answers(2)).to.deep.equal([failed(2, { kind: 'stopped', state })])
      chaincode.call(3)
      chaincode.stop()
      if (state === 'launching') chaincode.spawned()
      expect(chaincode.processes.last.signals).to.deep.equal(['SIGTERM'])
      chaincode.exit(0)
      expect(chaincode.actor.getSnapshot().status).to.equal('active')
      chaincode.gone()
      expect(chaincode.actor.getSnapshot().status).to.equal('done')
      expect(chaincode.state).to.equal('removed')
      for (const callerId of [1, 2, 3, STOPPER]) expect(chaincode.answers(callerId), `${callerId}`).to.have.length(1)
      expect(chaincode.answers(3)).to.deep.equal([failed(3, { kind: 'stopped', state: 'stopping' })])
      expect(chaincode.processes.started).to.have.length(1)
    })

  it('waits until a process is gone that SIGKILL did not end', () => {
    const chaincode = runChaincode()
    arrive['stuck']!(chaincode)
    chaincode.send({ type: 'REMOVE' })
    expect(chaincode.actor.getSnapshot().status).to.equal('active')
    chaincode.gone()
    expect(chaincode.actor.getSnapshot().status).to.equal('done')
  })
})
