import { expect } from 'chai'
import { type ActorRefFrom, SimulatedClock, createActor, fromPromise, waitFor } from 'xstate'
import {
  chaincodeMachine,
  daemonMachine,
  processMachine,
  shardMachine,
  stateName,
  supervisorMachine,
} from '../../machines/index.js'
import { scriptedProcesses, settings } from './scripted.js'

const SHUTDOWN_MS = 500

/** One of the daemon's jobs, that ends when and how a test says. */
function scriptedJob(name: string, log: string[]) {
  let settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  const running = () => {
    if (!settle) throw new Error(`${name} was not begun`)
    return settle
  }
  return {
    logic: fromPromise<void>(
      () =>
        new Promise((resolve, reject) => {
          log.push(name)
          settle = { resolve, reject }
        }),
    ),
    succeed: () => running().resolve(),
    fail: (error: unknown) => running().reject(error),
  }
}

/** Runs a daemon chart over the real charts of supervisor, chaincode and process; its jobs and processes are scripted. */
function run(supervisor = supervisorMachine) {
  const clock = new SimulatedClock()
  const log: string[] = []
  const processes = scriptedProcesses(log)
  const [open, quiesce, close] = ['open', 'quiesce', 'close'].map((name) => scriptedJob(name, log))
  const runtime = processMachine.provide({ actors: { process: processes.logic } })
  const shard = shardMachine.provide({ actors: { chaincode: chaincodeMachine.provide({ actors: { runtime } }) } })
  const machine = daemonMachine.provide({
    actors: {
      supervisor: supervisor.provide({ actors: { shard } }),
      open: open!.logic,
      quiesce: quiesce!.logic,
      close: close!.logic,
    },
  })
  const actor = createActor(machine, {
    input: {
      supervisor: { acceptsUnsolicited: false, chaincodesLimit: 10, byHand: settings },
      shutdownTimeoutMs: SHUTDOWN_MS,
    },
    clock,
  })
  actor.start()
  const supervisorRef = actor.system.get('supervisor') as ActorRefFrom<typeof supervisorMachine>
  return {
    actor,
    clock,
    log,
    processes,
    supervisorRef,
    open: open!,
    quiesce: quiesce!,
    close: close!,
    get error() {
      return actor.getSnapshot().context.error
    },
    stop: () => actor.send({ type: 'STOP' }),
    /** Waits until the daemon is in a state, which its jobs bring it into. */
    reach: async (state: string) => {
      await waitFor(actor, ({ value }) => stateName(value) === state)
    },
    /** Adds a chaincode and brings its process to life. */
    launch: (ccid: string) => {
      supervisorRef.send({ type: 'ADD', chaincode: { ccid, ...settings } })
      supervisorRef.send({ type: 'ENSURE_READY', ccid, callerId: 1 })
      processes.last.tell({ type: 'SPAWNED', pid: 42 })
    },
    endProcess: () => {
      processes.last.tell({ type: 'EXITED', exitCode: 0, signal: null, lastWords: [] })
      processes.last.tell({ type: 'GROUP_GONE' })
    },
  }
}

/** A daemon that serves. */
const serving = async (supervisor?: typeof supervisorMachine) => {
  const daemon = run(supervisor)
  daemon.open.succeed()
  await daemon.reach('serving')
  return daemon
}

