import { expect } from 'chai'
import { type AnyEventObject, SimulatedClock, createActor, setup } from 'xstate'
import { type ShardEvent, chaincodeMachine, processMachine, shardMachine } from '../../machines/index.js'
import { scriptedProcesses, scriptedStream, settings } from './scripted.js'

/** Runs a shard under a parent that keeps what it is told. The chart of `bad:1.0` throws when it refuses a stream. */
function run(...ccids: string[]) {
  const processes = scriptedProcesses()
  const runtime = processMachine.provide({ actors: { process: processes.logic } })
  const chaincode = chaincodeMachine.provide({
    actors: { runtime },
    actions: {
      refuseStream: () => {
        throw new Error('defect')
      },
    },
  })
  const reports: AnyEventObject[] = []
  const parent = setup({ actors: { shard: shardMachine.provide({ actors: { chaincode } }) } }).createMachine({
    invoke: { id: 'shard', src: 'shard' },
    on: { '*': { actions: ({ event }) => void reports.push(event) } },
  })
  const actor = createActor(parent, { clock: new SimulatedClock() }).start()
  const shard = actor.getSnapshot().children['shard']!
  const send = (event: ShardEvent) => shard.send(event)
  for (const ccid of ccids) send({ type: 'ADD', chaincode: { ccid, ...settings } })
  return {
    processes,
    reports,
    send,
    get snapshot() {
      return shard.getSnapshot() as ReturnType<ReturnType<typeof createActor<typeof shardMachine>>['getSnapshot']>
    },
    register: (ccid: string) => {
      const stream = scriptedStream(7)
      send({ type: 'REGISTER', ccid, streamId: 7, stream: stream.ref })
      return stream
    },
  }
}

describe('a shard', () => {
  it('refuses a stream for a chaincode that does not live in it, and passes nothing else on for such', () => {
    const shard = run('kv:1.0')
    expect(shard.register('other:1.0').heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
    shard.send({ type: 'ENSURE_READY', ccid: 'other:1.0', callerId: 1 })
    shard.send({ type: 'STOP', ccid: 'other:1.0', callerId: 2 })
    shard.send({ type: 'REMOVE', ccid: 'other:1.0' })
    shard.send({ type: 'STREAM_READY', ccid: 'other:1.0', streamId: 7 })
    shard.send({ type: 'STREAM_ENDED', ccid: 'other:1.0', streamId: 7, message: '' })
    expect(shard.snapshot.status).to.equal('active')
    expect(shard.reports).to.deep.equal([])
  })

  it('refuses every stream while it drains', () => {
    const shard = run('kv:1.0')
    shard.send({ type: 'ENSURE_READY', ccid: 'kv:1.0', callerId: 1 })
    shard.send({ type: 'DRAIN' })
    expect(shard.register('kv:1.0').heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
    expect(shard.reports).to.deep.equal([])
  })

  it('forgets a chaincode whose chart threw: refuses its streams, and does not wait for it when it drains', () => {
    const shard = run('bad:1.0')
    shard.register('bad:1.0')
    expect(shard.reports.map(({ type }) => type)).to.deep.equal(['CHAINCODE_CRASHED'])
    expect(shard.snapshot.children).to.deep.equal({})
    expect(shard.register('bad:1.0').heard).to.deep.equal([{ type: 'REJECT', refusal: 'external' }])
    shard.send({ type: 'DRAIN' })
    expect(shard.reports.map(({ type }) => type)).to.deep.equal(['CHAINCODE_CRASHED', 'xstate.done.actor.shard'])
  })
})
