/** Runs a supervisor with its shards and chaincodes on a simulated clock, over scripted processes and real stream charts. */
import { type ActorRefFrom, SimulatedClock, createActor } from 'xstate'
import {
  type ChaincodeEmitted,
  type ChaincodeInput,
  type StreamEmitted,
  type StreamEvent,
  type SupervisorEmitted,
  type SupervisorEvent,
  type SupervisorInput,
  chaincodeMachine,
  processMachine,
  shardMachine,
  shardOf,
  stateName,
  streamMachine,
  supervisorMachine,
} from '../../machines/index.js'
import { scriptedProcesses, settings } from './scripted.js'

/** A supervisor that runs, and the words to play the world around it. */
export type RunningSupervisor = ReturnType<typeof runSupervisor>

interface Change extends Partial<SupervisorInput> {
  /** What the program answers when a stranger registers in dev mode. */
  isAwaited?: boolean
  chaincode?: typeof chaincodeMachine
  shard?: typeof shardMachine
}

/** Starts a supervisor. `chaincode` and `shard` replace the charts of these names. */
export function runSupervisor(change: Change = {}) {
  const { isAwaited = true, chaincode = chaincodeMachine, shard = shardMachine, ...input } = change
  const clock = new SimulatedClock()
  /** What streams and chaincodes told the program, in one order. */
  const log: string[] = []
  const said: SupervisorEmitted[] = []
  const answers: ChaincodeEmitted[] = []
  const processes = scriptedProcesses()
  const runtime = processMachine.provide({ actors: { process: processes.logic } })
  const machine = supervisorMachine.provide({
    actors: { shard: shard.provide({ actors: { chaincode: chaincode.provide({ actors: { runtime } }) } }) },
    guards: { isAwaited: () => isAwaited },
  })
  const actor = createActor(machine, {
    input: { acceptsUnsolicited: false, chaincodesLimit: 10_000, byHand: settings, ...input },
    clock,
  })
  const shardRef = (name: string) => actor.getSnapshot().context.shards[name]
  const ref = (ccid: string) =>
    shardRef(shardOf(ccid))?.getSnapshot().children[ccid] as ActorRefFrom<typeof chaincodeMachine> | undefined
  actor.on('*', (event) => {
    said.push(event)
    if (event.type !== 'CHAINCODE_ADDED') return
    ref(event.ccid)?.on('*', (answer) => {
      answers.push(answer)
      log.push(`${answer.type} ${answer.callerId}`)
    })
  })
  actor.start()
  const send = (event: SupervisorEvent) => actor.send(event)
  return {
    actor,
    clock,
    log,
    said,
    answers,
    processes,
    send,
    ref,
    shardRef,
    /** State of a chaincode's chart; undefined where there is none. */
    state: (ccid: string) => {
      const value = ref(ccid)?.getSnapshot().value
      return value === undefined ? undefined : stateName(value)
    },
    add: (...ccids: string[]) =>
      ccids.forEach((ccid) => send({ type: 'ADD', chaincode: { ccid, ...settings } as ChaincodeInput })),
    call: (ccid: string, callerId: number) => send({ type: 'ENSURE_READY', ccid, callerId }),
    /** The process that was started last for a chaincode. */
    process: (ccid: string) => {
      const process = processes.started.filter((one) => one.ccid === ccid).at(-1)
      if (!process) throw new Error(`no process was started for ${ccid}`)
      return process
    },
    /** Opens a stream with the real chart. */
    open: (streamId: number) => {
      const told: StreamEmitted[] = []
      const stream = createActor(streamMachine, {
        input: { streamId, supervisor: actor as never, registerTimeoutMs: 1000, keepaliveMs: 0 },
        clock,
      })
      stream.on('*', (event) => {
        // Who registers is found out elsewhere; here everybody is who he says he is.
        if (event.type === 'AUTHORIZE') return stream.send({ type: 'AUTHORIZED' })
        told.push(event)
        log.push(`stream ${streamId} ${event.type}`)
      })
      stream.start()
      return {
        told,
        actor: stream,
        send: (...events: StreamEvent[]) => events.forEach((event) => stream.send(event)),
      }
    },
  }
}

/** Launches a chaincode for a caller up to READY, over a stream with the real chart. */
export function bringUp(supervisor: RunningSupervisor, ccid: string, streamId: number, callerId = streamId) {
  supervisor.call(ccid, callerId)
  supervisor.process(ccid).tell({ type: 'SPAWNED', pid: 100 + streamId })
  const stream = supervisor.open(streamId)
  stream.send({ type: 'REGISTER_RECEIVED', ccid }, { type: 'READY_WRITTEN' })
  return stream
}

/** Ends what runs of a chaincode, as a process does that was asked to. */
export function endProcess(supervisor: RunningSupervisor, ccid: string): void {
  const process = supervisor.process(ccid)
  process.tell({ type: 'EXITED', exitCode: 0, signal: null, lastWords: [] })
  process.tell({ type: 'GROUP_GONE' })
}

/** As many ids as asked for that live in one shard. */
export function neighbours(count: number): string[] {
  const ccids: string[] = []
  for (let i = 0; ccids.length < count; i++) {
    const ccid = `cc${i}:1.0`
    if (ccids.length === 0 || shardOf(ccid) === shardOf(ccids[0]!)) ccids.push(ccid)
  }
  return ccids
}
