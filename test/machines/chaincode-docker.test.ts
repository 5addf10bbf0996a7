import { expect } from 'chai'
import { SimulatedClock, createActor, fromCallback } from 'xstate'
import {
  type ChaincodeEmitted,
  type ContainerCommand,
  type ContainerEvent,
  chaincodeMachine,
  dockerMachine,
  stateName,
} from '../../machines/index.js'
import { scriptedStream, settings } from './scripted.js'

const CCID = 'kv:1.0'

/** Runs a chaincode in a container, with the real Docker chart over a scripted container service. */
function run() {
  const clock = new SimulatedClock()
  const said: ChaincodeEmitted[] = []
  const sessions: { commands: string[]; tell: (event: ContainerEvent) => void }[] = []
  const container = fromCallback<ContainerCommand, { ccid: string; incarnation: number }>(({ sendBack, receive }) => {
    const session = { commands: [] as string[], tell: sendBack }
    sessions.push(session)
    receive(({ type }) => session.commands.push(type))
  })
  const machine = chaincodeMachine.provide({
    actors: { dockerRuntime: dockerMachine.provide({ actors: { container } }) },
  })
  const actor = createActor(machine, { input: { ccid: CCID, ...settings, kind: 'docker' }, clock })
  actor.on('*', (event) => void said.push(event))
  actor.start()
  return {
    clock,
    said,
    sessions,
    get state() {
      return stateName(actor.getSnapshot().value)
    },
    call: (callerId: number) => actor.send({ type: 'ENSURE_READY', callerId }),
    stop: (callerId: number) => actor.send({ type: 'STOP', callerId }),
    tell: (...events: ContainerEvent[]) => events.forEach((event) => sessions.at(-1)!.tell(event)),
    comeUp: () => {
      for (const type of ['IMAGE_FOUND', 'CREATED', 'UPLOADED'] as const) sessions.at(-1)!.tell({ type })
      sessions.at(-1)!.tell({ type: 'STARTED', pid: 42 })
      const stream = scriptedStream(7)
      actor.send({ type: 'REGISTER', ccid: CCID, streamId: 7, stream: stream.ref })
      actor.send({ type: 'STREAM_READY', ccid: CCID, streamId: 7 })
      return () => actor.send({ type: 'STREAM_ENDED', ccid: CCID, streamId: 7, message: '' })
    },
  }
}

describe('a chaincode in a container', () => {
  it('comes up through all steps of its container, and goes down with it', () => {
    const chart = run()
    chart.call(1)
    chart.comeUp()
    expect(chart.said).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
    chart.stop(2)
    expect(chart.sessions[0]?.commands.at(-1)).to.equal('REMOVE')
    expect(chart.state).to.equal('stopping')
    chart.tell({ type: 'EXITED', exitCode: 137, lastWords: [] }, { type: 'REMOVED' })
    expect(chart.state).to.equal('stopped')
    expect(chart.said.at(-1)).to.include({ type: 'CALLER_STOPPED', callerId: 2 })
  })

  it('tells its callers at once why a step failed, and stays stopping until what was made is removed', () => {
    const chart = run()
    chart.call(1)
    const why = { errno: 'BUILD_FAILED', message: 'the build failed', hint: 'mend it', lastWords: ['a', 'b'] }
    chart.tell({ type: 'IMAGE_MISSING' }, { type: 'STEP_FAILED', ...why })
    expect(chart.said).to.deep.equal([
      { type: 'CALLER_FAILED', callerId: 1, failure: { kind: 'runtimeFailed', state: 'launching', ...why } },
    ])
    expect(chart.state).to.equal('stopping')
    chart.tell({ type: 'REMOVED' })
    expect(chart.state).to.equal('failed')
  })

  it('starts anew for a call that came while the former container was being removed', () => {
    const chart = run()
    chart.call(1)
    chart.tell({ type: 'STEP_FAILED', errno: 'NO_SPACE', message: 'full' })
    chart.call(2)
    expect(chart.sessions).to.have.length(1)
    chart.tell({ type: 'REMOVED' })
    expect(chart.sessions).to.have.length(2)
    chart.comeUp()
    expect(chart.said.at(-1)).to.deep.equal({ type: 'CALLER_READY', callerId: 2, streamId: 7 })
  })

  it('is stuck while its engine is away, refuses calls, and can start again when the engine is back', () => {
    const chart = run()
    chart.call(1)
    const loseStream = chart.comeUp()
    loseStream()
    chart.tell({ type: 'ENGINE_LOST', message: 'the engine is gone' }, { type: 'REMOVE_FAILED', message: 'no engine' })
    chart.clock.increment(settings.runtime.killGraceMs)
    expect(chart.state).to.equal('stuck')
    chart.call(2)
    expect(chart.said.at(-1)).to.deep.include({ type: 'CALLER_FAILED', callerId: 2 })
    chart.tell({ type: 'REMOVED' })
    expect(chart.state).to.equal('stopped')
    chart.call(3)
    chart.comeUp()
    expect(chart.said.at(-1)).to.deep.include({ type: 'CALLER_READY', callerId: 3 })
  })
})
