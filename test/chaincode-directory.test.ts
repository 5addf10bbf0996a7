import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import type { StateChange } from '../src/chaincode-directory.js'
import { chaincodeMachine, shardOf } from '../machines/index.js'
import { failureOf, turn } from './protocol/open-stream.js'
import { runDirectory } from './run-directory.js'

const CC = 'kv:1.0'
const path = (changes: StateChange[]) => changes.map(({ from, to }) => `${from} > ${to}`)

describe('Asking for a chaincode that is not up', () => {
  it('starts it once, and gives all who wait its stream [R-02]', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const waiting = Array.from({ length: 100 }, () => daemon.directory.ensureReady(CC))
    expect(daemon.supervisor.processes.started).to.have.length(1)
    daemon.comeUp(CC)
    const streams = new Set(await Promise.all(waiting))
    expect([...streams]).to.deep.equal([daemon.directory.readyStream(CC)])
    expect(path(daemon.changes)).to.deep.equal([
      'stopped > launching',
      'launching > awaitingRegister',
      'awaitingRegister > registered',
      'registered > ready',
    ])
  })

  it("fails all who wait with the launch's own error when its process ends [R-33]", async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const waiting = [failureOf(daemon.directory.ensureReady(CC)), failureOf(daemon.directory.ensureReady(CC))]
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    daemon.exit(CC, 3)
    for (const error of await Promise.all(waiting)) {
      expect(error.message).to.equal(
        'could not launch chaincode kv:1.0: chaincode registration failed: process exited with 3 ' +
          '(state awaitingRegister, awaited: REGISTER at 127.0.0.1:7052)',
      )
      expect(error.lastWords).to.deep.equal(['its last words'])
    }
    expect(daemon.directory.status(CC)).to.deep.include({ state: 'failed', pid: 0, incarnation: 1 })
  })

  it('fails at the startup timeout, and starts it anew for the next caller [R-36]', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const first = failureOf(daemon.directory.ensureReady(CC))
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    daemon.clock.increment(300)
    expect((await first).message).to.match(/^could not launch chaincode kv:1\.0: timeout expired while starting/)
    daemon.exit(CC)
    const second = daemon.directory.ensureReady(CC)
    daemon.comeUp(CC)
    expect((await second).ccid).to.equal(CC)
    expect(daemon.directory.status(CC)).to.deep.include({ incarnation: 2, failure: undefined })
  })

  it('is refused for a name that nobody has added, with the names that there are', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const error = await failureOf(daemon.directory.ensureReady('other:1.0'))
    expect(error.message).to.equal('there is no chaincode "other:1.0"')
    expect(error.hint).to.equal('there is only kv:1.0')
  })

  it('ends for a caller that goes away; the launch and the others go on [R-32]', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const caller = new AbortController()
    const gone = failureOf(daemon.directory.ensureReady(CC, caller.signal))
    const staying = daemon.directory.ensureReady(CC)
    caller.abort()
    expect((await gone).code).to.equal('CALL_CANCELLED')
    daemon.comeUp(CC)
    expect((await staying).ccid).to.equal(CC)
  })

  it('starts nothing for a caller that has gone before', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const error = await failureOf(daemon.directory.ensureReady(CC, AbortSignal.abort()))
    expect(error.code).to.equal('CALL_CANCELLED')
    expect(daemon.supervisor.processes.started).to.deep.equal([])
  })

  it('listens no longer to a caller that has its answer', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    const { signal } = new AbortController()
    const waiting = daemon.directory.ensureReady(CC, signal)
    expect(getEventListeners(signal, 'abort')).to.have.length(1)
    daemon.comeUp(CC)
    await waiting
    expect(getEventListeners(signal, 'abort')).to.deep.equal([])
  })

  it('is refused during a start where the configuration says so, in the words of the original', async () => {
    const daemon = await runDirectory()
    daemon.add(CC, { whenStarting: 'reject' })
    void daemon.directory.ensureReady(CC).catch(() => undefined)
    expect((await failureOf(daemon.directory.ensureReady(CC))).message).to.equal(
      'premature execution - chaincode (kv:1.0) is being launched',
    )
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    expect((await failureOf(daemon.directory.ensureReady(CC))).message).to.equal(
      'premature execution - chaincode (kv:1.0) launched and waiting for registration',
    )
  })
})

