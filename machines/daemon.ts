import { assign, fromPromise, sendTo, setup, stateIn } from 'xstate'
import { type SupervisorInput, supervisorMachine } from './supervisor.js'

/** What the daemon's chart is started with. */
export interface DaemonInput {
  supervisor: SupervisorInput
  /** Time that the chaincodes have to end in, ms; then they are killed. */
  shutdownTimeoutMs: number
}

/** What the daemon hears. */
export type DaemonEvent =
  | { type: 'STOP' }
  | { type: 'xstate.done.actor.supervisor' }
  | { type: 'xstate.error.actor.supervisor'; error: unknown }

/** What the chart remembers. */
export interface DaemonContext extends DaemonInput {
  /** Why it could not start, or what went wrong at the end. */
  error: unknown
}

/** The daemon: it opens its ledger and its ports, serves, and ends in a bounded time. */
export const daemonMachine = setup({
  types: { context: {} as DaemonContext, input: {} as DaemonInput, events: {} as DaemonEvent },
  actors: {
    supervisor: supervisorMachine,
    /** Opens the data folder, the ledger and the ports; all or nothing. */
    open: fromPromise<void>(() => Promise.resolve()),
    /** Refuses new calls and lets those that run come to their end. */
    quiesce: fromPromise<void>(() => Promise.resolve()),
    /** Kills what is left of chaincodes, closes the ports and the ledger. */
    close: fromPromise<void>(() => Promise.resolve()),
  },
  delays: { shutdownTimeout: ({ context }) => context.shutdownTimeoutMs },
  guards: { isCancelled: stateIn({ starting: 'cancelled' }) },
  actions: {
    rememberError: assign({
      error: ({ context, event }) => context.error ?? ('error' in event ? event.error : undefined),
    }),
    drainSupervisor: sendTo('supervisor', { type: 'DRAIN' }),
  },
}).createMachine({
  id: 'daemon',
  context: ({ input }) => ({ ...input, error: undefined }),
  invoke: {
    id: 'supervisor',
    systemId: 'supervisor',
    src: 'supervisor',
    input: ({ context }) => context.supervisor,
    // A supervisor whose chart threw can route nothing any more: the program ends, and says why.
    onError: { target: '.closing', actions: 'rememberError' },
  },
  initial: 'starting',
  states: {
    starting: {
      description: 'The data folder, the ledger and the ports are being opened.',
      invoke: {
        src: 'open',
        onDone: [{ guard: 'isCancelled', target: 'draining' }, { target: 'serving' }],
        onError: { target: 'closing', actions: 'rememberError' },
      },
      initial: 'opening',
      states: {
        opening: { description: 'Nothing has asked it to stop.', on: { STOP: 'cancelled' } },
        cancelled: { description: 'A stop came during the start; what was opened is closed at its end.' },
      },
    },
    serving: {
      description: 'Calls are taken and chaincodes run.',
      on: { STOP: 'draining' },
    },
    draining: {
      description: 'No new call is taken; what runs comes to its end, in a bounded time.',
      after: { shutdownTimeout: 'closing' },
      initial: 'quiescing',
      states: {
        quiescing: {
          description: 'Transactions that run may still end.',
          invoke: { src: 'quiesce', onDone: 'stoppingChaincodes', onError: 'stoppingChaincodes' },
        },
        stoppingChaincodes: {
          description: 'Every chaincode has been told to stop.',
          entry: 'drainSupervisor',
          on: { 'xstate.done.actor.supervisor': '#daemon.closing' },
        },
      },
    },
    closing: {
      description: 'What is left of chaincodes is killed; the ports and the ledger are closed.',
      invoke: {
        src: 'close',
        onDone: 'stopped',
        onError: { target: 'stopped', actions: 'rememberError' },
      },
    },
    stopped: {
      description: 'Nothing of it runs any more.',
      type: 'final',
    },
  },
})
