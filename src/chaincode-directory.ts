import type { ActorRefFrom } from 'xstate'
import {
  type ChaincodeInput,
  type Failure,
  type chaincodeMachine,
  shardOf,
  stateName,
  type supervisorMachine,
} from '../machines/index.js'
import { type ChaincodedError, failure } from './errors.js'
import { type LaunchFacts, launchError } from './launch-failure.js'
import type { PeerStream } from './protocol/peer-stream.js'

type ChaincodeRef = ActorRefFrom<typeof chaincodeMachine>
type SupervisorRef = ActorRefFrom<typeof supervisorMachine>

/** A chaincode as it stands now. */
export interface ChaincodeStatus {
  ccid: string
  /** State of its chart: stopped, launching, awaitingRegister, registered, ready, running, stopping, backoff, failed. */
  state: string
  kind: ChaincodeInput['kind']
  pid: number
  incarnation: number
  restarts: number
  inFlight: number
  /** When it entered its state, ms since the epoch. */
  sinceMs: number
  /** Ids that others registered under while it was awaited, and that were refused. */
  refusedIds: readonly string[]
  failure: Failure | undefined
  /** When it is started again by itself, ms since the epoch; undefined unless it is in backoff. */
  nextStartMs: number | undefined
}

/** A chaincode entered another state. */
export interface StateChange {
  ccid: string
  from: string
  to: string
  incarnation: number
  failure: Failure | undefined
}

interface Entry {
  ref: ChaincodeRef
  state: string
  sinceMs: number
  refusedIds: string[]
}

/** Refused ids that are remembered for one launch. */
const REFUSED_IDS_LIMIT = 5

interface Caller {
  ccid: string
  resolve: (stream: PeerStream) => void
  reject: (error: ChaincodedError) => void
}

/** Finds chaincodes by their id, and settles the promises of those who wait for one. What may happen is in the charts. */
export class ChaincodeDirectory {
  private readonly entries = new Map<string, Entry>()
  private readonly streams = new Map<number, PeerStream>()
  private readonly callers = new Map<number, Caller>()
  private readonly stopCallers = new Map<number, { ccid: string; resolve: (failure: Failure | undefined) => void }>()
  private readonly removals = new Map<string, (() => void)[]>()
  private readonly listeners = new Set<(change: StateChange) => void>()
  private nextCallerId = 1

  constructor(
    private readonly supervisor: SupervisorRef,
    private readonly options: { factsOf: (ccid: string) => LaunchFacts; now: () => number },
  ) {
    supervisor.on('CHAINCODE_ADDED', ({ ccid }) => this.adopt(ccid))
    supervisor.on('CHAINCODE_REMOVED', ({ ccid }) => this.drop(ccid))
    supervisor.on('CHAINCODE_CRASHED', ({ ccid }) => this.drop(ccid))
  }

  /** Makes a chaincode known to the supervisor; it stays stopped until somebody calls it. */
  add(chaincode: ChaincodeInput): void {
    if (!this.entries.has(chaincode.ccid)) this.supervisor.send({ type: 'ADD', chaincode })
  }

  has(ccid: string): boolean {
    return this.entries.has(ccid)
  }

  addStream(stream: PeerStream): void {
    this.streams.set(stream.streamId, stream)
  }

  dropStream(stream: PeerStream): void {
    this.streams.delete(stream.streamId)
  }

  /** Keeps in mind that somebody registered as `ccid` and was refused, for those who wait for a REGISTER. */
  noteRefusal(ccid: string): void {
    for (const entry of this.entries.values())
      if (entry.state === 'awaitingRegister' && entry.refusedIds.length < REFUSED_IDS_LIMIT) entry.refusedIds.push(ccid)
  }

  /** Every open stream. */
  openStreams(): readonly PeerStream[] {
    return [...this.streams.values()]
  }

  /** The stream of a chaincode that is up, or undefined. The way of every call once it is up: two Map look-ups. */
  readyStream(ccid: string): PeerStream | undefined {
    const snapshot = this.entries.get(ccid)?.ref.getSnapshot()
    if (!snapshot || typeof snapshot.value !== 'object' || !('up' in snapshot.value)) return undefined
    return this.streams.get(snapshot.context.stream?.id ?? 0)
  }

  /** Launches the chaincode where needed. Rejects with the launch's own error, or CALL_CANCELLED. */
  ensureReady(ccid: string, signal?: AbortSignal): Promise<PeerStream> {
    if (signal?.aborted) return Promise.reject(failure('CALL_CANCELLED', {}))
    const up = this.readyStream(ccid)
    if (up) return Promise.resolve(up)
    if (!this.entries.has(ccid))
      return Promise.reject(failure('CHAINCODE_UNKNOWN', { name: ccid, known: this.ccids() }))
    return new Promise((resolve, reject) => {
      const callerId = this.nextCallerId++
      const onAbort = () => {
        this.callers.delete(callerId)
        this.entries.get(ccid)?.ref.send({ type: 'CALLER_GONE', callerId })
        reject(failure('CALL_CANCELLED', {}))
      }
      const forget = () => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.callers.set(callerId, {
        ccid,
        resolve: (stream) => (forget(), resolve(stream)),
        reject: (error) => (forget(), reject(error)),
      })
      this.supervisor.send({ type: 'ENSURE_READY', ccid, callerId })
    })
  }

