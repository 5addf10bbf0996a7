import { expect } from 'chai'
import type { Refusal } from '../../machines/index.js'
import { arrive, arriveInBackoff, runChaincode } from './run-chaincode.js'

const UP = ['ready', 'running'] as const

describe('the chaincode chart, and the streams that register', () => {
  const answers: Record<string, Refusal | 'accepted'> = {
    stopped: 'external',
    launching: 'starting',
    awaitingRegister: 'accepted',
    registered: 'duplicate',
    ready: 'duplicate',
    running: 'duplicate',
    stopping: 'external',
    stuck: 'external',
    failed: 'external',
    backoff: 'external',
  }
  for (const [state, answer] of Object.entries(answers))
    it(`${answer === 'accepted' ? 'takes' : 'refuses'} a stream that registers in ${state}`, () => {
      const chaincode = runChaincode({ restart: state === 'backoff' ? 'permanent' : 'onDemand' })
      if (state === 'backoff') arriveInBackoff(chaincode)
      else arrive[state]!(chaincode)
      expect(chaincode.state).to.equal(state)
      const stream = chaincode.register(8)
      if (answer === 'accepted') {
        expect(stream.heard).to.deep.equal([{ type: 'ACCEPT' }])
        expect(chaincode.context.stream).to.deep.equal({ id: 8, ref: stream.ref })
      } else {
        expect(stream.heard).to.deep.equal([{ type: 'REJECT', refusal: answer }])
        expect(chaincode.state).to.equal(state)
        expect(chaincode.context.stream?.id).to.not.equal(8)
      }
    })

  it('refuses a second stream, whose end then leaves the first one unharmed [R-10, R-12]', () => {
    for (const state of ['registered', ...UP]) {
      const chaincode = runChaincode()
      arrive[state]!(chaincode)
      const second = chaincode.register(8)
      expect(second.heard).to.deep.equal([{ type: 'REJECT', refusal: 'duplicate' }])
      chaincode.streamEnds(8)
      expect(chaincode.state).to.equal(state)
      expect(chaincode.context.stream?.id).to.equal(7)
      expect(chaincode.log).to.not.include('stream 7 CLOSE')
    }
  })

  it('takes an outsider that registers first while it waits, and its own process is then the second [R-11]', () => {
    const chaincode = runChaincode()
    arrive['awaitingRegister']!(chaincode)
    chaincode.register(66)
    const own = chaincode.register(7)
    expect(own.heard).to.deep.equal([{ type: 'REJECT', refusal: 'duplicate' }])
    chaincode.exit(1)
    expect(chaincode.log).to.include('stream 66 CLOSE')
    expect(chaincode.answers(1)[0]).to.deep.include({ type: 'CALLER_FAILED' })
    expect(chaincode.context.failure).to.include({ kind: 'runtimeExited', state: 'registered', exitCode: 1 })
    chaincode.gone()
    expect(chaincode.state).to.equal('failed')
  })

  it('refuses a slow chaincode that registers after the startup timeout, and no trace of it is left [R-03]', () => {
    const chaincode = runChaincode()
    arrive['awaitingRegister']!(chaincode)
    chaincode.clock.increment(300)
    const late = chaincode.register(8)
    expect(late.heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
    chaincode.exit(null, 'SIGTERM')
    chaincode.gone()
    expect(chaincode.state).to.equal('failed')
    expect(chaincode.context).to.include({ stream: undefined, hasRuntime: false })
    expect(chaincode.said).to.have.length(1)
  })

  it('has one outcome when REGISTER and the timeout come in the same tick, in either order [R-04]', () => {
    const first = runChaincode({ startupTimeoutMs: 300 })
    arrive['awaitingRegister']!(first)
    first.clock.increment(299)
    first.register()
    first.ready()
    first.clock.increment(1)
    expect(first.said.map(({ type }) => type)).to.deep.equal(['CALLER_READY'])
    expect(first.state).to.equal('ready')

    const second = runChaincode({ startupTimeoutMs: 300 })
    arrive['awaitingRegister']!(second)
    second.clock.increment(300)
    const stream = second.register()
    second.ready()
    expect(second.said.map(({ type }) => type)).to.deep.equal(['CALLER_FAILED'])
    expect(second.state).to.equal('stopping')
    expect(stream.heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
  })

  it('closes the stream that registered when READY does not follow in time', () => {
    const chaincode = runChaincode()
    arrive['registered']!(chaincode)
    chaincode.clock.increment(300)
    expect(chaincode.log.slice(-3)).to.deep.equal(['CALLER_FAILED 1', 'stream 7 CLOSE', 'SIGTERM'])
    expect(chaincode.context.stream).to.equal(undefined)
  })

  for (const state of UP) {
    it(`stops and can be started again when its stream ends in ${state} [R-34, R-35, R-44]`, () => {
      const chaincode = runChaincode()
      arrive[state]!(chaincode)
      chaincode.streamEnds(7, 'read ECONNRESET')
      expect(chaincode.state).to.equal('stopping')
      expect(chaincode.context.stream).to.equal(undefined)
      expect(chaincode.processes.last.signals).to.deep.equal(['SIGTERM'])
      expect(chaincode.log).to.not.include('stream 7 CLOSE')
      chaincode.call(2)
      expect(chaincode.answers(2)).to.deep.equal([])
      chaincode.exit(0)
      chaincode.gone()
      expect(chaincode.context.incarnation).to.equal(2)
      chaincode.comeUp(8)
      expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 8 }])
    })

    it(`closes its stream when its process ends in ${state}, stops, and is launched by the next call [R-34]`, () => {
      const chaincode = runChaincode()
      arrive[state]!(chaincode)
      chaincode.exit(139, null, ['panic: nil map'])
      expect(chaincode.state).to.equal('stopping')
      expect(chaincode.log).to.include('stream 7 CLOSE')
      chaincode.gone()
      expect(chaincode.state).to.equal('stopped')
      expect(chaincode.context.failure).to.deep.equal({
        kind: 'runtimeExited',
        state,
        exitCode: 139,
        signal: null,
        lastWords: ['panic: nil map'],
      })
      chaincode.call(2)
      chaincode.comeUp(8)
      expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 8 }])
    })
  }

  it('says of a process that died how it died, although its stream ended first', () => {
    const chaincode = runChaincode()
    arrive['running']!(chaincode)
    chaincode.streamEnds(7, 'read ECONNRESET')
    expect(chaincode.context.failure).to.include({ kind: 'streamEnded', state: 'running' })
    chaincode.exit(null, 'SIGKILL', ['out of memory'])
    expect(chaincode.context.failure).to.deep.equal({
      kind: 'runtimeExited',
      state: 'running',
      exitCode: null,
      signal: 'SIGKILL',
      lastWords: ['out of memory'],
    })
  })

  it('keeps the reason for which it ends a process, whatever way the process then takes', () => {
    const chaincode = runChaincode()
    arrive['awaitingRegister']!(chaincode)
    chaincode.clock.increment(300)
    chaincode.exit(null, 'SIGTERM')
    chaincode.gone()
    expect(chaincode.context.failure).to.include({ kind: 'startupTimeout', state: 'awaitingRegister' })
  })
})
