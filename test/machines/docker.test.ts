import { expect } from 'chai'
import { type ActorRefFrom, type AnyEventObject, SimulatedClock, createActor, fromCallback, setup } from 'xstate'
import { type ContainerCommand, type ContainerEvent, dockerMachine } from '../../machines/index.js'

const KILL_GRACE_MS = 50
const REMOVE_RETRY_MS = 10

/** Runs a Docker chart under a parent that keeps what it is told, with a container service that does as a test says. */
function run(start: () => void = () => undefined) {
  const clock = new SimulatedClock()
  const reports: AnyEventObject[] = []
  const commands: string[] = []
  let input: unknown
  let tell: (event: ContainerEvent) => void = () => undefined
  const container = fromCallback<ContainerCommand, { ccid: string; incarnation: number }>((actor) => {
    start()
    input = actor.input
    tell = actor.sendBack
    actor.receive(({ type }) => commands.push(type))
  })
  const parent = setup({ actors: { runtime: dockerMachine.provide({ actors: { container } }) } }).createMachine({
    invoke: {
      id: 'runtime',
      src: 'runtime',
      input: { incarnation: 3, ccid: 'kv:1.0', killGraceMs: KILL_GRACE_MS },
    },
    on: { '*': { actions: ({ event }) => void reports.push(event) } },
  })
  const actor = createActor(parent, { clock }).start()
  const runtime = actor.getSnapshot().children['runtime'] as ActorRefFrom<typeof dockerMachine>
  return {
    clock,
    reports,
    commands,
    get input() {
      return input
    },
    get types() {
      return reports.map(({ type }) => type)
    },
    tell: (...types: ('IMAGE_FOUND' | 'IMAGE_MISSING' | 'IMAGE_BUILT' | 'CREATED' | 'UPLOADED' | 'REMOVED')[]) =>
      types.forEach((type) => tell({ type })),
    say: (event: ContainerEvent) => tell(event),
    up: () => {
      for (const type of ['IMAGE_FOUND', 'CREATED', 'UPLOADED'] as const) tell({ type })
      tell({ type: 'STARTED', pid: 42 })
    },
    stop: () => runtime.send({ type: 'STOP' }),
  }
}

