import { assign, fromCallback, sendParent, sendTo, setup } from 'xstate'
import type { RuntimeEvent } from './process.js'

/** What a service runtime is started with. */
export interface ServiceRuntimeInput {
  /** Token of the launch that this connection belongs to; every event to the parent carries it. */
  incarnation: number
  /** The chaincode that is dialled; the dial service knows its connection.json. */
  ccid: string
}

/** What the dial service tells the service chart. Whatever it was told, it ends with DIAL_FAILED or DISCONNECTED. */
export type ServiceEvent =
  /** The settings are read and checked, and the dial has begun. */
  | { type: 'DIALLING'; address: string; dialTimeoutMs: number }
  /** A step of the dial is done; `awaited` says what comes next. */
  | { type: 'REACHED'; awaited: string }
  /** The stream is open: the chaincode may register on it. */
  | { type: 'CONNECTED' }
  /** There is no connection, and nothing of the dial is left. `errno` is the system's name or one of the dial service. */
  | { type: 'DIAL_FAILED'; errno: string; message: string; hint?: string }
  /** Nothing of the connection is left. `message` is empty where it was hung up. */
  | { type: 'DISCONNECTED'; message: string }

/** What the chart remembers. */
export interface ServiceContext extends ServiceRuntimeInput {
  /** `host:port`; empty until the settings are read. */
  address: string
  dialTimeoutMs: number
  /** What the dial waits for now. */
  awaited: string
}

/**
 * The service runtime: one connection to a chaincode that runs elsewhere, from the dial until nothing of it is left. The
 * connection is invoked by the chart as a whole, so that a dial which is answered too late still has an owner that ends it.
 * The next attempt is the chaincode's to make, as a new incarnation.
 */
export const serviceMachine = setup({
  types: {
    context: {} as ServiceContext,
    input: {} as ServiceRuntimeInput,
    events: {} as ServiceEvent | { type: 'STOP' },
  },
  actors: {
    /** Owns the connection; sends `ServiceEvent`s. When it is stopped it hangs up too. */
    connection: fromCallback<{ type: 'HANG_UP' }, { ccid: string; incarnation: number }>(() => undefined),
  },
  delays: {
    dialTimeout: ({ context }) => context.dialTimeoutMs,
  },
  actions: {
    rememberDial: assign(({ context, event }) =>
      event.type === 'DIALLING' ? { address: event.address, dialTimeoutMs: event.dialTimeoutMs } : context,
    ),
    rememberAwaited: assign({
      awaited: ({ context, event }) => (event.type === 'REACHED' ? event.awaited : context.awaited),
    }),
    hangUp: sendTo('connection', { type: 'HANG_UP' }),
    reportStarted: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STARTED',
      incarnation: context.incarnation,
      pid: 0,
    })),
    reportTimeout: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_FAILED',
      incarnation: context.incarnation,
      errno: 'ETIMEDOUT',
      message: `no connection to ${context.address} within ${context.dialTimeoutMs} ms (awaited: ${context.awaited})`,
    })),
    reportFailed: sendParent(({ context, event }): RuntimeEvent => ({
      type: 'RUNTIME_FAILED',
      incarnation: context.incarnation,
      errno: event.type === 'DIAL_FAILED' ? event.errno : 'UNKNOWN',
      message: event.type === 'DIAL_FAILED' ? event.message : 'the dial service failed',
      ...(event.type === 'DIAL_FAILED' && event.hint !== undefined ? { hint: event.hint } : {}),
    })),
    reportLost: sendParent(({ context, event }): RuntimeEvent => ({
      type: 'RUNTIME_FAILED',
      incarnation: context.incarnation,
      errno: 'DISCONNECTED',
      message: event.type === 'DISCONNECTED' ? event.message : '',
    })),
    reportStopped: sendParent(({ context }): RuntimeEvent => ({
      type: 'RUNTIME_STOPPED',
      incarnation: context.incarnation,
    })),
  },
}).createMachine({
  id: 'service',
  context: ({ input }) => ({ ...input, address: '', dialTimeoutMs: 0, awaited: 'TCP' }),
  invoke: {
    id: 'connection',
    src: 'connection',
    input: ({ context }) => ({ ccid: context.ccid, incarnation: context.incarnation }),
    onError: { target: '.gone', actions: 'reportFailed' },
  },
  initial: 'checking',
  states: {
    checking: {
      description: 'Its connection.json is read, and every value checked before anything is dialled.',
      on: {
        DIALLING: { target: 'dialling', actions: 'rememberDial' },
        DIAL_FAILED: { target: 'gone', actions: 'reportFailed' },
        STOP: 'hangingUp',
      },
    },
    dialling: {
      description: 'The service is being dialled: TCP, TLS where it is asked for, and HTTP/2.',
      after: { dialTimeout: { target: 'hangingUp', actions: 'reportTimeout' } },
      on: {
        REACHED: { actions: 'rememberAwaited' },
        CONNECTED: { target: 'connected', actions: 'reportStarted' },
        DIAL_FAILED: { target: 'gone', actions: 'reportFailed' },
        STOP: 'hangingUp',
      },
    },
    connected: {
      description: 'The stream is open; the chaincode says on it who it is, and serves until it ends.',
      on: {
        DISCONNECTED: { target: 'gone', actions: 'reportLost' },
        STOP: 'hangingUp',
      },
    },
    hangingUp: {
      description: 'Nobody wants the connection any more; a dial that is answered only now is ended as well.',
      entry: 'hangUp',
      on: { DISCONNECTED: 'gone', DIAL_FAILED: 'gone' },
    },
    gone: {
      description: 'Nothing of the connection is left.',
      entry: 'reportStopped',
      type: 'final',
    },
  },
})
