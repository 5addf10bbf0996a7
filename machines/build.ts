import { assign, fromCallback, sendParent, sendTo, setup } from 'xstate'
import { type ProcessRuntimeInput, type RuntimeEvent, processMachine } from './process.js'

/** What a runtime is started with that builds its chaincode before it starts the process. */
export interface BuildRuntimeInput extends ProcessRuntimeInput {
  /** Time that a build may take, ms. It is before the start, so the startup delay does not count it. */
  buildTimeoutMs: number
}

/** What the build service tells the build chart. Whatever it was told, it ends with BUILT or BUILD_FAILED. */
export type BuildEvent =
  /** Something has to be built; its programs run from here on. */
  | { type: 'BUILD_BEGUN' }
  /** What is to be started is there, and no program of the build is left. */
  | { type: 'BUILT' }
  /** It could not be built, and no program of the build is left. `lastWords`: what the build printed last. */
  | { type: 'BUILD_FAILED'; message: string; hint?: string; lastWords: readonly string[] }

/** What the chart remembers. */
export interface BuildContext extends BuildRuntimeInput {
  /** The build took longer than it may, and is being ended for that. */
  isLate: boolean
}

/**
 * The runtime of a chaincode with sources: it is built where that is needed, and then run as a process. The build service
 * is left on its own end only, so that no compiler outlives the actor that owns it.
 */
export const buildMachine = setup({
  types: {
    context: {} as BuildContext,
    input: {} as BuildRuntimeInput,
    events: {} as BuildEvent | RuntimeEvent | { type: 'STOP' },
  },
  actors: {
    /** Owns the build; sends `BuildEvent`s. */
    builder: fromCallback<{ type: 'CANCEL' }, { ccid: string; incarnation: number }>(() => undefined),
    process: processMachine,
  },
  delays: { buildTimeout: ({ context }) => context.buildTimeoutMs },
  guards: { isLate: ({ context }) => context.isLate },
  actions: {
    cancelBuild: sendTo('builder', { type: 'CANCEL' }),
    stopProcess: sendTo('process', { type: 'STOP' }),
    rememberLateness: assign({ isLate: true }),
    passOn: sendParent(({ event }) => event as RuntimeEvent),
    reportBuilding: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_BUILDING',
      incarnation: context.incarnation,
    })),
    reportFailed: sendParent(({ context, event }): RuntimeEvent => {
      const { incarnation, buildTimeoutMs, isLate } = context
      const failed = event.type === 'BUILD_FAILED' ? event : { message: 'the build service failed', lastWords: [] }
      return {
        ...failed,
        type: 'RUNTIME_FAILED',
        incarnation,
        errno: isLate ? 'BUILD_TIMEOUT' : 'BUILD_FAILED',
        message: isLate ? `the build took longer than ${buildTimeoutMs} ms (chaincoded.buildTimeout)` : failed.message,
      }
    }),
    reportLost: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_FAILED',
      incarnation: context.incarnation,
      errno: 'UNKNOWN',
      message: 'the process chart failed',
    })),
    reportStopped: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STOPPED',
      incarnation: context.incarnation,
    })),
  },
}).createMachine({
  id: 'build',
  context: ({ input }) => ({ ...input, isLate: false }),
  initial: 'preparing',
  states: {
    preparing: {
      description: 'What is to be started is being made ready.',
      invoke: {
        id: 'builder',
        src: 'builder',
        input: ({ context }) => ({ ccid: context.ccid, incarnation: context.incarnation }),
        onError: { target: 'unbuilt', actions: 'reportFailed' },
      },
      initial: 'checking',
      states: {
        checking: {
          description: 'Whether the sources have been built before, as they are now, is being found out.',
          on: {
            BUILD_BEGUN: { target: 'building', actions: 'reportBuilding' },
            BUILT: '#build.launched',
            BUILD_FAILED: { target: '#build.unbuilt', actions: 'reportFailed' },
            STOP: 'cancelling',
          },
        },
        building: {
          description: 'The tools of the language build the sources.',
          after: { buildTimeout: { target: 'cancelling', actions: 'rememberLateness' } },
          on: {
            BUILT: '#build.launched',
            BUILD_FAILED: { target: '#build.unbuilt', actions: 'reportFailed' },
            STOP: 'cancelling',
          },
        },
        cancelling: {
          description: 'Nobody wants the build any more; its programs are being ended.',
          entry: 'cancelBuild',
          on: {
            BUILT: [
              { guard: 'isLate', target: '#build.unbuilt', actions: 'reportFailed' },
              { target: '#build.unbuilt' },
            ],
            BUILD_FAILED: [
              { guard: 'isLate', target: '#build.unbuilt', actions: 'reportFailed' },
              { target: '#build.unbuilt' },
            ],
          },
        },
      },
    },
    launched: {
      description: 'It is built; the process chart runs it, and what that says is passed on.',
      invoke: {
        id: 'process',
        src: 'process',
        input: ({ context }) => context,
        onDone: 'gone',
        onError: { target: 'unbuilt', actions: 'reportLost' },
      },
      on: {
        STOP: { actions: 'stopProcess' },
        RUNTIME_STARTED: { actions: 'passOn' },
        RUNTIME_FAILED: { actions: 'passOn' },
        RUNTIME_EXITED: { actions: 'passOn' },
        RUNTIME_STUCK: { actions: 'passOn' },
        RUNTIME_STOPPED: { actions: 'passOn' },
      },
    },
    unbuilt: {
      description: 'Nothing was started, and nothing of the build is left.',
      entry: 'reportStopped',
      type: 'final',
    },
    gone: {
      description: 'Nothing of the process is left.',
      type: 'final',
    },
  },
})
