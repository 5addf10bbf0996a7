import { expect } from 'chai'
import { SimulatedClock, createActor, fromCallback } from 'xstate'
import {
  type ChaincodeEmitted,
  type ChaincodeInput,
  type ServiceEvent,
  chaincodeMachine,
  serviceMachine,
  stateName,
} from '../../machines/index.js'
import { scriptedStream, settings } from './scripted.js'

const CCID = 'kv:1.0'
const DIAL_TIMEOUT_MS = 40

/** One dial that a chart has begun. */
interface Dial {
  incarnation: number
  hangUps: number
  tell: (event: ServiceEvent) => void
}

/** Runs a chaincode that is a service, with the real service chart over scripted dials. */
function run(change: Partial<ChaincodeInput> = {}) {
  const clock = new SimulatedClock()
  const said: ChaincodeEmitted[] = []
  const dials: Dial[] = []
  const connection = fromCallback<{ type: 'HANG_UP' }, { ccid: string; incarnation: number }>(
    ({ input, sendBack, receive }) => {
      const dial: Dial = { incarnation: input.incarnation, hangUps: 0, tell: sendBack }
      dials.push(dial)
      receive(() => void dial.hangUps++)
      return () => void dial.hangUps++
    },
  )
  const machine = chaincodeMachine.provide({
    actors: { serviceRuntime: serviceMachine.provide({ actors: { connection } }) },
  })
  const actor = createActor(machine, { input: { ccid: CCID, ...settings, kind: 'service', ...change }, clock })
  actor.on('*', (event) => void said.push(event))
  actor.start()
  const last = (): Dial => {
    const dial = dials.at(-1)
    if (!dial) throw new Error('nothing was dialled')
    return dial
  }
  const register = (streamId = 7) => {
    const stream = scriptedStream(streamId)
    actor.send({ type: 'REGISTER', ccid: CCID, streamId, stream: stream.ref })
    return stream
  }
  return {
    clock,
    dials,
    said,
    last,
    register,
    send: actor.send.bind(actor),
    get state() {
      return stateName(actor.getSnapshot().value)
    },
    get context() {
      return actor.getSnapshot().context
    },
    answers: (id: number) => said.filter(({ callerId }) => callerId === id),
    call: (callerId: number) => actor.send({ type: 'ENSURE_READY', callerId }),
    dialling: () => last().tell({ type: 'DIALLING', address: 'cc:9999', dialTimeoutMs: DIAL_TIMEOUT_MS }),
    refused: () =>
      last().tell({ type: 'DIAL_FAILED', errno: 'ECONNREFUSED', message: 'connection refused', hint: 'start it' }),
    comeUp: (streamId = 7) => {
      last().tell({ type: 'DIALLING', address: 'cc:9999', dialTimeoutMs: DIAL_TIMEOUT_MS })
      last().tell({ type: 'CONNECTED' })
      const stream = register(streamId)
      actor.send({ type: 'STREAM_READY', ccid: CCID, streamId })
      return stream
    },
  }
}

