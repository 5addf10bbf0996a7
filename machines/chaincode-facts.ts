/** Data that the chaincode chart keeps and tells: settings, why a launch failed, who waits. */
import type { ActorRef, Snapshot } from 'xstate'
import type { ProcessRuntimeInput, RuntimeEvent } from './process.js'
import type { StreamReport } from './stream.js'

/** Why a chaincode is not, or no longer, up. `state` is the state that it was in. */
export type Failure =
  | { kind: 'startupTimeout'; state: string; afterMs: number }
  | {
      kind: 'runtimeFailed'
      state: string
      errno: string
      message: string
      hint?: string
      /** What the failing step printed last. */
      lastWords?: readonly string[]
    }
  | {
      kind: 'runtimeExited'
      state: string
      exitCode: number | null
      signal: string | null
      lastWords: readonly string[]
      /** The last lines of stdout and stderr together, for a diagnosis. */
      output?: readonly string[]
    }
  | { kind: 'streamEnded'; state: string; message: string }
  | { kind: 'stopped'; state: string }
  /** SIGKILL did not end the process. */
  | { kind: 'stuck'; state: string; pid: number }
  /** The chaincode is started by hand and nothing is connected. */
  | { kind: 'notConnected'; state: string }
  /** `chaincode.whenStarting: reject`: the original's answers to a caller that comes during a start. */
  | { kind: 'premature'; state: string; registered: boolean }
  | { kind: 'tooManyCallers'; state: string; limit: number }

/** Settings of one chaincode. */
export interface ChaincodeInput {
  ccid: string
  /**
   * `process`: the daemon starts and stops it. `docker`: so it does, in a container. `byHand`: a developer does (dev mode); it registers by itself.
   * `service`: it runs elsewhere, and the daemon dials it.
   */
  kind: 'process' | 'docker' | 'byHand' | 'service'
  /** Settings of its runtime. */
  runtime: Omit<ProcessRuntimeInput, 'incarnation' | 'ccid'>
  /** Time that a build may take, ms; without it nothing is ever built. Key `chaincoded.buildTimeout`. */
  buildTimeoutMs?: number
  /** One delay over launching, awaitingRegister and registered, ms. Key `chaincode.startuptimeout`. */
  startupTimeoutMs: number
  /** What a caller meets that comes during a start. Key `chaincode.whenStarting`. */
  whenStarting: 'wait' | 'reject'
  /** Callers that may wait at once. */
  waitingCallersLimit: number
  /** OTP's restart type; `onDemand` is Fabric's way: the next call starts it. */
  restart: 'onDemand' | 'transient' | 'permanent'
  /** Restarts in a row, without `restartPeriodMs` of being up in between, after which it stays failed. */
  restartIntensity: number
  restartPeriodMs: number
  /** Time to the first restart, ms; doubles with each further one. */
  backoffMs: number
  backoffLimitMs: number
  /**
   * Chance that spreads the restarts of many chaincodes: up to this share of a delay is left out. `seed` is the daemon's,
   * so that the chart itself decides nothing by chance. Without it delays are exact.
   */
  jitter?: { share: number; seed: number }
}

/** The stream that a chaincode has adopted. */
export interface AdoptedStream {
  id: number
  ref: Replyable
}

/** Whoever sends REGISTER can be answered. */
export type Replyable = ActorRef<Snapshot<unknown>, any>

/** What the chaincode chart remembers. */
export interface ChaincodeContext extends ChaincodeInput {
  /** Token of the current launch; grows with each. */
  incarnation: number
  /** The runtime of this incarnation, until nothing of it is left. */
  hasRuntime: boolean
  pid: number
  stream: AdoptedStream | undefined
  /** Callers that wait for ready. */
  callers: readonly number[]
  /** Callers that wait for stopped. */
  stopCallers: readonly number[]
  /** It is to go away for good once it is stopped. */
  removing: boolean
  /** Why it is not up, or why it last went down. */
  failure: Failure | undefined
  /** Restarts in a row. */
  restarts: number
  /** Time from entering `backoff` to the next start, ms. */
  backoffDelayMs: number
}

/** What a chaincode hears. */
export type ChaincodeEvent =
  | { type: 'ENSURE_READY'; callerId: number }
  | { type: 'CALLER_GONE'; callerId: number }
  | { type: 'STOP'; callerId: number }
  | { type: 'REMOVE' }
  | { type: 'TX_STARTED'; streamId: number }
  | { type: 'TX_ENDED'; streamId: number }
  | RuntimeEvent
  | StreamReport
  | { type: 'xstate.done.actor.runtime' }
  | { type: 'xstate.error.actor.runtime'; error: unknown }

/** What a chaincode tells the program. */
export type ChaincodeEmitted =
  | { type: 'CALLER_READY'; callerId: number; streamId: number }
  | { type: 'CALLER_FAILED'; callerId: number; failure: Failure }
  | { type: 'CALLER_STOPPED'; callerId: number; failure: Failure | undefined }
