import { type ActorRefFrom, assign, emit, enqueueActions, setup, stopChild } from 'xstate'
import type { ChaincodeInput, Replyable } from './chaincode-facts.js'
import { type RoutedEvent, type ShardReport, shardMachine } from './shard.js'
import type { Refusal } from './stream.js'

/** What the supervisor hears. */
export type SupervisorEvent =
  | { type: 'ADD'; chaincode: ChaincodeInput }
  | RoutedEvent
  | ShardReport
  | { type: 'DRAIN' }
  | { type: `xstate.done.actor.${string}`; actorId: string }
  | { type: `xstate.error.actor.${string}`; actorId: string; error: unknown }

/** What the supervisor is started with. */
export interface SupervisorInput {
  /** `chaincode.mode: dev`: a chaincode may register by itself. */
  acceptsUnsolicited: boolean
  /** Chaincodes at once. */
  chaincodesLimit: number
  /** Settings for a chaincode that registers by itself. */
  byHand: Omit<ChaincodeInput, 'ccid' | 'kind'>
}

/** A shard's reference. */
export type ShardRef = ActorRefFrom<typeof shardMachine>

/** What the chart remembers. */
export interface SupervisorContext extends SupervisorInput {
  shards: Readonly<Record<string, ShardRef>>
  /** Every chaincode there is, by shard: a list of all would have to be copied at each coming. */
  members: Readonly<Record<string, ReadonlySet<string>>>
}

/** What the supervisor tells the program. */
export type SupervisorEmitted =
  | { type: 'CHAINCODE_ADDED'; ccid: string; kind: ChaincodeInput['kind'] }
  | { type: 'CHAINCODE_REMOVED'; ccid: string }
  | { type: 'CHAINCODE_CRASHED'; ccid: string; error: unknown }

const SHARDS = 64

/** The shard that a chaincode lives in: a hash of its name, so that no list has to be kept. */
export function shardOf(ccid: string): string {
  let hash = 0
  for (let i = 0; i < ccid.length; i++) hash = (hash * 31 + ccid.charCodeAt(i)) | 0
  return `shard-${Math.abs(hash) % SHARDS}`
}

const ccidOf = (event: SupervisorEvent): string =>
  'ccid' in event ? event.ccid : event.type === 'ADD' ? event.chaincode.ccid : ''

const membersOf = (context: SupervisorContext, shard: string): ReadonlySet<string> =>
  context.members[shard] ?? new Set()
const countOf = ({ members }: SupervisorContext): number =>
  Object.values(members).reduce((count, { size }) => count + size, 0)

