import { assertEvent, assign, enqueueActions, setup, stopChild } from 'xstate'
import type {
  ChaincodeContext,
  ChaincodeEmitted,
  ChaincodeEvent,
  ChaincodeInput,
  Failure,
  Replyable,
} from './chaincode-facts.js'
import { backoffDelayMs } from './backoff.js'
import { dockerMachine } from './docker.js'
import { buildMachine } from './build.js'
import { processMachine } from './process.js'
import { serviceMachine } from './service.js'
import type { Refusal } from './stream.js'
import { failureOf, isCurrent } from './chaincode-tokens.js'

/** The states on the way up, which share the startup delay. */
export const STARTING_STATES: readonly string[] = ['launching', 'awaitingRegister', 'registered']

/**
 * It is to be up always, or until it ends by itself and without an error (OTP: permanent, transient). A service is: nobody
 * has to start anything for it, and so it is dialled until it answers.
 */
const isKeptUp = ({ kind, restart, failure }: ChaincodeContext): boolean => {
  if (kind === 'service' || kind === 'byHand') return kind === 'service'
  const isDone = failure?.kind === 'runtimeExited' && failure.exitCode === 0
  return restart === 'permanent' || (restart === 'transient' && !isDone)
}

/** The vocabulary of the chaincode chart: what it can check and do, by name. */
export const chaincodeSetup = setup({
  types: {
    context: {} as ChaincodeContext,
    input: {} as ChaincodeInput,
    events: {} as ChaincodeEvent,
    emitted: {} as ChaincodeEmitted,
  },
  actors: {
    runtime: processMachine,
    buildRuntime: buildMachine,
    dockerRuntime: dockerMachine,
    serviceRuntime: serviceMachine,
  },
  delays: {
    startupTimeout: ({ context }) => context.startupTimeoutMs,
    restartPeriod: ({ context }) => context.restartPeriodMs,
    backoff: ({ context }) => context.backoffDelayMs,
  },
  guards: {
    isCurrent,
    /** The stream ended because the process did: its exit says more than the stream's end, unless it was our SIGTERM. */
    isExitBehindStreamEnd: ({ context, event }) =>
      isCurrent({ context, event }) &&
      context.failure?.kind === 'streamEnded' &&
      event.type === 'RUNTIME_EXITED' &&
      event.signal !== 'SIGTERM',
    /** The launch failed, but its runtime is still removing what it had made. */
    leavesRemains: ({ context, event }) =>
      isCurrent({ context, event }) && event.type === 'RUNTIME_FAILED' && event.remains === true,
    isByHand: ({ context }) => context.kind === 'byHand',
    isService: ({ context }) => context.kind === 'service',
    hasNoRuntime: ({ context }) => !context.hasRuntime,
    rejectsWhileStarting: ({ context }) => context.whenStarting === 'reject',
    isFull: ({ context }) => context.callers.length >= context.waitingCallersLimit,
    isRemoving: ({ context }) => context.removing,
    hasCallers: ({ context }) => context.callers.length > 0 && context.kind !== 'byHand',
    isUpAgainByItself: ({ context }) =>
      context.failure !== undefined &&
      context.failure.kind !== 'stopped' &&
      isKeptUp(context) &&
      (context.kind === 'service' || context.restarts < context.restartIntensity),
    isFailedLaunch: ({ context }) =>
      context.failure !== undefined &&
      context.failure.kind !== 'stopped' &&
      (['building', ...STARTING_STATES].includes(context.failure.state) || isKeptUp(context)),
  },
  actions: {
    queueCaller: assign({
      callers: ({ context, event }) =>
        event.type === 'ENSURE_READY' ? [...context.callers, event.callerId] : context.callers,
    }),
    forgetCaller: assign({
      callers: ({ context, event }) =>
        event.type === 'CALLER_GONE' ? context.callers.filter((id) => id !== event.callerId) : context.callers,
    }),
    beginIncarnation: assign({
      incarnation: ({ context }) => context.incarnation + 1,
      failure: undefined,
      hasRuntime: true,
      pid: 0,
    }),
    startRuntime: enqueueActions(({ context, enqueue }) => {
      const { kind, ccid, incarnation, runtime, buildTimeoutMs } = context
      const { killGraceMs } = runtime
      const input = { ...runtime, ccid, incarnation }
      if (kind === 'service') enqueue.spawnChild('serviceRuntime', { id: 'runtime', input: { ccid, incarnation } })
      else if (kind === 'docker')
        enqueue.spawnChild('dockerRuntime', { id: 'runtime', input: { ccid, incarnation, killGraceMs } })
      else if (buildTimeoutMs)
        enqueue.spawnChild('buildRuntime', { id: 'runtime', input: { ...input, buildTimeoutMs } })
      else enqueue.spawnChild('runtime', { id: 'runtime', input })
    }),
    stopRuntime: enqueueActions(({ context, enqueue }) => {
      if (context.hasRuntime) enqueue.sendTo('runtime', { type: 'STOP' })
    }),
    releaseRuntime: enqueueActions(({ enqueue }) => {
      enqueue(stopChild('runtime'))
      enqueue.assign({ hasRuntime: false, pid: 0 })
    }),
    rememberPid: assign({ pid: ({ event }) => ('pid' in event ? event.pid : 0) }),
    adoptStream: enqueueActions(({ event, enqueue }) => {
      assertEvent(event, 'REGISTER')
      enqueue.assign({ stream: { id: event.streamId, ref: event.stream as Replyable }, failure: undefined })
      enqueue.sendTo(event.stream as Replyable, { type: 'ACCEPT' })
    }),
    refuseStream: enqueueActions(({ event, enqueue }, { refusal }: { refusal: Refusal }) => {
      assertEvent(event, 'REGISTER')
      enqueue.sendTo(event.stream as Replyable, { type: 'REJECT', refusal })
    }),
    closeStream: enqueueActions(({ context, enqueue }) => {
      if (context.stream) enqueue.sendTo(context.stream.ref, { type: 'CLOSE' })
      enqueue.assign({ stream: undefined })
    }),
    forgetStream: assign({ stream: undefined }),
    rememberFailure: assign({
      failure: ({ context, event }, { state }: { state: string }) => failureOf(context, event, state),
    }),
    refineFailure: assign({
      failure: ({ context, event }) => failureOf(context, event, context.failure?.state ?? ''),
    }),
    answerReady: enqueueActions(({ context, enqueue }) => {
      const streamId = context.stream?.id ?? 0
      for (const callerId of context.callers) enqueue.emit({ type: 'CALLER_READY', callerId, streamId })
      enqueue.assign({ callers: [] })
    }),
    answerReadyNow: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'ENSURE_READY')
      enqueue.emit({ type: 'CALLER_READY', callerId: event.callerId, streamId: context.stream?.id ?? 0 })
    }),
    failCallers: enqueueActions(({ context, enqueue }, instead: Failure | undefined) => {
      const failure = instead ?? context.failure ?? { kind: 'stopped', state: 'stopping' }
      for (const callerId of context.callers) enqueue.emit({ type: 'CALLER_FAILED', callerId, failure })
      enqueue.assign({ callers: [] })
    }),
    refuseCaller: enqueueActions(({ event, enqueue }, failure: Failure) => {
      assertEvent(event, 'ENSURE_READY')
      enqueue.emit({ type: 'CALLER_FAILED', callerId: event.callerId, failure })
    }),
    queueStopCaller: assign({
      stopCallers: ({ context, event }) =>
        event.type === 'STOP' ? [...context.stopCallers, event.callerId] : context.stopCallers,
    }),
    answerStopped: enqueueActions(({ context, event, enqueue }, failure: Failure | undefined) => {
      const now = event.type === 'STOP' && !context.stopCallers.includes(event.callerId) ? [event.callerId] : []
      for (const callerId of [...context.stopCallers, ...now])
        enqueue.emit({ type: 'CALLER_STOPPED', callerId, failure })
      enqueue.assign({ stopCallers: [] })
    }),
    markRemoving: assign({ removing: true }),
    countRestart: assign(({ context }) => {
      const restarts = context.restarts + 1
      return { restarts, backoffDelayMs: backoffDelayMs(context, restarts) }
    }),
    forgetRestarts: assign({ restarts: 0 }),
  },
})
