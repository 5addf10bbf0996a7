import { stateIn } from 'xstate'
import { STARTING_STATES, chaincodeSetup } from './chaincode-setup.js'
import {
  goDown,
  goDownWithStream,
  joinByHand,
  launch,
  notConnected,
  premature,
  refuseWith,
  remember,
  stuck,
  tooMany,
  whileBuilding,
} from './chaincode-transitions.js'

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
    backoffDelayMs: 0,
  }),
  initial: 'stopped',
  on: {
    CALLER_GONE: { actions: 'forgetCaller' },
    // The runtime says RUNTIME_STOPPED before it is done; its being done is then no news.
    'xstate.done.actor.runtime': {},
    'xstate.error.actor.runtime': { actions: 'releaseRuntime' },
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
            RUNTIME_BUILDING: { guard: 'isCurrent', target: '#chaincode.building' },
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
    building: {
      description: 'Its sources are being built; the startup delay begins anew when the process runs.',
      on: whileBuilding,
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
        // A stop also cancels the next launch that callers have begun to wait for.
        STOP: { actions: ['queueStopCaller', remember('stopping'), 'failCallers'] },
        REMOVE: { actions: ['markRemoving', remember('stopping'), 'failCallers'] },
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
            ENSURE_READY: [
              {
                guard: 'isRemoving',
                actions: { type: 'refuseCaller', params: { kind: 'stopped' as const, state: 'stopping' } },
              },
              tooMany,
              { actions: 'queueCaller' },
            ],
            RUNTIME_STUCK: { guard: 'isCurrent', target: 'stuck', actions: 'rememberPid' },
          },
        },
        stuck: {
          description: 'The process survived SIGKILL; nothing can start in its place until it is gone.',
          entry: [
            { type: 'answerStopped', params: stuck },
            { type: 'failCallers', params: stuck },
          ],
          on: {
            ENSURE_READY: { actions: { type: 'refuseCaller', params: stuck } },
            STOP: { actions: [remember('stopping'), { type: 'answerStopped', params: stuck }] },
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
        ENSURE_READY: [{ ...launch, guard: 'isService' }, tooMany, { actions: 'queueCaller' }],
        REGISTER: { actions: refuseWith('external') },
        STOP: { target: 'stopped', actions: [remember('backoff'), 'failCallers', 'answerStopped'] },
        REMOVE: { target: 'removed', actions: [remember('backoff'), 'failCallers'] },
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
      type: 'final',
    },
  },
})