describe('The Docker chart', () => {
  it('takes one step after the other, and reports the container when it is started', () => {
    const chart = run()
    expect(chart.input).to.deep.equal({ ccid: 'kv:1.0', incarnation: 3 })
    chart.tell('IMAGE_MISSING', 'IMAGE_BUILT', 'CREATED', 'UPLOADED')
    expect(chart.commands).to.deep.equal(['FIND_IMAGE', 'BUILD_IMAGE', 'CREATE', 'UPLOAD', 'START'])
    expect(chart.reports).to.deep.equal([])
    chart.say({ type: 'STARTED', pid: 42 })
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_STARTED', incarnation: 3, pid: 42 }])
  })

  it('builds nothing where the image is there', () => {
    const chart = run()
    chart.tell('IMAGE_FOUND')
    expect(chart.commands).to.deep.equal(['FIND_IMAGE', 'CREATE'])
  })

  it("reports the container's end with what it wrote, removes it, and says when nothing of it is left", () => {
    const chart = run()
    chart.up()
    chart.say({ type: 'EXITED', exitCode: 3, lastWords: ['trouble'], output: ['a', 'trouble'] })
    expect(chart.reports.at(-1)).to.deep.equal({
      type: 'RUNTIME_EXITED',
      incarnation: 3,
      exitCode: 3,
      signal: null,
      lastWords: ['trouble'],
      output: ['a', 'trouble'],
    })
    expect(chart.commands.at(-1)).to.equal('REMOVE')
    chart.tell('REMOVED')
    expect(chart.types.slice(2)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  for (const [step, before] of [
    ['image', []],
    ['building', ['IMAGE_MISSING']],
    ['creating', ['IMAGE_FOUND']],
    ['uploading', ['IMAGE_FOUND', 'CREATED']],
    ['starting', ['IMAGE_FOUND', 'CREATED', 'UPLOADED']],
  ] as const) {
    it(`removes what there is when it is stopped in ${step}, and takes no further step`, () => {
      const chart = run()
      chart.tell(...before)
      chart.stop()
      expect(chart.commands.at(-1)).to.equal('REMOVE')
      chart.tell('IMAGE_FOUND', 'IMAGE_BUILT', 'CREATED', 'UPLOADED')
      chart.say({ type: 'STARTED', pid: 42 })
      expect(chart.commands.at(-1)).to.equal('REMOVE')
      chart.tell('REMOVED')
      expect(chart.types).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
    })

    it(`reports a failure of ${step} with its reason, that something is left, and then that nothing is`, () => {
      const chart = run()
      chart.tell(...before)
      const reason = { errno: 'NO_SPACE', message: 'the disk is full', hint: 'make room', lastWords: ['a'] }
      chart.say({ type: 'STEP_FAILED', ...reason })
      expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_FAILED', incarnation: 3, remains: true, ...reason }])
      expect(chart.commands.at(-1)).to.equal('REMOVE')
      chart.tell('REMOVED')
      expect(chart.types.slice(1)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
    })
  }

  it('reports a container that died just before it was to be removed with its own exit code', () => {
    const chart = run()
    chart.up()
    chart.stop()
    chart.say({ type: 'EXITED', exitCode: 3, lastWords: ['trouble'] })
    expect(chart.reports.at(-1)).to.include({ type: 'RUNTIME_EXITED', exitCode: 3, signal: null })
  })

  for (const exitCode of [137, 143])
    it(`reports the exit code ${exitCode} of a container that is being removed as our own signal`, () => {
      const chart = run()
      chart.up()
      chart.stop()
      chart.say({ type: 'EXITED', exitCode, lastWords: [] })
      expect(chart.reports.at(-1)).to.include({ type: 'RUNTIME_EXITED', exitCode: null, signal: 'SIGTERM' })
    })

  it('removes a running container when it is stopped, and reports its end', () => {
    const chart = run()
    chart.up()
    chart.stop()
    chart.stop()
    expect(chart.commands.filter((type) => type === 'REMOVE')).to.have.length(1)
    chart.say({ type: 'EXITED', exitCode: 143, lastWords: [] })
    chart.tell('REMOVED')
    expect(chart.types.slice(1)).to.deep.equal(['RUNTIME_EXITED', 'RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('reports that the engine went away, and asks it for the removal until it is back', () => {
    const chart = run()
    chart.up()
    chart.say({ type: 'ENGINE_LOST', message: 'the engine broke off', hint: 'look' })
    expect(chart.reports.at(-1)).to.deep.include({ type: 'RUNTIME_FAILED', errno: 'ENGINE_LOST', remains: true })
    expect(chart.reports.at(-1)).to.include({ message: 'the engine broke off', hint: 'look' })
    for (const attempts of [1, 2, 3]) {
      expect(chart.commands.filter((type) => type === 'REMOVE')).to.have.length(attempts)
      chart.say({ type: 'REMOVE_FAILED', message: 'no engine' })
      chart.clock.increment(REMOVE_RETRY_MS)
    }
    chart.tell('REMOVED')
    expect(chart.types.slice(-2)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('reports a container that is not removed within the grace, once, and goes on trying', () => {
    const chart = run()
    chart.up()
    chart.stop()
    for (let attempt = 0; attempt < 10; attempt++) {
      chart.say({ type: 'REMOVE_FAILED', message: 'no engine' })
      chart.clock.increment(REMOVE_RETRY_MS)
    }
    expect(chart.reports.slice(1)).to.deep.equal([{ type: 'RUNTIME_STUCK', incarnation: 3, pid: 42 }])
    chart.tell('REMOVED')
    expect(chart.types.slice(2)).to.deep.equal(['RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
  })

  it('reports a failure when the container service itself throws, and that nothing is left', () => {
    const chart = run(() => {
      throw new Error('defect')
    })
    expect(chart.types).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED', 'xstate.done.actor.runtime'])
    expect(chart.reports[0]).to.include({ errno: 'UNKNOWN' })
    expect(chart.reports[0]).to.not.have.property('remains')
  })
})
