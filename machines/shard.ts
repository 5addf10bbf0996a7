import { assign, enqueueActions, sendParent, setup, spawnChild, stopChild } from 'xstate'
import { chaincodeMachine } from './chaincode.js'
import type { ChaincodeInput } from './chaincode-facts.js'
import type { Replyable } from './chaincode-facts.js'
import type { Refusal, StreamReport } from './stream.js'

/** An event for the chaincode of a name. */
export type RoutedEvent =
  | { type: 'ENSURE_READY'; ccid: string; callerId: number }
  | { type: 'STOP'; ccid: string; callerId: number }
  | { type: 'REMOVE'; ccid: string }
  | StreamReport

/** What a shard hears. */
export type ShardEvent =
  | { type: 'ADD'; chaincode: ChaincodeInput }
  | RoutedEvent
  | { type: 'DRAIN' }
  | { type: `xstate.done.actor.${string}`; actorId: string }
  | { type: `xstate.error.actor.${string}`; actorId: string; error: unknown }

/** What a shard tells its supervisor. */
export type ShardReport =
  | { type: 'CHAINCODE_REMOVED'; ccid: string }
  /** The chart itself threw: a defect of the program. */
  | { type: 'CHAINCODE_CRASHED'; ccid: string; error: unknown }

/** What the chart remembers. */
export interface ShardContext {
  /** The chaincodes that live here; the actors themselves are the chart's children, by ccid. */
  members: ReadonlySet<string>
}

const ccidOf = (event: ShardEvent): string =>
  'ccid' in event ? event.ccid : event.type === 'ADD' ? event.chaincode.ccid : 'actorId' in event ? event.actorId : ''

/**
 * A part of the supervisor's children. Spawning copies the list of siblings, so many chaincodes are spread over shards;
 * a shard spawns them, passes events on to them by name, and takes leave of them.
 */
export const shardMachine = setup({
  types: { context: {} as ShardContext, events: {} as ShardEvent },
  actors: { chaincode: chaincodeMachine },
  guards: {
    isMember: ({ context, event }) => context.members.has(ccidOf(event)),
    isEmpty: ({ context }) => context.members.size === 0,
  },
  actions: {
    spawnChaincode: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'ADD') return
      enqueue(spawnChild('chaincode', { id: event.chaincode.ccid, input: event.chaincode }))
      enqueue.assign({ members: new Set([...context.members, event.chaincode.ccid]) })
    }),
    passOn: enqueueActions(({ event, enqueue }) => {
      enqueue.sendTo(ccidOf(event), event as never)
    }),
    refuse: enqueueActions(({ event, enqueue }, { refusal }: { refusal: Refusal }) => {
      if (event.type === 'REGISTER') enqueue.sendTo(event.stream as Replyable, { type: 'REJECT', refusal })
    }),
    takeLeave: enqueueActions(({ event, enqueue }) => enqueue(stopChild(ccidOf(event)))),
    forget: assign({
      members: ({ context, event }) => new Set([...context.members].filter((ccid) => ccid !== ccidOf(event))),
    }),
    reportRemoved: sendParent(({ event }): ShardReport => ({ type: 'CHAINCODE_REMOVED', ccid: ccidOf(event) })),
    reportCrashed: sendParent(({ event }): ShardReport => ({
      type: 'CHAINCODE_CRASHED',
      ccid: ccidOf(event),
      error: 'error' in event ? event.error : undefined,
    })),
    removeAll: enqueueActions(({ context, enqueue }) => {
      for (const ccid of [...context.members].reverse()) enqueue.sendTo(ccid, { type: 'REMOVE' } as never)
    }),
  },
}).createMachine({
  id: 'shard',
  context: { members: new Set<string>() },
  initial: 'serving',
  on: {
    'xstate.done.actor.*': { actions: ['takeLeave', 'reportRemoved', 'forget'] },
    'xstate.error.actor.*': { actions: ['takeLeave', 'reportCrashed', 'forget'] },
    ENSURE_READY: { guard: 'isMember', actions: 'passOn' },
    STOP: { guard: 'isMember', actions: 'passOn' },
    REMOVE: { guard: 'isMember', actions: 'passOn' },
    STREAM_READY: { guard: 'isMember', actions: 'passOn' },
    STREAM_ENDED: { guard: 'isMember', actions: 'passOn' },
  },
  states: {
    serving: {
      description: 'Chaincodes are added and reached by name.',
      on: {
        ADD: { actions: 'spawnChaincode' },
        REGISTER: [
          { guard: 'isMember', actions: 'passOn' },
          { actions: { type: 'refuse', params: { refusal: 'external' } } },
        ],
        DRAIN: 'draining',
      },
    },
    draining: {
      description: 'Every chaincode has been told to stop and go; the last added first.',
      entry: 'removeAll',
      on: { REGISTER: { actions: { type: 'refuse', params: { refusal: 'external' } } } },
      always: { guard: 'isEmpty', target: 'drained' },
    },
    drained: {
      description: 'No chaincode is left.',
      type: 'final',
    },
  },
})
