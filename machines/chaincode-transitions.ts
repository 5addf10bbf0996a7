/** Transitions that several states of the chaincode chart share. */
import type { ChaincodeContext } from './chaincode-facts.js'
import type { Refusal } from './stream.js'

/** Tells a stream that it is not taken. */
export const refuseWith = (refusal: Refusal) => ({ type: 'refuseStream' as const, params: { refusal } })

/** Keeps why `state` is left. */
export const remember = (state: string) => ({ type: 'rememberFailure' as const, params: { state } })

/** `chaincode.whenStarting: reject`: the original's answer to a caller that comes during a start. */
export const premature = (state: string, registered: boolean) => ({
  guard: 'rejectsWhileStarting' as const,
  actions: { type: 'refuseCaller' as const, params: { kind: 'premature' as const, state, registered } },
})

/** One caller more than may wait. */
export const tooMany = {
  guard: 'isFull' as const,
  actions: {
    type: 'refuseCaller' as const,
    params: ({ context }: { context: ChaincodeContext }) => ({
      kind: 'tooManyCallers' as const,
      state: 'starting',
      limit: context.waitingCallersLimit,
    }),
  },
}

/** A chaincode that is started by hand is not launched for a caller. */
export const notConnected = (state: string) => ({
  guard: 'isByHand' as const,
  actions: { type: 'refuseCaller' as const, params: { kind: 'notConnected' as const, state } },
})

/** A chaincode that is started by hand comes by itself. */
export const joinByHand = {
  guard: 'isByHand',
  target: '#chaincode.starting.registered',
  actions: 'adoptStream',
} as const

/** The first caller has it started. */
export const launch = { target: '#chaincode.starting.launching', actions: 'queueCaller' } as const

/** From any live state: the current runtime ended, or somebody asked for a stop. */
export const goDown = (state: string) =>
  ({
    STOP: { target: '#chaincode.ending', actions: ['queueStopCaller', remember(state)] },
    REMOVE: { target: '#chaincode.ending', actions: ['markRemoving', remember(state)] },
    RUNTIME_EXITED: { guard: 'isCurrent', target: '#chaincode.ending', actions: remember(state) },
    RUNTIME_FAILED: [
      { guard: 'leavesRemains', target: '#chaincode.ending', actions: remember(state) },
      { guard: 'isCurrent', target: '#chaincode.ending', actions: [remember(state), 'releaseRuntime'] },
    ],
    // A chart that threw is a defect of the program; whoever waits is told, and the next call tries again.
    'xstate.error.actor.runtime': { target: '#chaincode.ending', actions: [remember(state), 'releaseRuntime'] },
  }) as const

/** From a state that has a stream: the stream may end too. */
export const goDownWithStream = (state: string) =>
  ({
    ...goDown(state),
    STREAM_ENDED: { guard: 'isCurrent', target: '#chaincode.ending', actions: [remember(state), 'forgetStream'] },
  }) as const

/** What stands in the way of everything: the process that SIGKILL did not end. */
export const stuck = ({ context }: { context: ChaincodeContext }) => ({
  kind: 'stuck' as const,
  state: 'stopping',
  pid: context.pid,
})

/** While its runtime builds it: callers wait, and the start follows by itself. */
export const whileBuilding = {
  ...goDown('building'),
  ENSURE_READY: [premature('building', false), tooMany, { actions: 'queueCaller' as const }],
  RUNTIME_STARTED: { guard: 'isCurrent', target: '#chaincode.starting.awaitingRegister', actions: 'rememberPid' },
  REGISTER: { actions: refuseWith('starting') },
} as const
