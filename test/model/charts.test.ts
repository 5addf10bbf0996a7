import { expect } from 'chai'
import { fromCallback, setup } from 'xstate'
import {
  type ChaincodeInput,
  buildMachine,
  chaincodeMachine,
  daemonMachine,
  dockerMachine,
  processMachine,
  serviceMachine,
  shardMachine,
  streamMachine,
  supervisorMachine,
} from '../../machines/index.js'
import { type Coverage, type Walk, inventory, merge, walk } from './explore.js'

const stub = { send: () => undefined, _send: () => undefined, sessionId: 'x:stub', id: 'stub' }
const silent = fromCallback(() => undefined)

/** Actions that speak to an actor which a walk does not have; what they say is tested with the machines. */
const mute = <Name extends string>(...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, () => undefined])) as Record<Name, () => void>

const settings: Omit<ChaincodeInput, 'ccid'> = {
  kind: 'process',
  runtime: { termGraceMs: 1, killGraceMs: 1 },
  startupTimeoutMs: 1,
  whenStarting: 'wait',
  waitingCallersLimit: 1,
  restart: 'onDemand',
  restartIntensity: 1,
  restartPeriodMs: 1,
  backoffMs: 1,
  backoffLimitMs: 1,
}

const chaincodeWalk = (name: string, change: Partial<ChaincodeInput>): Walk => ({
  name: `chaincode (${name})`,
  machine: chaincodeMachine.provide({
    actors: { runtime: silent as never, dockerRuntime: silent as never, serviceRuntime: silent as never },
  }),
  input: { ccid: 'kv:1.0', ...settings, ...change },
  without: ['xstate.done.actor.runtime'],
  events: ({ context }) => [
    { type: 'ENSURE_READY', callerId: 1 + context.callers.length },
    { type: 'CALLER_GONE', callerId: 1 },
    { type: 'STOP', callerId: 9 },
    { type: 'REGISTER', ccid: 'kv:1.0', streamId: 5, stream: stub },
    { type: 'STREAM_READY', ccid: 'kv:1.0', streamId: 5 },
    ...[5, 4].flatMap((streamId) => [
      { type: 'STREAM_ENDED', ccid: 'kv:1.0', streamId, message: '' },
      { type: 'TX_STARTED', streamId },
      { type: 'TX_ENDED', streamId },
    ]),
    ...[context.incarnation, context.incarnation - 1].flatMap((incarnation) => [
      { type: 'RUNTIME_BUILDING', incarnation },
      { type: 'RUNTIME_STARTED', incarnation, pid: 42 },
      { type: 'RUNTIME_FAILED', incarnation, errno: 'ENOENT', message: 'no such program' },
      { type: 'RUNTIME_FAILED', incarnation, errno: 'NO_IMAGE', message: 'no such image', remains: true },
      { type: 'RUNTIME_EXITED', incarnation, exitCode: 3, signal: null, lastWords: [] },
      { type: 'RUNTIME_STUCK', incarnation, pid: 42 },
      { type: 'RUNTIME_STOPPED', incarnation },
    ]),
    ...(context.hasRuntime ? [{ type: 'xstate.error.actor.runtime', error: new Error('defect') }] : []),
  ],
  facts: (context) => [
    context.hasRuntime,
    context.stream?.id,
    context.callers.length,
    context.stopCallers.length > 0,
    context.removing,
    context.failure?.kind,
    context.failure?.state,
    // A service is dialled without end, and after a few times nothing changes any more.
    Math.min(context.restarts, 2),
  ],
})

