import { expect } from 'chai'
import { type ActorRefFrom, type AnyEventObject, SimulatedClock, createActor, fromCallback, setup } from 'xstate'
import { type GroupSignal, processMachine } from '../../machines/index.js'
import { scriptedProcesses } from './scripted.js'

const TERM_GRACE_MS = 50
const KILL_GRACE_MS = 20

/** Runs a process chart under a parent that keeps what it is told. */
function run(logic?: ReturnType<typeof scriptedProcesses>['logic']) {
  const clock = new SimulatedClock()
  const processes = scriptedProcesses()
  const reports: AnyEventObject[] = []
  const parent = setup({
    actors: { runtime: processMachine.provide({ actors: { process: logic ?? processes.logic } }) },
  }).createMachine({
    invoke: {
      id: 'runtime',
      src: 'runtime',
      input: { incarnation: 3, ccid: 'kv:1.0', termGraceMs: TERM_GRACE_MS, killGraceMs: KILL_GRACE_MS },
    },
    on: { '*': { actions: ({ event }) => void reports.push(event) } },
  })
  const actor = createActor(parent, { clock }).start()
  const runtime = actor.getSnapshot().children['runtime'] as ActorRefFrom<typeof processMachine>
  return {
    clock,
    reports,
    get types() {
      return reports.map(({ type }) => type)
    },
    get state() {
      return runtime.getSnapshot().value
    },
    get status() {
      return runtime.getSnapshot().status
    },
    get process() {
      return processes.last
    },
    spawned: () => processes.last.tell({ type: 'SPAWNED', pid: 42 }),
    exited: (exitCode: number | null = 3, signal: string | null = null) =>
      processes.last.tell({ type: 'EXITED', exitCode, signal, lastWords: ['Error: no such module'] }),
    gone: () => processes.last.tell({ type: 'GROUP_GONE' }),
    stop: () => runtime.send({ type: 'STOP' }),
  }
}

const exitReport = {
  type: 'RUNTIME_EXITED',
  incarnation: 3,
  exitCode: 3,
  signal: null,
  lastWords: ['Error: no such module'],
}

