/** Runs a stream chart on a simulated clock, between a transport and a supervisor that keep what they are told. */
import { SimulatedClock, createActor } from 'xstate'
import { type StreamEmitted, type StreamEvent, type StreamReport, streamMachine } from '../../machines/index.js'
import { listener } from './scripted.js'

/** Time in which REGISTER has to come, ms. */
export const REGISTER_TIMEOUT_MS = 100

/**
 * Runs a stream chart; `log` holds what it told its transport and its supervisor, in one order. Unless `authorizes` is
 * false, whoever registers is taken for what it says, and the log is silent on that.
 */
export function runStream(keepaliveMs = 0, expectedCcid?: string, authorizes = true) {
  const clock = new SimulatedClock()
  const log: (StreamEmitted | StreamReport)[] = []
  const supervisor = listener<StreamReport>((report) => log.push(report))
  const actor = createActor(streamMachine, {
    input: {
      streamId: 7,
      supervisor: supervisor.ref,
      registerTimeoutMs: REGISTER_TIMEOUT_MS,
      keepaliveMs,
      ...(expectedCcid === undefined ? {} : { expectedCcid }),
    },
    clock,
  })
  actor.on('*', (event) => {
    if (event.type === 'AUTHORIZE' && authorizes) actor.send({ type: 'AUTHORIZED' })
    else log.push(event)
  })
  actor.start()
  return {
    actor,
    clock,
    log,
    get types() {
      return log.map(({ type }) => type)
    },
    get state() {
      return actor.getSnapshot().value
    },
    send: (...events: StreamEvent[]) => events.forEach((event) => actor.send(event)),
  }
}

/** What a chaincode says first. */
export const register: StreamEvent = { type: 'REGISTER_RECEIVED', ccid: 'kv:1.0' }

/** The events that bring a stream into each of its states. */
export const wayTo: Record<string, StreamEvent[]> = {
  created: [],
  deciding: [register, { type: 'AUTHORIZED' }],
  established: [register, { type: 'AUTHORIZED' }, { type: 'ACCEPT' }],
  ready: [register, { type: 'AUTHORIZED' }, { type: 'ACCEPT' }, { type: 'READY_WRITTEN' }],
}