describe('a chaincode that runs as a service', () => {
  it('is dialled by the first call, and serves once it has registered', () => {
    const service = run()
    expect(service.dials).to.have.length(0)
    service.call(1)
    service.comeUp()
    expect(service.state).to.equal('ready')
    expect(service.answers(1)).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
  })

  it('fails its callers with the reason as soon as the dial fails, and waits for the next attempt', () => {
    const service = run()
    service.call(1)
    service.call(2)
    service.dialling()
    service.refused()
    const failure = {
      kind: 'runtimeFailed',
      state: 'launching',
      errno: 'ECONNREFUSED',
      message: 'connection refused',
      hint: 'start it',
    }
    expect(service.said).to.deep.equal([1, 2].map((callerId) => ({ type: 'CALLER_FAILED', callerId, failure })))
    expect(service.state).to.equal('backoff')
    expect(service.context).to.deep.include({ failure, backoffDelayMs: 100 })
  })

  it('is dialled again by itself, later each time up to a cap, and however often it takes', () => {
    const service = run({ restartIntensity: 1 })
    service.call(1)
    service.refused()
    const delays: number[] = []
    for (let attempt = 2; attempt < 12; attempt++) {
      const { backoffDelayMs } = service.context
      delays.push(backoffDelayMs)
      service.clock.increment(backoffDelayMs - 1)
      expect(service.dials).to.have.length(attempt - 1)
      service.clock.increment(1)
      expect(service.dials).to.have.length(attempt)
      service.refused()
    }
    expect(delays).to.deep.equal([100, 200, ...Array<number>(8).fill(350)])
    service.clock.increment(350)
    service.comeUp()
    expect(service.state).to.equal('ready')
  })

  it('is dialled at once by a call that comes in between, which gets the new reason', () => {
    const service = run()
    service.call(1)
    service.refused()
    service.call(2)
    expect(service.state).to.equal('launching')
    expect(service.dials.map(({ incarnation }) => incarnation)).to.deep.equal([1, 2])
    service.last().tell({ type: 'DIAL_FAILED', errno: 'CERT_EXPIRED', message: 'expired' })
    expect(service.answers(2)).to.have.length(1)
    expect(service.context.failure).to.include({ errno: 'CERT_EXPIRED' })
  })

  it('comes back when it is restarted', () => {
    const service = run()
    service.call(1)
    service.comeUp(7)
    service.send({ type: 'STREAM_ENDED', ccid: CCID, streamId: 7, message: 'the connection was lost' })
    expect(service.last().hangUps).to.equal(1)
    service.last().tell({ type: 'DISCONNECTED', message: 'the connection was lost' })
    expect(service.state).to.equal('backoff')
    expect(service.context.failure).to.deep.equal({
      kind: 'streamEnded',
      state: 'ready',
      message: 'the connection was lost',
    })
    service.clock.increment(100)
    service.comeUp(8)
    expect(service.state).to.equal('ready')
    expect(service.context.incarnation).to.equal(2)
  })

  it('begins with short delays again once it has been up for the period', () => {
    const service = run()
    service.call(1)
    service.refused()
    service.clock.increment(100)
    service.comeUp()
    service.clock.increment(settings.restartPeriodMs)
    expect(service.context.restarts).to.equal(0)
  })

  it('fails its callers when it ends the stream before it has registered', () => {
    const service = run()
    service.call(1)
    service.dialling()
    service.last().tell({ type: 'CONNECTED' })
    expect(service.state).to.equal('awaitingRegister')
    service.last().tell({ type: 'DISCONNECTED', message: '' })
    expect(service.answers(1)).to.deep.equal([
      {
        type: 'CALLER_FAILED',
        callerId: 1,
        failure: { kind: 'runtimeFailed', state: 'awaitingRegister', errno: 'DISCONNECTED', message: '' },
      },
    ])
    expect(service.state).to.equal('backoff')
  })

  it('is given up when the dial takes too long, and a late answer changes nothing (R-38)', () => {
    const service = run()
    service.call(1)
    service.dialling()
    service.clock.increment(DIAL_TIMEOUT_MS)
    expect(service.answers(1)[0]).to.have.nested.property('failure.errno', 'ETIMEDOUT')
    expect(service.last().hangUps).to.be.greaterThan(0)
    service.last().tell({ type: 'CONNECTED' })
    expect(service.state).to.equal('backoff')
    expect(service.register().heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
  })

  it('is given up when the startup timeout comes before the dial has ended, and a late answer is hung up (R-38)', () => {
    const service = run({ startupTimeoutMs: DIAL_TIMEOUT_MS - 1 })
    service.call(1)
    service.dialling()
    service.clock.increment(DIAL_TIMEOUT_MS - 1)
    expect(service.answers(1)[0]).to.have.nested.property('failure.kind', 'startupTimeout')
    expect(service.state).to.equal('stopping')
    expect(service.last().hangUps).to.equal(1)
    service.last().tell({ type: 'CONNECTED' })
    expect(service.register().heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
    service.last().tell({ type: 'DISCONNECTED', message: '' })
    expect(service.state).to.equal('backoff')
  })

  it('stays stopped when somebody stopped it, in whatever state, until the next call', () => {
    for (const arrive of [
      (service: ReturnType<typeof run>) => service.dialling(),
      (service: ReturnType<typeof run>) => void service.comeUp(),
    ]) {
      const service = run()
      service.call(1)
      arrive(service)
      service.send({ type: 'STOP', callerId: 9 })
      service.last().tell({ type: 'DISCONNECTED', message: '' })
      expect(service.state).to.equal('stopped')
      service.clock.increment(100_000)
      expect(service.dials).to.have.length(1)
      service.call(2)
      expect(service.dials).to.have.length(2)
    }
    const away = run()
    away.call(1)
    away.refused()
    away.send({ type: 'STOP', callerId: 9 })
    expect(away.state).to.equal('stopped')
    away.clock.increment(100_000)
    expect(away.dials).to.have.length(1)
  })

  it('is dialled by many daemons at different times, which a seed decides, never later than the cap', () => {
    const delayOf = (seed: number, ccid = CCID) => {
      const service = run({ ccid, jitter: { share: 0.5, seed } })
      service.call(1)
      service.refused()
      return service.context.backoffDelayMs
    }
    const delays = Array.from({ length: 200 }, (_, seed) => delayOf(seed))
    expect(Math.min(...delays)).to.be.within(50, 55)
    expect(Math.max(...delays)).to.be.within(95, 100)
    expect(new Set(delays).size).to.be.greaterThan(30)
    expect(delayOf(3)).to.equal(delayOf(3))
    expect(new Set(['a:1', 'b:1', 'c:1', 'd:1'].map((ccid) => delayOf(3, ccid))).size).to.be.greaterThan(1)
  })
})
