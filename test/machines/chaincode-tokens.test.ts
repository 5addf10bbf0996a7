import { expect } from 'chai'
import { type ChaincodeEvent, stateName } from '../../machines/index.js'
import { STARTING, arrive, runChaincode } from './run-chaincode.js'
import { settings } from './scripted.js'

const UP = ['ready', 'running'] as const

describe('the chaincode chart, with events of what is no longer current', () => {
  /** Brings a chaincode into a state of its second incarnation, whose stream has the id 8; the first had 7. */
  const arriveAgain = (state: string) => {
    const chaincode = runChaincode({ restart: state === 'backoff' ? 'permanent' : 'onDemand' })
    arrive['ready']!(chaincode)
    chaincode.stop()
    chaincode.exit(0)
    chaincode.gone()
    if (state === 'stopped') return chaincode
    chaincode.call(2, 3)
    if (state === 'failed') chaincode.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'EACCES', message: '' })
    if (['launching', 'failed'].includes(state)) return chaincode
    chaincode.spawned(43)
    if (state === 'awaitingRegister') return chaincode
    chaincode.register(8)
    if (state === 'registered') return chaincode
    chaincode.ready(8)
    if (state === 'running') chaincode.send({ type: 'TX_STARTED', streamId: 8 })
    if (state === 'ready' || state === 'running') return chaincode
    if (state === 'backoff') chaincode.exit(1)
    else chaincode.stop()
    if (state === 'backoff') chaincode.gone()
    if (state === 'stopping') chaincode.call(4)
    if (state !== 'stuck') return chaincode
    chaincode.clock.increment(settings.runtime.termGraceMs)
    chaincode.clock.increment(settings.runtime.killGraceMs)
    return chaincode
  }
  const stale: { event: ChaincodeEvent; id: string; heardIn: string; then: string }[] = [
    {
      event: { type: 'RUNTIME_STARTED', incarnation: 1, pid: 42 },
      id: 'R-07',
      heardIn: 'launching',
      then: 'awaitingRegister',
    },
    {
      event: { type: 'RUNTIME_FAILED', incarnation: 1, errno: 'ENOENT', message: '' },
      id: 'R-05, R-07',
      heardIn: 'ready',
      then: 'stopped',
    },
    {
      event: { type: 'RUNTIME_EXITED', incarnation: 1, exitCode: 1, signal: null, lastWords: [] },
      id: 'R-07',
      heardIn: 'ready',
      then: 'stopping',
    },
    { event: { type: 'RUNTIME_STUCK', incarnation: 1, pid: 42 }, id: 'R-08', heardIn: 'stopping', then: 'stuck' },
    { event: { type: 'RUNTIME_STOPPED', incarnation: 1 }, id: 'R-08', heardIn: 'stopping', then: 'launching' },
    {
      event: { type: 'STREAM_READY', ccid: 'kv:1.0', streamId: 7 },
      id: 'R-04',
      heardIn: 'registered',
      then: 'ready',
    },
    {
      event: { type: 'STREAM_ENDED', ccid: 'kv:1.0', streamId: 7, message: '' },
      id: 'R-09',
      heardIn: 'ready',
      then: 'stopping',
    },
    { event: { type: 'TX_STARTED', streamId: 7 }, id: 'R-09', heardIn: 'ready', then: 'running' },
    { event: { type: 'TX_ENDED', streamId: 7 }, id: 'R-09', heardIn: 'running', then: 'ready' },
  ]
  for (const { event, id, heardIn, then } of stale)
    it(`ignores ${event.type} of a former one in every state, and hears that of the current one [${id}]`, () => {
      for (const state of ['stopped', ...STARTING, ...UP, 'stopping', 'stuck', 'failed', 'backoff']) {
        const chaincode = arriveAgain(state)
        expect(chaincode.state).to.equal(state)
        const { value, context } = chaincode.actor.getSnapshot()
        const log = [...chaincode.log]
        chaincode.send(event)
        expect(chaincode.actor.getSnapshot().value, state).to.deep.equal(value)
        expect(chaincode.actor.getSnapshot().context, state).to.deep.equal(context)
        expect(chaincode.log, state).to.deep.equal(log)
      }
      const chaincode = arriveAgain(heardIn)
      chaincode.send('incarnation' in event ? { ...event, incarnation: 2 } : ({ ...event, streamId: 8 } as never))
      expect(chaincode.state).to.equal(then)
    })
})

describe('the name of a state', () => {
  it('is that of the innermost state', () => {
    expect(stateName('stopped')).to.equal('stopped')
    expect(stateName({ up: 'ready' })).to.equal('ready')
    expect(stateName({ up: { ready: 'idle' } })).to.equal('idle')
    expect(stateName({ up: {} })).to.equal('up')
  })
})