const walks: Record<string, Walk[]> = {
  process: [
    {
      name: 'process',
      machine: processMachine.provide({
        actors: { process: silent as never },
        actions: mute(
          'terminateGroup',
          'killGroup',
          'reportStarted',
          'reportFailed',
          'reportExited',
          'reportStuck',
          'reportStopped',
        ),
      }),
      input: { incarnation: 1, ccid: 'kv:1.0', termGraceMs: 1, killGraceMs: 1 },
      events: () => [
        { type: 'SPAWNED', pid: 42 } as never,
        { type: 'SPAWN_FAILED', errno: 'ENOENT', message: '' } as never,
        { type: 'EXITED', exitCode: 0, signal: null, lastWords: [] } as never,
      ],
    },
  ],
  docker: [
    {
      name: 'docker',
      machine: dockerMachine.provide({
        actors: { container: silent as never },
        actions: mute(
          ...(['findImage', 'buildImage', 'create', 'upload', 'start', 'remove'] as const),
          ...([
            'reportStarted',
            'reportFailed',
            'reportExited',
            'reportEnded',
            'reportStuck',
            'reportStopped',
          ] as const),
        ),
      }),
      input: { incarnation: 1, ccid: 'kv:1.0', killGraceMs: 1 },
    },
  ],
  build: [
    {
      name: 'build',
      machine: buildMachine.provide({
        actors: { builder: silent as never, process: silent as never },
        actions: mute(
          'cancelBuild',
          'stopProcess',
          'passOn',
          'reportBuilding',
          'reportFailed',
          'reportLost',
          'reportStopped',
        ),
      }),
      input: { incarnation: 1, ccid: 'kv:1.0', termGraceMs: 1, killGraceMs: 1, buildTimeoutMs: 1 },
      events: () => [
        { type: 'BUILD_FAILED', message: 'go build exited with 1', lastWords: [] } as never,
        { type: 'xstate.error.actor.process', error: new Error('defect') } as never,
      ],
      facts: (context) => context.isLate,
    },
  ],
  service: [
    {
      name: 'service',
      machine: serviceMachine.provide({
        actors: { connection: silent as never },
        actions: mute('hangUp', 'reportStarted', 'reportTimeout', 'reportFailed', 'reportLost', 'reportStopped'),
      }),
      input: { incarnation: 1, ccid: 'kv:1.0' },
      events: () => [
        { type: 'DIALLING', address: 'cc:1', dialTimeoutMs: 1 } as never,
        { type: 'REACHED', awaited: 'HTTP/2' } as never,
        { type: 'DIAL_FAILED', errno: 'ECONNREFUSED', message: '' } as never,
        { type: 'DISCONNECTED', message: '' } as never,
      ],
      facts: (context) => context.awaited,
    },
  ],
  stream: [0, 1].map((keepaliveMs) => ({
    name: `stream (keepalive ${keepaliveMs})`,
    machine: streamMachine,
    input: { streamId: 1, supervisor: stub, registerTimeoutMs: 1, keepaliveMs, expectedCcid: 'kv:1.0' },
    events: () => [
      { type: 'REGISTER_RECEIVED', ccid: 'kv:1.0' } as never,
      { type: 'REGISTER_RECEIVED', ccid: 'another:1.0' } as never,
      { type: 'REGISTER_RECEIVED', ccid: '' } as never,
      { type: 'REGISTER_UNDECODABLE', detail: '' } as never,
      { type: 'REJECT', refusal: 'external' } as never,
      { type: 'VIOLATION', text: '' } as never,
      { type: 'UNAUTHORIZED', text: '' } as never,
      { type: 'ENDED', message: '' } as never,
    ],
    facts: (context) => [context.ccid, context.closure?.kind],
  })),
  chaincode: [
    chaincodeWalk('on demand', {}),
    chaincodeWalk('rejects while starting', { whenStarting: 'reject' }),
    chaincodeWalk('by hand', { kind: 'byHand' }),
    chaincodeWalk('permanent', { restart: 'permanent' }),
    chaincodeWalk('transient', { restart: 'transient' }),
    chaincodeWalk('service', { kind: 'service' }),
  ],
  shard: [
    {
      name: 'shard',
      without: ['ADD'],
      machine: shardMachine.provide({
        actors: { chaincode: silent as never },
        actions: mute('reportRemoved', 'reportCrashed'),
      }),
      events: ({ context }) => [
        ...(context.members.size < 2
          ? [{ type: 'ADD', chaincode: { ccid: context.members.has('a:1') ? 'b:1' : 'a:1', ...settings } }]
          : []),
        ...['a:1', 'c:1'].flatMap((ccid) =>
          ['ENSURE_READY', 'STOP', 'REMOVE', 'STREAM_READY', 'STREAM_ENDED', 'REGISTER'].map((type) => ({
            type,
            ccid,
            callerId: 1,
            streamId: 1,
            stream: stub,
          })),
        ),
        ...[...context.members].flatMap((ccid) => [
          { type: `xstate.done.actor.${ccid}`, actorId: ccid },
          { type: `xstate.error.actor.${ccid}`, actorId: ccid, error: new Error('defect') },
        ]),
      ],
      facts: (context) => [...context.members].sort(),
    },
  ],
  supervisor: [true, false].flatMap((acceptsUnsolicited) =>
    [true, false].map((isAwaited) => ({
      name: `supervisor (${acceptsUnsolicited ? 'dev' : 'net'}, ${isAwaited ? 'awaited' : 'not awaited'})`,
      machine: supervisorMachine.provide({
        actors: { shard: silent as never },
        guards: { isAwaited: () => isAwaited },
      }),
      input: { acceptsUnsolicited, chaincodesLimit: 2, byHand: settings },
      events: ({ context }) => [
        ...['a:1', 'b:1', 'c:1'].map((ccid) => ({ type: 'ADD', chaincode: { ccid, ...settings } })),
        ...['a:1', 'c:1'].flatMap((ccid) =>
          ['ENSURE_READY', 'STOP', 'REMOVE', 'STREAM_READY', 'STREAM_ENDED', 'REGISTER'].map((type) => ({
            type,
            ccid,
            callerId: 1,
            streamId: 1,
            stream: stub,
          })),
        ),
        { type: 'CHAINCODE_REMOVED', ccid: 'a:1' },
        { type: 'CHAINCODE_CRASHED', ccid: 'a:1', error: new Error('defect') },
        ...Object.keys(context.shards).flatMap((actorId) => [
          { type: `xstate.done.actor.${actorId}`, actorId },
          { type: `xstate.error.actor.${actorId}`, actorId, error: new Error('defect') },
        ]),
      ],
      facts: (context) => [
        Object.values(context.members)
          .flatMap((members: any) => [...members])
          .sort(),
        Object.keys(context.shards).sort(),
      ],
    })),
  ),
  daemon: [
    {
      name: 'daemon',
      machine: daemonMachine.provide({
        actions: mute('drainSupervisor'),
        actors: {
          supervisor: setup({}).createMachine({}) as never,
          open: fromCallback(() => undefined) as never,
          quiesce: fromCallback(() => undefined) as never,
          close: fromCallback(() => undefined) as never,
        },
      }),
      input: { supervisor: { acceptsUnsolicited: false, chaincodesLimit: 2, byHand: settings }, shutdownTimeoutMs: 1 },
      facts: (context) => context.error !== undefined,
    },
  ],
}