describe('The stream of a chaincode', () => {
  it('is there from READY to its end, while it runs transactions too', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    expect(daemon.directory.readyStream(CC)).to.equal(undefined)
    void daemon.directory.ensureReady(CC)
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    expect(daemon.directory.readyStream(CC)).to.equal(undefined)
    const chaincode = daemon.connect()
    chaincode.register(CC)
    const stream = daemon.directory.readyStream(CC)
    expect(stream?.ccid).to.equal(CC)
    daemon.directory.activity(CC, stream!.streamId, true)
    expect(daemon.directory.status(CC)?.state).to.equal('running')
    expect(daemon.directory.readyStream(CC)).to.equal(stream)
    chaincode.end()
    expect(daemon.directory.readyStream(CC)).to.equal(undefined)
    expect(daemon.directory.openStreams()).to.deep.equal([])
  })

  it('of a former life takes no part: its late activity is not heard [R-09]', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    void daemon.directory.ensureReady(CC)
    const former = daemon.comeUp(CC)
    const formerId = daemon.directory.readyStream(CC)!.streamId
    former.end()
    daemon.exit(CC)
    void daemon.directory.ensureReady(CC)
    daemon.comeUp(CC)
    daemon.directory.activity(CC, formerId, true)
    expect(daemon.directory.status(CC)?.state).to.equal('ready')
  })

  it('that ends in a transaction is reported to have ended in running', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    void daemon.directory.ensureReady(CC)
    const chaincode = daemon.comeUp(CC)
    const call = { type: 5, channelId: 'ch', txId: 'tx1', namespace: 'kv', input: Buffer.alloc(0) } as const
    const stream = daemon.directory.readyStream(CC)!
    const running = failureOf(stream.execute({ ...call, signedProposal: Buffer.alloc(0), simulator: undefined }))
    expect(daemon.directory.status(CC)).to.deep.include({ state: 'running', inFlight: 1 })
    chaincode.end('read ECONNRESET')
    expect((await running).code).to.equal('STREAM_TERMINATED')
    expect(daemon.directory.status(CC)?.failure).to.deep.equal({
      kind: 'streamEnded',
      state: 'running',
      message: 'read ECONNRESET',
    })
    expect(path(daemon.changes).slice(4)).to.deep.equal(['ready > running', 'running > stopping'])
  })
})

describe('Stopping', () => {
  it('resolves when nothing of the chaincode is left', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    void daemon.directory.ensureReady(CC)
    daemon.comeUp(CC)
    let isStopped = false
    const stopped = daemon.directory.stop(CC).finally(() => (isStopped = true))
    await turn()
    expect(isStopped).to.equal(false)
    daemon.exit(CC)
    expect(await stopped).to.equal(undefined)
    expect(daemon.directory.status(CC)?.state).to.equal('stopped')
  })

  it('resolves with what stands in its way when the process survives SIGKILL', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    void daemon.directory.ensureReady(CC)
    daemon.comeUp(CC, 77)
    const stopped = daemon.directory.stop(CC)
    daemon.clock.increment(50)
    daemon.clock.increment(20)
    expect(await stopped).to.deep.equal({ kind: 'stuck', state: 'stopping', pid: 77 })
  })

  it('of what nobody has added, or has been removed meanwhile, resolves', async () => {
    const daemon = await runDirectory()
    expect(await daemon.directory.stop('other:1.0')).to.equal(undefined)
    daemon.add(CC)
    void daemon.directory.ensureReady(CC)
    daemon.comeUp(CC)
    const both = [daemon.directory.stop(CC), daemon.directory.remove(CC)]
    daemon.exit(CC)
    await Promise.all(both)
    expect(daemon.directory.has(CC)).to.equal(false)
  })
})