describe('the process chart', () => {
  it('asks for the process of its chaincode and incarnation, and reports it with its pid', () => {
    const chart = run()
    expect(chart.process).to.include({ ccid: 'kv:1.0', incarnation: 3 })
    expect(chart.reports).to.deep.equal([])
    chart.spawned()
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_STARTED', incarnation: 3, pid: 42 }])
  })

  it('reports a failed spawn with the error of the system, and that nothing is left', () => {
    const chart = run()
    chart.process.tell({ type: 'SPAWN_FAILED', errno: 'ENOENT', message: 'no such program' })
    expect(chart.reports.slice(0, 2)).to.deep.equal([
      { type: 'RUNTIME_FAILED', incarnation: 3, errno: 'ENOENT', message: 'no such program' },
      { type: 'RUNTIME_STOPPED', incarnation: 3 },
    ])
    expect(chart.status).to.equal('done')
    expect(chart.process.signals).to.deep.equal([])
  })

  it('reports a failure when the process service itself throws', () => {
    const chart = run(
      fromCallback<{ type: 'SIGNAL'; signal: GroupSignal }, { ccid: string; incarnation: number }>(() => {
        throw new Error('defect')
      }),
    )
    expect(chart.types).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
    expect(chart.reports[0]).to.include({ incarnation: 3, errno: 'UNKNOWN' })
  })

  it('sends SIGTERM on stop, SIGKILL when the grace is over, and then reports that the group is stuck', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    chart.clock.increment(TERM_GRACE_MS - 1)
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    chart.clock.increment(1)
    expect(chart.process.signals).to.deep.equal(['SIGTERM', 'SIGKILL'])
    chart.clock.increment(KILL_GRACE_MS - 1)
    expect(chart.types).to.deep.equal(['RUNTIME_STARTED'])
    chart.clock.increment(1)
    expect(chart.reports.at(-1)).to.deep.equal({ type: 'RUNTIME_STUCK', incarnation: 3, pid: 42 })
    expect(chart.status).to.equal('active')
  })

  it('reports a group that goes late, after it was reported as stuck', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    chart.clock.increment(TERM_GRACE_MS)
    chart.clock.increment(KILL_GRACE_MS)
    chart.clock.increment(1_000_000)
    expect(chart.process.isOwned).to.equal(true)
    chart.exited(null, 'SIGKILL')
    chart.gone()
    expect(chart.types).to.deep.equal([
      'RUNTIME_STARTED',
      'RUNTIME_STUCK',
      'RUNTIME_EXITED',
      'RUNTIME_STOPPED',
      'xstate.done.actor.runtime',
    ])
  })

  it('sends no SIGKILL to a group that ends within the grace', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    chart.clock.increment(TERM_GRACE_MS - 1)
    chart.exited(null, 'SIGTERM')
    chart.gone()
    chart.clock.increment(1_000_000)
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    expect(chart.types.slice(1, 3)).to.deep.equal(['RUNTIME_EXITED', 'RUNTIME_STOPPED'])
  })

  it('reports an exit at once, with its facts, and that nothing is left only when the group is gone [R-33]', () => {
    const chart = run()
    chart.spawned()
    chart.exited()
    expect(chart.reports.slice(1)).to.deep.equal([exitReport])
    chart.gone()
    expect(chart.types.slice(2)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('passes on what the process wrote to both of its outputs, where the service tells it', () => {
    const chart = run()
    chart.spawned()
    chart.process.tell({ type: 'EXITED', exitCode: 3, signal: null, lastWords: ['b'], output: ['a', 'b'] })
    expect(chart.reports.at(-1)).to.deep.include({ type: 'RUNTIME_EXITED', lastWords: ['b'], output: ['a', 'b'] })
  })

  it('sweeps away the grandchildren that a process leaves behind when it ends by itself', () => {
    const chart = run()
    chart.spawned()
    expect(chart.process.signals).to.deep.equal([])
    chart.exited(0)
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    chart.clock.increment(TERM_GRACE_MS)
    expect(chart.process.signals).to.deep.equal(['SIGTERM', 'SIGKILL'])
    chart.clock.increment(KILL_GRACE_MS)
    expect(chart.types.slice(1)).to.deep.equal(['RUNTIME_EXITED', 'RUNTIME_STUCK'])
    chart.gone()
    expect(chart.types.slice(3)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('ends a process that comes into being after the stop, and never reports it as started', () => {
    const chart = run()
    chart.stop()
    expect(chart.process.signals).to.deep.equal([])
    chart.spawned()
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    chart.exited(null, 'SIGTERM')
    chart.gone()
    expect(chart.types).to.deep.equal(['RUNTIME_EXITED', 'RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('names the process that is stuck, also when the stop came before the process did', () => {
    const chart = run()
    chart.stop()
    chart.spawned()
    chart.clock.increment(TERM_GRACE_MS)
    chart.clock.increment(KILL_GRACE_MS)
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_STUCK', incarnation: 3, pid: 42 }])
  })

  it('reports a spawn that fails after the stop', () => {
    const chart = run()
    chart.stop()
    chart.process.tell({ type: 'SPAWN_FAILED', errno: 'EACCES', message: 'not executable' })
    expect(chart.types).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('reports the exit of a process that only SIGKILL has ended', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    chart.clock.increment(TERM_GRACE_MS)
    chart.exited(null, 'SIGKILL')
    chart.gone()
    expect(chart.types.slice(1, 3)).to.deep.equal(['RUNTIME_EXITED', 'RUNTIME_STOPPED'])
    expect(chart.reports[1]).to.include({ exitCode: null, signal: 'SIGKILL' })
  })

  it('takes a second stop for the same stop: one SIGTERM, and the grace is not prolonged', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    chart.clock.increment(TERM_GRACE_MS - 1)
    chart.stop()
    expect(chart.process.signals).to.deep.equal(['SIGTERM'])
    chart.clock.increment(1)
    expect(chart.process.signals).to.deep.equal(['SIGTERM', 'SIGKILL'])
    chart.stop()
    chart.clock.increment(KILL_GRACE_MS)
    chart.stop()
    expect(chart.process.signals).to.deep.equal(['SIGTERM', 'SIGKILL'])
  })

  it('keeps listening to its process until nothing of it is left, and not longer', () => {
    const chart = run()
    chart.spawned()
    chart.stop()
    chart.exited(0)
    chart.clock.increment(TERM_GRACE_MS)
    expect(chart.process.isOwned).to.equal(true)
    chart.gone()
    expect(chart.process.isOwned).to.equal(false)
  })
})