/** Transitions that no walk can take, with the reason. */
const unreachable: Record<string, string> = {
  'chaincode --xstate.done.actor.runtime[0]':
    'the runtime is released on RUNTIME_STOPPED, which it sends before it is done; the line names the child for XState',
}

describe('the statecharts, walked along every edge', () => {
  for (const [name, list] of Object.entries(walks))
    it(`visits every state and every transition of ${name}, and the actor goes where the model goes`, () => {
      const covered = list
        .map(walk)
        .reduce<Coverage>(merge, { paths: 0, steps: 0, states: new Set(), transitions: new Set(), differences: [] })
      const machine = (list[0] as Walk).machine
      const { states, transitions } = inventory(machine)
      const leftOut = transitions.filter((transition) => unreachable[transition])
      const missedStates = states.filter((state) => !covered.states.has(state))
      const missedTransitions = transitions.filter(
        (transition) => !covered.transitions.has(transition) && !unreachable[transition],
      )
      console.log(
        `      ${name}: ${states.length - missedStates.length}/${states.length} states, ` +
          `${transitions.length - leftOut.length - missedTransitions.length}/${transitions.length - leftOut.length} transitions` +
          `${leftOut.length ? ` (${leftOut.length} unreachable)` : ''}, ${covered.paths} paths, ${covered.steps} steps`,
      )
      expect(covered.differences.slice(0, 3), 'steps at which model and actor differ').to.deep.equal([])
      expect(missedStates, 'states that no path visits').to.deep.equal([])
      expect(missedTransitions, 'transitions that no path takes').to.deep.equal([])
      expect(
        leftOut.filter((transition) => covered.transitions.has(transition)),
        'transitions that are marked unreachable and are not',
      ).to.deep.equal([])
    })
})
