import { expect } from 'chai'
import { type ActorRefFrom, type AnyEventObject, SimulatedClock, createActor, fromCallback, setup } from 'xstate'
import { type BuildEvent, buildMachine, processMachine } from '../../machines/index.js'
import { scriptedProcesses } from './scripted.js'

const BUILD_TIMEOUT_MS = 1000

/** Runs a build chart under a parent that keeps what it is told. */
function run(throws = false) {
  const clock = new SimulatedClock()
  const processes = scriptedProcesses()
  const reports: AnyEventObject[] = []
  let tell: (event: BuildEvent) => void = () => undefined
  const asked: string[] = []
  const builder = fromCallback<{ type: 'CANCEL' }, { ccid: string; incarnation: number }>(
    ({ input, sendBack, receive }) => {
      if (throws) throw new Error('a defect')
      asked.push(`build ${input.ccid} ${input.incarnation}`)
      tell = sendBack
      receive(({ type }) => void asked.push(type))
      return () => void asked.push('released')
    },
  )
  const process = processMachine.provide({ actors: { process: processes.logic } })
  const parent = setup({
    actors: { runtime: buildMachine.provide({ actors: { builder, process } }) },
  }).createMachine({
    invoke: {
      id: 'runtime',
      src: 'runtime',
      input: { incarnation: 3, ccid: 'kv:1.0', termGraceMs: 50, killGraceMs: 20, buildTimeoutMs: BUILD_TIMEOUT_MS },
    },
    on: { '*': { actions: ({ event }) => void reports.push(event) } },
  })
  const actor = createActor(parent, { clock }).start()
  const runtime = actor.getSnapshot().children['runtime'] as ActorRefFrom<typeof buildMachine>
  return {
    clock,
    processes,
    reports,
    asked,
    runtime,
    get types() {
      return reports.map(({ type }) => type)
    },
    get status() {
      return runtime.getSnapshot().status
    },
    tell: (event: BuildEvent) => tell(event),
    stop: () => runtime.send({ type: 'STOP' }),
  }
}

const failure: BuildEvent = { type: 'BUILD_FAILED', message: 'go build exited with 1', lastWords: ['undefined: x'] }

describe('the build chart', () => {
  it('starts the process at once where nothing has to be built, and says nothing of a build', () => {
    const chart = run()
    expect(chart.asked).to.deep.equal(['build kv:1.0 3'])
    chart.tell({ type: 'BUILT' })
    expect(chart.processes.last).to.include({ ccid: 'kv:1.0', incarnation: 3 })
    chart.processes.last.tell({ type: 'SPAWNED', pid: 42 })
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_STARTED', incarnation: 3, pid: 42 }])
  })

  it('reports a build, and starts no process before it is done', () => {
    const chart = run()
    chart.tell({ type: 'BUILD_BEGUN' })
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_BUILDING', incarnation: 3 }])
    expect(chart.processes.started).to.deep.equal([])
    chart.tell({ type: 'BUILT' })
    expect(chart.processes.started).to.have.length(1)
    chart.clock.increment(BUILD_TIMEOUT_MS)
    expect(chart.asked, 'the time of a build that is done does not run on').to.not.include('CANCEL')
  })

  it('passes on all that the process chart says, and a stop to it', () => {
    const chart = run()
    chart.tell({ type: 'BUILT' })
    const process = chart.processes.last
    process.tell({ type: 'SPAWNED', pid: 42 })
    chart.stop()
    expect(process.signals).to.deep.equal(['SIGTERM'])
    chart.clock.increment(50)
    chart.clock.increment(20)
    process.tell({ type: 'EXITED', exitCode: null, signal: 'SIGKILL', lastWords: [] })
    process.tell({ type: 'GROUP_GONE' })
    expect(chart.types).to.deep.equal([
      'RUNTIME_STARTED',
      'RUNTIME_STUCK',
      'RUNTIME_EXITED',
      'RUNTIME_STOPPED',
      'xstate.done.actor.runtime',
    ])
  })

  it('reports a program that could not be started', () => {
    const chart = run()
    chart.tell({ type: 'BUILT' })
    chart.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'ENOENT', message: 'no such program' })
    expect(chart.types.slice(0, 2)).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED'])
    expect(chart.status).to.equal('done')
  })

  for (const begun of [true, false])
    it(`reports a build that failed ${begun ? 'after' : 'before'} it began, with its last words`, () => {
      const chart = run()
      if (begun) chart.tell({ type: 'BUILD_BEGUN' })
      chart.tell({ ...failure, hint: 'correct it' } as BuildEvent)
      const reports = chart.reports.filter(({ type }) => type !== 'RUNTIME_BUILDING')
      expect(reports[0]).to.deep.equal({
        ...failure,
        type: 'RUNTIME_FAILED',
        incarnation: 3,
        errno: 'BUILD_FAILED',
        hint: 'correct it',
      })
      expect(reports[1]).to.deep.equal({ type: 'RUNTIME_STOPPED', incarnation: 3 })
      expect(chart.processes.started).to.deep.equal([])
    })

  it('waits for the end of a build that is stopped, and starts nothing even where it succeeds', () => {
    for (const begun of [true, false])
      for (const last of [{ type: 'BUILT' }, failure] as const) {
        const chart = run()
        if (begun) chart.tell({ type: 'BUILD_BEGUN' })
        chart.stop()
        expect(chart.asked.at(-1)).to.equal('CANCEL')
        expect(chart.status).to.equal('active')
        chart.tell(last)
        expect(chart.types.filter((type) => type !== 'RUNTIME_BUILDING')).to.deep.equal([
          'RUNTIME_STOPPED',
          'xstate.done.actor.runtime',
        ])
        expect(chart.processes.started).to.deep.equal([])
      }
  })

  it('ends a build that takes too long, and names the setting', () => {
    for (const last of [{ type: 'BUILT' }, failure] as const) {
      const chart = run()
      chart.tell({ type: 'BUILD_BEGUN' })
      chart.clock.increment(BUILD_TIMEOUT_MS - 1)
      expect(chart.asked.at(-1)).to.equal('build kv:1.0 3')
      chart.clock.increment(1)
      expect(chart.asked.at(-1)).to.equal('CANCEL')
      chart.tell(last)
      expect(chart.reports[1]).to.include({
        type: 'RUNTIME_FAILED',
        errno: 'BUILD_TIMEOUT',
        message: 'the build took longer than 1000 ms (chaincoded.buildTimeout)',
      })
    }
  })

  it('reports a build service that throws', () => {
    const chart = run(true)
    expect(chart.reports[0]).to.include({ type: 'RUNTIME_FAILED', message: 'the build service failed' })
    expect(chart.types[1]).to.equal('RUNTIME_STOPPED')
  })
})