describe('the daemon chart', () => {
  it('serves when everything is open, and not before', async () => {
    const daemon = run()
    expect(stateName(daemon.actor.getSnapshot().value)).to.equal('opening')
    expect(daemon.log).to.deep.equal(['open'])
    daemon.open.succeed()
    await daemon.reach('serving')
    expect(daemon.log).to.deep.equal(['open'])
  })

  it('closes what was opened when its start fails, and ends with the error', async () => {
    const daemon = run()
    const error = new Error('port in use')
    daemon.open.fail(error)
    await daemon.reach('closing')
    expect(daemon.log).to.deep.equal(['open', 'close'])
    daemon.close.succeed()
    await daemon.reach('stopped')
    expect(daemon.actor.getSnapshot().status).to.equal('done')
    expect(daemon.error).to.equal(error)
  })

  it('ends with the error of its start, also when closing fails then', async () => {
    const daemon = run()
    const error = new Error('port in use')
    daemon.open.fail(error)
    await daemon.reach('closing')
    daemon.close.fail(new Error('cannot close'))
    await daemon.reach('stopped')
    expect(daemon.error).to.equal(error)
  })

  it('lets a start that is under way come to its end when a stop comes, and closes what was opened', async () => {
    const daemon = run()
    daemon.stop()
    expect(daemon.log).to.deep.equal(['open'])
    daemon.open.succeed()
    await daemon.reach('quiescing')
    daemon.quiesce.succeed()
    await daemon.reach('closing')
    daemon.close.succeed()
    await daemon.reach('stopped')
    expect(daemon.log).to.deep.equal(['open', 'quiesce', 'close'])
    expect(daemon.error).to.equal(undefined)
  })

  it('ends with the error when a start fails that was to be stopped', async () => {
    const daemon = run()
    const error = new Error('ledger locked')
    daemon.stop()
    daemon.open.fail(error)
    await daemon.reach('closing')
    daemon.close.succeed()
    await daemon.reach('stopped')
    expect(daemon.log).to.deep.equal(['open', 'close'])
    expect(daemon.error).to.equal(error)
  })

  it('lets transactions end, stops the chaincodes then, and closes last [R-50]', async () => {
    const daemon = await serving()
    daemon.launch('kv:1.0')
    daemon.log.length = 0
    daemon.stop()
    expect(daemon.log).to.deep.equal(['quiesce'])
    daemon.quiesce.succeed()
    await daemon.reach('stoppingChaincodes')
    expect(daemon.log).to.deep.equal(['quiesce', 'SIGTERM'])
    daemon.endProcess()
    await daemon.reach('closing')
    expect(daemon.log).to.deep.equal(['quiesce', 'SIGTERM', 'close'])
    daemon.close.succeed()
    await daemon.reach('stopped')
    expect(daemon.error).to.equal(undefined)
  })

  it('stops the chaincodes also when the end of the transactions cannot be awaited', async () => {
    const daemon = await serving()
    daemon.launch('kv:1.0')
    daemon.stop()
    daemon.quiesce.fail(new Error('defect'))
    await daemon.reach('stoppingChaincodes')
    expect(daemon.log.at(-1)).to.equal('SIGTERM')
  })

  for (const state of ['quiescing', 'stoppingChaincodes'])
    it(`closes when the time for its shutdown is over in ${state} [R-50]`, async () => {
      const daemon = await serving()
      daemon.launch('kv:1.0')
      daemon.stop()
      daemon.clock.increment(SHUTDOWN_MS - 1)
      if (state === 'stoppingChaincodes') daemon.quiesce.succeed()
      await daemon.reach(state)
      expect(daemon.log).to.not.include('close')
      daemon.clock.increment(1)
      expect(daemon.log.at(-1)).to.equal('close')
      daemon.close.succeed()
      await daemon.reach('stopped')
      expect(daemon.error).to.equal(undefined)
    })

  it('takes a second stop for the same stop: its time is not prolonged', async () => {
    const daemon = await serving()
    daemon.stop()
    daemon.clock.increment(SHUTDOWN_MS - 1)
    daemon.stop()
    daemon.clock.increment(1)
    daemon.stop()
    expect(daemon.log).to.deep.equal(['open', 'quiesce', 'close'])
  })

  it('ends with the error when closing fails', async () => {
    const daemon = await serving()
    const error = new Error('ledger cannot be closed')
    daemon.stop()
    daemon.clock.increment(SHUTDOWN_MS)
    daemon.close.fail(error)
    await daemon.reach('stopped')
    expect(daemon.actor.getSnapshot().status).to.equal('done')
    expect(daemon.error).to.equal(error)
  })

  describe('with a supervisor whose chart throws', () => {
    const defect = new Error('defect')
    const throwing = supervisorMachine.provide({
      actions: {
        addChaincode: () => {
          throw defect
        },
      },
    })
    const provoke = (daemon: ReturnType<typeof run>) =>
      daemon.supervisorRef.send({ type: 'ADD', chaincode: { ccid: 'kv:1.0', ...settings } })

    it('closes, and ends with that error', async () => {
      const daemon = await serving(throwing)
      provoke(daemon)
      expect(daemon.log.at(-1)).to.equal('close')
      daemon.close.succeed()
      await daemon.reach('stopped')
      expect(daemon.error).to.equal(defect)
      expect(daemon.actor.getSnapshot().status).to.equal('done')
    })

    it('closes also when it was about to stop', async () => {
      const daemon = await serving(throwing)
      daemon.stop()
      provoke(daemon)
      expect(daemon.log).to.deep.equal(['open', 'quiesce', 'close'])
      daemon.close.succeed()
      await daemon.reach('stopped')
      expect(daemon.error).to.equal(defect)
    })
  })
})