/** Routes by name: REGISTER of a stream and calls for a chaincode to the chaincode that they name. */
export const supervisorMachine = setup({
  types: {
    context: {} as SupervisorContext,
    input: {} as SupervisorInput,
    events: {} as SupervisorEvent,
    emitted: {} as SupervisorEmitted,
  },
  actors: { shard: shardMachine },
  guards: {
    isKnown: ({ context, event }) => membersOf(context, shardOf(ccidOf(event))).has(ccidOf(event)),
    isFull: ({ context }) => countOf(context) >= context.chaincodesLimit,
    refusesUnsolicited: ({ context }) => !context.acceptsUnsolicited,
    /** A stranger may join unless another id is being waited for; decided by what is defined. */
    isAwaited: () => true,
    isEmpty: ({ context }) => Object.keys(context.shards).length === 0,
  },
  actions: {
    addChaincode: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'ADD' && event.type !== 'REGISTER') return
      const chaincode: ChaincodeInput =
        event.type === 'ADD' ? event.chaincode : { ...context.byHand, ccid: event.ccid, kind: 'byHand' }
      const name = shardOf(chaincode.ccid)
      enqueue.assign({
        shards: ({ context, spawn }) =>
          context.shards[name] ? context.shards : { ...context.shards, [name]: spawn('shard', { id: name }) },
        members: { ...context.members, [name]: new Set([...membersOf(context, name), chaincode.ccid]) },
      })
      enqueue.sendTo(({ context }: { context: SupervisorContext }) => context.shards[name] as ShardRef, {
        type: 'ADD',
        chaincode,
      })
      enqueue.emit({ type: 'CHAINCODE_ADDED', ccid: chaincode.ccid, kind: chaincode.kind })
    }),
    passOn: enqueueActions(({ context, event, enqueue }) => {
      const shard = context.shards[shardOf(ccidOf(event))]
      if (shard) enqueue.sendTo(shard, event as RoutedEvent)
    }),
    refuse: enqueueActions(({ event, enqueue }, { refusal }: { refusal: Refusal }) => {
      if (event.type === 'REGISTER') enqueue.sendTo(event.stream as Replyable, { type: 'REJECT', refusal })
    }),
    forget: assign({
      members: ({ context, event }) => {
        const ccid = ccidOf(event)
        const name = shardOf(ccid)
        return {
          ...context.members,
          [name]: new Set([...membersOf(context, name)].filter((member) => member !== ccid)),
        }
      },
    }),
    tell: emit(({ event }) => event as SupervisorEmitted),
    drainShards: enqueueActions(({ context, enqueue }) => {
      for (const shard of Object.values(context.shards)) enqueue.sendTo(shard, { type: 'DRAIN' })
    }),
    /** A shard whose chart threw takes its chaincodes with it; each of them is reported. */
    tellOfCrash: enqueueActions(({ context, event, enqueue }) => {
      if (!('actorId' in event && 'error' in event)) return
      const { actorId, error } = event
      for (const ccid of membersOf(context, actorId)) enqueue.emit({ type: 'CHAINCODE_CRASHED', ccid, error })
      enqueue.assign({ members: { ...context.members, [actorId]: new Set<string>() } })
    }),
    releaseShard: enqueueActions(({ event, enqueue }) => {
      if (!('actorId' in event)) return
      const { actorId } = event
      enqueue(stopChild(actorId))
      enqueue.assign({
        shards: ({ context }) => Object.fromEntries(Object.entries(context.shards).filter(([id]) => id !== actorId)),
      })
    }),
  },
}).createMachine({
  id: 'supervisor',
  context: ({ input }) => ({ ...input, shards: {}, members: {} }),
  initial: 'serving',
  on: {
    CHAINCODE_REMOVED: { actions: ['forget', 'tell'] },
    CHAINCODE_CRASHED: { actions: ['forget', 'tell'] },
    ENSURE_READY: { actions: 'passOn' },
    STOP: { actions: 'passOn' },
    REMOVE: { actions: 'passOn' },
    STREAM_READY: { actions: 'passOn' },
    STREAM_ENDED: { actions: 'passOn' },
    'xstate.done.actor.*': { actions: 'releaseShard' },
    'xstate.error.actor.*': { actions: ['tellOfCrash', 'releaseShard'] },
  },
  states: {
    serving: {
      description: 'Chaincodes are added, reached by name, and watched.',
      on: {
        ADD: [{ guard: 'isKnown' }, { guard: 'isFull' }, { actions: 'addChaincode' }],
        REGISTER: [
          { guard: 'isKnown', actions: 'passOn' },
          { guard: 'refusesUnsolicited', actions: { type: 'refuse', params: { refusal: 'external' } } },
          { guard: 'isFull', actions: { type: 'refuse', params: { refusal: 'tooMany' } } },
          { guard: 'isAwaited', actions: ['addChaincode', 'passOn'] },
          { actions: { type: 'refuse', params: { refusal: 'unexpected' } } },
        ],
        DRAIN: 'draining',
      },
    },
    draining: {
      description: 'Every chaincode is being stopped.',
      entry: 'drainShards',
      on: { REGISTER: { actions: { type: 'refuse', params: { refusal: 'external' } } } },
      always: { guard: 'isEmpty', target: 'drained' },
    },
    drained: {
      description: 'No chaincode is left.',
      type: 'final',
    },
  },
})
