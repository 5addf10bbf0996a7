/** Runs a chaincode chart on a simulated clock, with the real process chart over scripted processes. */
import { SimulatedClock, createActor } from 'xstate'
import {
  type ChaincodeEmitted,
  type ChaincodeEvent,
  type ChaincodeInput,
  type Failure,
  chaincodeMachine,
  processMachine,
  stateName,
} from '../../machines/index.js'
import { scriptedProcesses, scriptedStream, settings } from './scripted.js'

/** The id under which a test stops the chaincode; callers have smaller ones. */
export const STOPPER = 900

/** A chart that runs, and the words to play the world around it. */
export type RunningChaincode = ReturnType<typeof runChaincode>

/** Starts a chaincode chart. `runtime` replaces the process chart. */
export function runChaincode(change: Partial<ChaincodeInput> = {}, runtime = processMachine) {
  const clock = new SimulatedClock()
  /** What the chart did to its neighbours and told its callers, in one order. */
  const log: string[] = []
  const said: ChaincodeEmitted[] = []
  const processes = scriptedProcesses(log)
  const machine = chaincodeMachine.provide({
    actors: { runtime: runtime.provide({ actors: { process: processes.logic } }) },
  })
  const input: ChaincodeInput = { ccid: 'kv:1.0', ...settings, ...change }
  const actor = createActor(machine, { input, clock })
  actor.on('*', (event) => {
    said.push(event)
    log.push(`${event.type} ${event.callerId}`)
  })
  actor.start()

  const send = (event: ChaincodeEvent) => actor.send(event)
  const register = (streamId = 7) => {
    const stream = scriptedStream(streamId, log)
    send({ type: 'REGISTER', ccid: input.ccid, streamId, stream: stream.ref })
    return stream
  }
  const ready = (streamId = 7) => send({ type: 'STREAM_READY', ccid: input.ccid, streamId })
  return {
    clock,
    log,
    said,
    processes,
    actor,
    send,
    register,
    ready,
    get state() {
      return stateName(actor.getSnapshot().value)
    },
    get context() {
      return actor.getSnapshot().context
    },
    /** What was said to one caller. */
    answers: (callerId: number) => said.filter((event) => event.callerId === callerId),
    call: (...callerIds: number[]) => callerIds.forEach((callerId) => send({ type: 'ENSURE_READY', callerId })),
    stop: (callerId = STOPPER) => send({ type: 'STOP', callerId }),
    spawned: (pid = 42) => processes.last.tell({ type: 'SPAWNED', pid }),
    exit: (exitCode: number | null = 1, signal: string | null = null, lastWords: string[] = ['its last words']) =>
      processes.last.tell({ type: 'EXITED', exitCode, signal, lastWords }),
    gone: () => processes.last.tell({ type: 'GROUP_GONE' }),
    streamEnds: (streamId = 7, message = '') => send({ type: 'STREAM_ENDED', ccid: input.ccid, streamId, message }),
    /** The whole way from a process that was asked for to READY. */
    comeUp: (streamId = 7) => {
      processes.last.tell({ type: 'SPAWNED', pid: 42 })
      const stream = register(streamId)
      ready(streamId)
      return stream
    },
  }
}

/** How to bring a chaincode from stopped into a state; the caller that launches it has the id 1, its stream the id 7. */
export const arrive: Record<string, (chaincode: RunningChaincode) => void> = {
  stopped: () => undefined,
  launching: (chaincode) => chaincode.call(1),
  awaitingRegister: (chaincode) => {
    chaincode.call(1)
    chaincode.spawned()
  },
  registered: (chaincode) => {
    chaincode.call(1)
    chaincode.spawned()
    chaincode.register()
  },
  ready: (chaincode) => {
    chaincode.call(1)
    chaincode.comeUp()
  },
  running: (chaincode) => {
    chaincode.call(1)
    chaincode.comeUp()
    chaincode.send({ type: 'TX_STARTED', streamId: 7 })
  },
  stopping: (chaincode) => {
    chaincode.call(1)
    chaincode.comeUp()
    chaincode.streamEnds()
  },
  stuck: (chaincode) => {
    chaincode.call(1)
    chaincode.comeUp()
    chaincode.streamEnds()
    chaincode.clock.increment(settings.runtime.termGraceMs)
    chaincode.clock.increment(settings.runtime.killGraceMs)
  },
  failed: (chaincode) => {
    chaincode.call(1)
    chaincode.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'ENOENT', message: 'no such program' })
  },
}

/** States in which a launch is under way and callers wait for it. */
export const STARTING = ['launching', 'awaitingRegister', 'registered'] as const

/** The answer that a caller gets whose launch failed. */
export const failed = (callerId: number, failure: Failure) => ({ type: 'CALLER_FAILED', callerId, failure })

/** Brings a chaincode that keeps itself up into backoff; needs `restart: 'permanent'`. */
export function arriveInBackoff(chaincode: RunningChaincode): void {
  chaincode.call(1)
  chaincode.comeUp()
  chaincode.exit()
  chaincode.gone()
}
