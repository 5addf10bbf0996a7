import { assign, fromCallback, sendParent, sendTo, setup } from 'xstate'
import type { RuntimeEvent } from './process.js'

/** What a Docker runtime is started with. */
export interface DockerRuntimeInput {
  /** Token of the launch that this container belongs to; every event to the parent carries it. */
  incarnation: number
  /** The chaincode whose container it is; the container service knows how to make it. */
  ccid: string
  /** Time that the removal of the container may take until it is reported as stuck, ms; a fifth of it lies between attempts. */
  killGraceMs: number
}

/** What the container service is told to do: one step at a time, in this order. */
export type ContainerCommand =
  | { type: 'FIND_IMAGE' }
  | { type: 'BUILD_IMAGE' }
  | { type: 'CREATE' }
  | { type: 'UPLOAD' }
  | { type: 'START' }
  /** Ends the step in work, if any, then stops, kills and removes what there is. */
  | { type: 'REMOVE' }

/** What the container service tells the chart. */
export type ContainerEvent =
  | { type: 'IMAGE_FOUND' }
  | { type: 'IMAGE_MISSING' }
  | { type: 'IMAGE_BUILT' }
  | { type: 'CREATED' }
  | { type: 'UPLOADED' }
  /** `pid`: of the container's first process, as its engine counts. */
  | { type: 'STARTED'; pid: number }
  /** The step in work did not succeed; `lastWords`: what it printed last. */
  | { type: 'STEP_FAILED'; errno: string; message: string; hint?: string; lastWords?: readonly string[] }
  /** The container ended; see `ProcessEvent`. */
  | { type: 'EXITED'; exitCode: number; lastWords: readonly string[]; output?: readonly string[] }
  /** The engine went away, and with it the knowledge of the container. */
  | { type: 'ENGINE_LOST'; message: string; hint?: string }
  /** Nothing of the container is left. */
  | { type: 'REMOVED' }
  | { type: 'REMOVE_FAILED'; message: string }

/** What the chart remembers. */
export interface DockerContext extends DockerRuntimeInput {
  pid: number
}

/** Exit codes of a container whose first process was ended by these signals. */
const SIGKILL_CODE = 128 + 9
const SIGTERM_CODE = 128 + 15

/**
 * The Docker runtime: one container, from the search for its image until nothing of it is left. The container service is
 * invoked by the chart as a whole, so no state can be left that would take the container's end with it.
 */
export const dockerMachine = setup({
  types: {
    context: {} as DockerContext,
    input: {} as DockerRuntimeInput,
    events: {} as ContainerEvent | { type: 'STOP' } | { type: 'xstate.error.actor.container'; error: unknown },
  },
  actors: {
    /** Owns the container; sends `ContainerEvent`s. */
    container: fromCallback<ContainerCommand, { ccid: string; incarnation: number }>(() => undefined),
  },
  delays: {
    killGrace: ({ context }) => context.killGraceMs,
    removeRetry: ({ context }) => context.killGraceMs / 5,
  },
  actions: {
    findImage: sendTo('container', { type: 'FIND_IMAGE' }),
    buildImage: sendTo('container', { type: 'BUILD_IMAGE' }),
    create: sendTo('container', { type: 'CREATE' }),
    upload: sendTo('container', { type: 'UPLOAD' }),
    start: sendTo('container', { type: 'START' }),
    remove: sendTo('container', { type: 'REMOVE' }),
    rememberPid: assign({ pid: ({ event }) => (event.type === 'STARTED' ? event.pid : 0) }),
    reportStarted: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STARTED',
      incarnation: context.incarnation,
      pid: context.pid,
    })),
    reportFailed: sendParent(({ context, event }): RuntimeEvent => {
      const { incarnation } = context
      const type = 'RUNTIME_FAILED'
      if (event.type === 'STEP_FAILED') return { ...event, type, incarnation, remains: true }
      if (event.type === 'ENGINE_LOST') return { ...event, type, incarnation, errno: 'ENGINE_LOST', remains: true }
      return { type: 'RUNTIME_FAILED', incarnation, errno: 'UNKNOWN', message: 'the container service failed' }
    }),
    reportExited: sendParent(({ context, event }): RuntimeEvent => {
      const exit = event.type === 'EXITED' ? event : { exitCode: null, lastWords: [] }
      return { ...exit, type: 'RUNTIME_EXITED', incarnation: context.incarnation, signal: null }
    }),
    /** The end of a container that is being removed: a kill is then our own, as SIGTERM is to a process. */
    reportEnded: sendParent(({ context, event }): RuntimeEvent => {
      const { exitCode, ...exit } = event.type === 'EXITED' ? event : { exitCode: 0, lastWords: [] }
      const isKill = exitCode === SIGKILL_CODE || exitCode === SIGTERM_CODE
      const how = isKill ? { exitCode: null, signal: 'SIGTERM' } : { exitCode, signal: null }
      return { ...exit, type: 'RUNTIME_EXITED', incarnation: context.incarnation, ...how }
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
  id: 'docker',
  context: ({ input }) => ({ ...input, pid: 0 }),
  invoke: {
    id: 'container',
    src: 'container',
    input: ({ context }) => ({ ccid: context.ccid, incarnation: context.incarnation }),
    onError: { target: '.gone', actions: 'reportFailed' },
  },
  initial: 'image',
  states: {
    image: {
      description: 'The engine is asked whether it has an image of the chaincode as it is now.',
      entry: 'findImage',
      on: {
        IMAGE_FOUND: 'creating',
        IMAGE_MISSING: 'building',
        STEP_FAILED: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    building: {
      description: 'The image is built from the code.',
      entry: 'buildImage',
      on: {
        IMAGE_BUILT: 'creating',
        STEP_FAILED: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    creating: {
      description: 'The container is made, in the place of one that was left.',
      entry: 'create',
      on: {
        CREATED: 'uploading',
        STEP_FAILED: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    uploading: {
      description: 'The files that its chaincode needs are put into the container.',
      entry: 'upload',
      on: {
        UPLOADED: 'starting',
        STEP_FAILED: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    starting: {
      description: 'The engine has been asked to start the container.',
      entry: 'start',
      on: {
        STARTED: { target: 'running', actions: ['rememberPid', 'reportStarted'] },
        STEP_FAILED: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    running: {
      description: 'The container runs, and its end is awaited.',
      on: {
        EXITED: { target: 'stopping', actions: 'reportExited' },
        ENGINE_LOST: { target: 'stopping', actions: 'reportFailed' },
        STOP: 'stopping',
      },
    },
    stopping: {
      description:
        'The container is stopped, killed and removed, again and again until the engine says that it is gone.',
      after: { killGrace: { actions: 'reportStuck' } },
      on: {
        EXITED: { actions: 'reportEnded' },
        REMOVED: 'gone',
      },
      initial: 'removing',
      states: {
        removing: {
          description: 'The engine has been asked to remove it.',
          entry: 'remove',
          on: { REMOVE_FAILED: 'waiting' },
        },
        waiting: {
          description: 'The engine did not do it, or is not there; it is asked again after a delay.',
          after: { removeRetry: 'removing' },
        },
      },
    },
    gone: {
      description: 'Nothing of the container is left.',
      entry: 'reportStopped',
      type: 'final',
    },
  },
})
