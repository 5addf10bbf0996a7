import { stateIn } from 'xstate'
import type { ChaincodeContext } from './chaincode-facts.js'
import { STARTING_STATES, chaincodeSetup } from './chaincode-setup.js'
import type { Refusal } from './stream.js'

const refuseWith = (refusal: Refusal) => ({ type: 'refuseStream' as const, params: { refusal } })

const premature = (state: string, registered: boolean) => ({
  guard: 'rejectsWhileStarting' as const,
  actions: { type: 'refuseCaller' as const, params: { kind: 'premature' as const, state, registered } },
})

const tooMany = {
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

const remember = (state: string) => ({ type: 'rememberFailure' as const, params: { state } })

/** From any live state: the current runtime or stream ended, or somebody asked for a stop. */
const goDown = (state: string) =>
  ({
    STOP: { target: '#chaincode.ending', actions: ['queueStopCaller', remember(state)] },
    REMOVE: { target: '#chaincode.ending', actions: ['markRemoving', remember(state)] },
    RUNTIME_EXITED: { guard: 'isCurrent', target: '#chaincode.ending', actions: remember(state) },
    RUNTIME_FAILED: { guard: 'isCurrent', target: '#chaincode.ending', actions: [remember(state), 'releaseRuntime'] },
  }) as const

/** From a state that has a stream. */
const goDownWithStream = (state: string) =>
  ({
    ...goDown(state),
    STREAM_ENDED: { guard: 'isCurrent', target: '#chaincode.ending', actions: [remember(state), 'forgetStream'] },
  }) as const

const launch = { target: '#chaincode.starting.launching', actions: 'queueCaller' } as const
const notConnected = (state: string) => ({
  guard: 'isByHand' as const,
  actions: { type: 'refuseCaller' as const, params: { kind: 'notConnected' as const, state } },
})
const joinByHand = { guard: 'isByHand', target: '#chaincode.starting.registered', actions: 'adoptStream' } as const

/**
 * One chaincode, from its first launch to its removal. Its states replace the locks, maps and flags of the original:
 * what may happen next is what the current state says, and an event whose token is not current is not heard.
 */
export const chaincodeMachine = chaincodeSetup.createMachine({
  id: 'chaincode',
  context: ({ input }) => ({
    ...input,
    incarnation: 0,
    hasRuntime: false,
    pid: 0,
    stream: undefined,
    callers: [],
    stopCallers: [],
    removing: false,
    failure: undefined,
    restarts: 0,
  }),
  initial: 'stopped',
  on: {
    CALLER_GONE: { actions: 'forgetCaller' },
    // The runtime says RUNTIME_STOPPED before it is done; its being done is then no news.
    'xstate.done.actor.runtime': {},
    'xstate.error.actor.runtime': { target: '.ending', actions: [remember('runtime'), 'releaseRuntime'] },
  },
  states: {
    stopped: {
      description: 'Nothing of it runs; the next call starts it.',
      on: {
        ENSURE_READY: [notConnected('stopped'), launch],
        REGISTER: [joinByHand, { actions: refuseWith('external') }],
        STOP: { actions: 'answerStopped' },
        REMOVE: 'removed',
      },
    },
    starting: {
      description: 'On its way up; one startup delay spans the whole way, and callers wait for its end.',
      after: {
        startupTimeout: STARTING_STATES.map((state) => ({
          guard: stateIn({ starting: state }),
          target: 'ending',
          actions: remember(state),
        })),
      },
      initial: 'launching',
      states: {
        launching: {
          description: 'Its runtime has been asked to start it.',
          entry: ['beginIncarnation', 'startRuntime'],
          on: {
            ...goDown('launching'),
            ENSURE_READY: [premature('launching', false), tooMany, { actions: 'queueCaller' }],
            RUNTIME_STARTED: { guard: 'isCurrent', target: 'awaitingRegister', actions: 'rememberPid' },
            REGISTER: { actions: refuseWith('starting') },
          },
        },
        awaitingRegister: {
          description: 'Its process runs and has not yet said who it is.',
          on: {
            ...goDown('awaitingRegister'),
            ENSURE_READY: [premature('awaitingRegister', true), tooMany, { actions: 'queueCaller' }],
            REGISTER: { target: 'registered', actions: 'adoptStream' },
          },
        },
        registered: {
          description: 'It said who it is; REGISTERED and READY are being sent.',
          on: {
            ...goDownWithStream('registered'),
            ENSURE_READY: [premature('registered', true), tooMany, { actions: 'queueCaller' }],
            STREAM_READY: { guard: 'isCurrent', target: '#chaincode.up.ready' },
            REGISTER: { actions: refuseWith('duplicate') },
          },
        },
      },
    },
    up: {
      description: 'READY was sent: transactions go straight to its stream.',
      entry: 'answerReady',
      after: { restartPeriod: { actions: 'forgetRestarts' } },
      on: {
        ENSURE_READY: { actions: 'answerReadyNow' },
        REGISTER: { actions: refuseWith('duplicate') },
      },
      initial: 'ready',
      states: {
        ready: {
          description: 'It runs no transaction.',
          on: { ...goDownWithStream('ready'), TX_STARTED: { guard: 'isCurrent', target: 'running' } },
        },
        running: {
          description: 'It runs at least one transaction.',
          on: { ...goDownWithStream('running'), TX_ENDED: { guard: 'isCurrent', target: 'ready' } },
        },
      },
    },
    ending: {
      description: 'Its stream is closed, its callers have been told, and its runtime is being ended.',
      entry: ['failCallers', 'closeStream', 'stopRuntime'],
      on: {
        STOP: { actions: 'queueStopCaller' },
        REMOVE: { actions: 'markRemoving' },
        REGISTER: { actions: refuseWith('external') },
        RUNTIME_EXITED: { guard: 'isExitBehindStreamEnd', actions: 'refineFailure' },
        RUNTIME_STOPPED: { guard: 'isCurrent', target: 'settling', actions: 'releaseRuntime' },
      },
      always: { guard: 'hasNoRuntime', target: 'settling' },
      initial: 'stopping',
      states: {
        stopping: {
          description: 'The runtime has been told to end; whoever calls now waits for the next incarnation.',
          on: {
            ENSURE_READY: [tooMany, { actions: 'queueCaller' }],
            RUNTIME_STUCK: { guard: 'isCurrent', target: 'stuck', actions: ['rememberStuck'] },
          },
        },
        stuck: {
          description: 'The process survived SIGKILL; nothing can start in its place until it is gone.',
          entry: ['answerStopped', 'failCallers'],
          on: {
            ENSURE_READY: {
              actions: {
                type: 'refuseCaller',
                params: ({ context }) => ({ kind: 'stuck' as const, state: 'stopping', pid: context.pid }),
              },
            },
          },
        },
      },
    },
    settling: {
      description: 'Nothing of it runs any more; what comes next is decided here and at once.',
      entry: 'answerStopped',
      always: [
        { guard: 'isRemoving', target: 'removed' },
        { guard: 'hasCallers', target: 'starting.launching' },
        { guard: 'isUpAgainByItself', target: 'backoff' },
        { guard: 'isFailedLaunch', target: 'failed' },
        { target: 'stopped' },
      ],
    },
    backoff: {
      description: 'It went down and will be started again by itself after a delay.',
      entry: 'countRestart',
      after: { backoff: 'starting.launching' },
      on: {
        ENSURE_READY: [tooMany, { actions: 'queueCaller' }],
        REGISTER: { actions: refuseWith('external') },
        STOP: { target: 'stopped', actions: ['failCallers', 'answerStopped'] },
        REMOVE: { target: 'removed', actions: 'failCallers' },
      },
    },
    failed: {
      description: 'It did not come up, or went down too often; the reason is kept, and the next call tries again.',
      on: {
        ENSURE_READY: [notConnected('failed'), { ...launch, actions: ['forgetRestarts', 'queueCaller'] }],
        REGISTER: [joinByHand, { actions: refuseWith('external') }],
        STOP: { target: 'stopped', actions: 'answerStopped' },
        REMOVE: 'removed',
      },
    },
    removed: {
      description: 'It is gone for good.',
      entry: 'answerStopped',
      type: 'final',
    },
  },
})