describe('Removing', () => {
  it('stops the chaincode, forgets it and fails who waits for it, and for no other; all who remove it are told', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    daemon.add('other:1.0')
    const waiting = failureOf(daemon.directory.ensureReady(CC))
    const other = daemon.directory.ensureReady('other:1.0')
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    const removed = [daemon.directory.remove(CC), daemon.directory.remove(CC)]
    expect((await waiting).message).to.equal('could not launch chaincode kv:1.0: it was stopped')
    daemon.exit(CC)
    await Promise.all(removed)
    expect(daemon.directory.ccids()).to.deep.equal(['other:1.0'])
    daemon.comeUp('other:1.0')
    expect((await other).ccid).to.equal('other:1.0')
    expect(daemon.directory.status(CC)).to.equal(undefined)
    await daemon.directory.remove(CC)
    daemon.add(CC)
    expect(daemon.directory.status(CC)?.incarnation).to.equal(0)
  })
})

describe('A chart that fails by a defect', () => {
  it('takes its chaincode with it; who waits for a start or a stop is told', async () => {
    const broken = chaincodeMachine.provide({
      actions: {
        closeStream: () => {
          throw new Error('a defect')
        },
      },
    })
    const daemon = await runDirectory({ supervisor: { chaincode: broken } })
    daemon.add(CC)
    daemon.add('other:1.0')
    const waiting = failureOf(daemon.directory.ensureReady(CC))
    await daemon.directory.stop(CC)
    expect((await waiting).code).to.equal('LAUNCH_FAILED')
    expect(daemon.directory.has(CC)).to.equal(false)
    expect(shardOf(CC)).to.not.equal(shardOf('other:1.0'))
    expect(daemon.directory.has('other:1.0')).to.equal(true)
  })
})

describe('What is told of a chaincode', () => {
  it('is its state, since when, its process, its lives and its transactions', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    expect(daemon.directory.status(CC)).to.deep.equal({
      ccid: CC,
      state: 'stopped',
      kind: 'process',
      pid: 0,
      incarnation: 0,
      restarts: 0,
      inFlight: 0,
      sinceMs: 1_000_000,
      refusedIds: [],
      failure: undefined,
      nextStartMs: undefined,
    })
    void daemon.directory.ensureReady(CC)
    daemon.comeUp(CC)
    expect(daemon.directory.status(CC)).to.deep.include({ state: 'ready', pid: 42, incarnation: 1, sinceMs: 1_000_004 })
  })

  it('is each change of state, until the listener leaves', async () => {
    const daemon = await runDirectory()
    const heard: StateChange[] = []
    const leave = daemon.directory.subscribe((change) => heard.push(change))
    daemon.add(CC)
    void daemon.directory.ensureReady(CC).catch(() => undefined)
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    leave()
    daemon.exit(CC)
    expect(heard).to.deep.equal([
      { ccid: CC, from: 'stopped', to: 'launching', incarnation: 1, failure: undefined },
      { ccid: CC, from: 'launching', to: 'awaitingRegister', incarnation: 1, failure: undefined },
    ])
  })

  it('are the ids that others registered under while it was awaited: five, and anew with each launch', async () => {
    const daemon = await runDirectory()
    daemon.add(CC)
    daemon.directory.noteRefusal('early:1')
    const waiting = failureOf(daemon.directory.ensureReady(CC))
    daemon.supervisor.process(CC).tell({ type: 'SPAWNED', pid: 42 })
    for (let i = 1; i <= 7; i++) daemon.connect().register(`stranger:${i}`)
    expect(daemon.directory.status(CC)?.refusedIds).to.deep.equal([1, 2, 3, 4, 5].map((i) => `stranger:${i}`))
    daemon.exit(CC)
    expect((await waiting).message).to.contain("; meanwhile refused a registration as 'stranger:1', 'stranger:2'")
    void daemon.directory.ensureReady(CC)
    expect(daemon.directory.status(CC)?.refusedIds).to.deep.equal([])
  })
})
