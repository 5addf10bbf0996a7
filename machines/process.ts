import { assign, fromCallback, sendParent, sendTo, setup } from 'xstate'
import type { GroupSignal, ProcessEvent } from './events.js'

/** What a process runtime is started with. */
export interface ProcessRuntimeInput {
  /** Token of the launch that this process belongs to; every event to the parent carries it. */
  incarnation: number
  /** The chaincode whose process it is; the process service knows how to start it. */
  ccid: string
  /** Time from SIGTERM to SIGKILL, ms. */
  termGraceMs: number
  /** Time after SIGKILL until the process is reported as unkillable, ms. */
  killGraceMs: number
}

/** What a runtime tells its chaincode. */
export type RuntimeEvent =
  /** The chaincode has to be built first; the startup delay begins when that is done. */
  | { type: 'RUNTIME_BUILDING'; incarnation: number }
  | { type: 'RUNTIME_STARTED'; incarnation: number; pid: number }
  | {
      type: 'RUNTIME_FAILED'
      incarnation: number
      errno: string
      message: string
      /** What to do about it, where the runtime knows. */
      hint?: string
      /** What the failing step printed last. */
      lastWords?: readonly string[]
      /** Something of it is left: RUNTIME_STOPPED is still to come. */
      remains?: true
    }
  | {
      type: 'RUNTIME_EXITED'
      incarnation: number
      exitCode: number | null
      signal: string | null
      lastWords: readonly string[]
      output?: readonly string[]
    }
  /** SIGKILL did not end it. */
  | { type: 'RUNTIME_STUCK'; incarnation: number; pid: number }
  /** Nothing of it is left. */
  | { type: 'RUNTIME_STOPPED'; incarnation: number }

/** What the chart remembers. */
export interface ProcessContext extends ProcessRuntimeInput {
  pid: number
}

/**
 * The process runtime: one operating-system process with its group, from spawn until nothing of it is left.
 * The process is invoked by the chart as a whole, so no state can be left that would take the process's exit with it.
 */
export const processMachine = setup({
  types: {
    context: {} as ProcessContext,
    input: {} as ProcessRuntimeInput,
    events: {} as ProcessEvent | { type: 'STOP' },
  },
  actors: {
    /** Owns the process; sends `ProcessEvent`s, receives signals for the group. */
    process: fromCallback<{ type: 'SIGNAL'; signal: GroupSignal }, { ccid: string; incarnation: number }>(
      () => undefined,
    ),
  },
  delays: {
    termGrace: ({ context }) => context.termGraceMs,
    killGrace: ({ context }) => context.killGraceMs,
  },
  actions: {
    rememberPid: assign({ pid: ({ event }) => (event.type === 'SPAWNED' ? event.pid : 0) }),
    terminateGroup: sendTo('process', { type: 'SIGNAL', signal: 'SIGTERM' }),
    killGroup: sendTo('process', { type: 'SIGNAL', signal: 'SIGKILL' }),
    reportStarted: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STARTED',
      incarnation: context.incarnation,
      pid: context.pid,
    })),
    reportFailed: sendParent(({ context, event }): RuntimeEvent => {
      const failed = event.type === 'SPAWN_FAILED' ? event : { errno: 'UNKNOWN', message: 'the process service failed' }
      return {
        type: 'RUNTIME_FAILED',
        incarnation: context.incarnation,
        errno: failed.errno,
        message: failed.message,
      }
    }),
    reportExited: sendParent(({ context, event }): RuntimeEvent => {
      const exit = event.type === 'EXITED' ? event : { exitCode: null, signal: null, lastWords: [] }
      return {
        type: 'RUNTIME_EXITED',
        incarnation: context.incarnation,
        exitCode: exit.exitCode,
        signal: exit.signal,
        lastWords: exit.lastWords,
        ...('output' in exit ? { output: exit.output } : {}),
      }
    }),
    reportStuck: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STUCK',
      incarnation: context.incarnation,
      pid: context.pid,
    })),
    reportStopped: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STOPPED',
      incarnation: context.incarnation,
    })),
  },
}).createMachine({
  id: 'process',
  context: ({ input }) => ({ ...input, pid: 0 }),
  invoke: {
    id: 'process',
    src: 'process',
    input: ({ context }) => ({ ccid: context.ccid, incarnation: context.incarnation }),
    onError: { target: '.gone', actions: 'reportFailed' },
  },
  initial: 'spawning',
  states: {
    spawning: {
      description: 'The system has been asked for the process and has not answered yet.',
      on: {
        SPAWNED: { target: 'alive', actions: ['rememberPid', 'reportStarted'] },
        SPAWN_FAILED: { target: 'gone', actions: 'reportFailed' },
        STOP: 'cancelled',
      },
    },
    cancelled: {
      description: 'A stop came before the process did; it is ended as soon as it exists.',
      on: {
        SPAWNED: { target: 'terminating', actions: 'rememberPid' },
        SPAWN_FAILED: { target: 'gone', actions: 'reportFailed' },
      },
    },
    alive: {
      description: 'The process lives.',
      on: {
        STOP: 'terminating',
        EXITED: { target: 'sweeping', actions: 'reportExited' },
      },
    },
    sweeping: {
      description: 'The process ended by itself; what it left behind in its group is asked to end.',
      entry: 'terminateGroup',
      after: { termGrace: 'killing' },
      on: { GROUP_GONE: 'gone' },
    },
    terminating: {
      description: 'The group has been sent SIGTERM and may still end by itself.',
      entry: 'terminateGroup',
      after: { termGrace: 'killing' },
      on: {
        EXITED: { actions: 'reportExited' },
        GROUP_GONE: 'gone',
      },
    },
    killing: {
      description: 'The grace is over and the group has been sent SIGKILL.',
      entry: 'killGroup',
      after: { killGrace: 'stuck' },
      on: {
        EXITED: { actions: 'reportExited' },
        GROUP_GONE: 'gone',
      },
    },
    stuck: {
      description: 'Even SIGKILL did not end the group; the chart waits on, because the process is still its own.',
      entry: 'reportStuck',
      on: {
        EXITED: { actions: 'reportExited' },
        GROUP_GONE: 'gone',
      },
    },
    gone: {
      description: 'Nothing of the process is left.',
      entry: 'reportStopped',
      type: 'final',
    },
  },
})