  /** Resolves when nothing of the chaincode runs any more, with what stands in the way of that, if anything. */
  stop(ccid: string): Promise<Failure | undefined> {
    if (!this.entries.has(ccid)) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const callerId = this.nextCallerId++
      this.stopCallers.set(callerId, { ccid, resolve })
      this.supervisor.send({ type: 'STOP', ccid, callerId })
    })
  }

  /** Stops the chaincode and forgets it. */
  remove(ccid: string): Promise<void> {
    if (!this.entries.has(ccid)) return Promise.resolve()
    return new Promise((resolve) => {
      this.removals.set(ccid, [...(this.removals.get(ccid) ?? []), resolve])
      this.supervisor.send({ type: 'REMOVE', ccid })
    })
  }

  /** Tells a chaincode that its first transaction started, or its last one ended. */
  activity(ccid: string, streamId: number, active: boolean): void {
    this.entries.get(ccid)?.ref.send({ type: active ? 'TX_STARTED' : 'TX_ENDED', streamId })
  }

  ccids(): string[] {
    return [...this.entries.keys()]
  }

  status(ccid: string): ChaincodeStatus | undefined {
    const entry = this.entries.get(ccid)
    if (!entry) return undefined
    const { context, value } = entry.ref.getSnapshot()
    return {
      ccid,
      state: stateName(value),
      kind: context.kind,
      pid: context.pid,
      incarnation: context.incarnation,
      restarts: context.restarts,
      inFlight: this.streams.get(context.stream?.id ?? 0)?.inFlight ?? 0,
      sinceMs: entry.sinceMs,
      refusedIds: entry.refusedIds,
      failure: context.failure,
      nextStartMs: value === 'backoff' ? entry.sinceMs + context.backoffDelayMs : undefined,
    }
  }

  /** Calls `listener` at each change of state; the returned function ends that. */
  subscribe(listener: (change: StateChange) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  private adopt(ccid: string): void {
    const ref = this.supervisor.getSnapshot().context.shards[shardOf(ccid)]?.getSnapshot().children[ccid] as
      ChaincodeRef | undefined
    if (!ref) throw new Error(`the supervisor has no actor for ${ccid}`)
    const entry: Entry = { ref, state: stateName(ref.getSnapshot().value), sinceMs: this.options.now(), refusedIds: [] }
    this.entries.set(ccid, entry)
    ref.on('CALLER_READY', ({ callerId, streamId }) => this.answerReady(callerId, streamId))
    ref.on('CALLER_FAILED', ({ callerId, failure: reason }) => this.answerFailed(callerId, ccid, reason))
    ref.on('CALLER_STOPPED', ({ callerId, failure: reason }) => this.answerStopped(callerId, reason))
    ref.subscribe({
      next: (snapshot) => this.changed(ccid, entry, stateName(snapshot.value), snapshot.context),
      // The supervisor hears of it too and takes leave of the actor; an unobserved error would end the program.
      error: () => undefined,
    })
  }

  private changed(
    ccid: string,
    entry: Entry,
    to: string,
    context: { incarnation: number; failure: Failure | undefined },
  ): void {
    if (to === entry.state) return
    const change = { ccid, from: entry.state, to, incarnation: context.incarnation, failure: context.failure }
    entry.state = to
    if (to === 'launching') entry.refusedIds = []
    entry.sinceMs = this.options.now()
    for (const listener of this.listeners) listener(change)
  }

  private answerReady(callerId: number, streamId: number): void {
    const caller = this.callers.get(callerId)
    const stream = this.streams.get(streamId)
    this.callers.delete(callerId)
    if (stream) caller?.resolve(stream)
    else caller?.reject(failure('STREAM_TERMINATED', {}))
  }

  private answerFailed(callerId: number, ccid: string, reason: Failure): void {
    const caller = this.callers.get(callerId)
    this.callers.delete(callerId)
    caller?.reject(launchError(reason, this.options.factsOf(ccid)))
  }

  private answerStopped(callerId: number, reason: Failure | undefined): void {
    this.stopCallers.get(callerId)?.resolve(reason)
    this.stopCallers.delete(callerId)
  }

  private drop(ccid: string): void {
    this.entries.delete(ccid)
    for (const [callerId, caller] of this.callers)
      if (caller.ccid === ccid) this.answerFailed(callerId, ccid, { kind: 'stopped', state: 'removed' })
    for (const [callerId, caller] of this.stopCallers) if (caller.ccid === ccid) this.answerStopped(callerId, undefined)
    for (const resolve of this.removals.get(ccid) ?? []) resolve()
    this.removals.delete(ccid)
  }
}
