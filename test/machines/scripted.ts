/** Scripted neighbours of the charts: processes that do what a test says, streams that keep what they are told. */
import { type AnyActorRef, type AnyEventObject, createActor, fromCallback } from 'xstate'
import type { ChaincodeInput, GroupSignal, ProcessEvent, StreamEvent } from '../../machines/index.js'

/** One process that a chart has started. */
export interface ScriptedProcess {
  ccid: string
  incarnation: number
  /** Signals that its group was sent, oldest first. */
  signals: GroupSignal[]
  /** The chart that started it still listens to it. */
  isOwned: boolean
  /** Has it tell its chart something. */
  tell(event: ProcessEvent): void
}

/** A process service that starts nothing, and what charts have asked of it. */
export function scriptedProcesses(log: string[] = []) {
  const started: ScriptedProcess[] = []
  const logic = fromCallback<{ type: 'SIGNAL'; signal: GroupSignal }, { ccid: string; incarnation: number }>(
    ({ input, sendBack, receive }) => {
      const process: ScriptedProcess = { ...input, signals: [], isOwned: true, tell: (event) => sendBack(event) }
      started.push(process)
      log.push(`start ${input.incarnation}`)
      receive(({ signal }) => {
        process.signals.push(signal)
        log.push(signal)
      })
      return () => {
        process.isOwned = false
      }
    },
  )
  return {
    logic,
    started,
    /** The process that was started last. */
    get last(): ScriptedProcess {
      const process = started.at(-1)
      if (!process) throw new Error('no process was started')
      return process
    },
  }
}

/** An actor that keeps what it is told, in `heard`. */
export function listener<Heard>(onEvent: (event: Heard) => void = () => undefined) {
  const heard: Heard[] = []
  const ref = createActor(
    fromCallback<AnyEventObject>(({ receive }) =>
      receive((event) => {
        heard.push(event as Heard)
        onEvent(event as Heard)
      }),
    ),
  )
  ref.start()
  return { heard, ref: ref as AnyActorRef }
}

/** A stream that keeps what it is told and does nothing. */
export function scriptedStream(id: number, log: string[] = []) {
  return { id, ...listener<StreamEvent>((event) => log.push(`stream ${id} ${event.type}`)) }
}

/** Settings of a chaincode under test; times are small and differ from each other. */
export const settings: Omit<ChaincodeInput, 'ccid'> = {
  kind: 'process',
  runtime: { termGraceMs: 50, killGraceMs: 20 },
  startupTimeoutMs: 300,
  whenStarting: 'wait',
  waitingCallersLimit: 1000,
  restart: 'onDemand',
  restartIntensity: 5,
  restartPeriodMs: 10_000,
  backoffMs: 100,
  backoffLimitMs: 350,
}
