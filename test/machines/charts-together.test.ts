import { expect } from 'chai'
import { bringUp, endProcess, runSupervisor } from './run-supervisor.js'

const CCID = 'kv:1.0'

/** A supervisor with one chaincode, that has been called by caller 1 and whose process runs. */
const launched = () => {
  const supervisor = runSupervisor()
  supervisor.add(CCID)
  supervisor.call(CCID, 1)
  supervisor.process(CCID).tell({ type: 'SPAWNED', pid: 42 })
  return supervisor
}

const answered = (supervisor: ReturnType<typeof runSupervisor>) =>
  supervisor.answers.map(({ type, callerId }) => `${type} ${callerId}`)

describe('supervisor, chaincode, stream and process together', () => {
  it('let no caller through before READY was written, and greet once [R-01, R-47]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: CCID })
    supervisor.call(CCID, 2)
    expect(supervisor.log).to.deep.equal(['stream 7 GREET'])
    stream.send({ type: 'READY_WRITTEN' })
    expect(supervisor.log).to.deep.equal(['stream 7 GREET', 'CALLER_READY 1', 'CALLER_READY 2'])
  })

  it('tell the caller at once when READY cannot be written, and end the process [R-13, R-45]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: CCID }, { type: 'ENDED', message: 'write EPIPE' })
    expect(supervisor.answers).to.deep.equal([
      {
        type: 'CALLER_FAILED',
        callerId: 1,
        failure: { kind: 'streamEnded', state: 'registered', message: 'write EPIPE' },
      },
    ])
    expect(supervisor.process(CCID).signals).to.deep.equal(['SIGTERM'])
  })

  it('never take a chaincode for ready that sends READY itself [R-53]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: CCID }, { type: 'VIOLATION', text: 'invalid state established' })
    expect(answered(supervisor)).to.deep.equal(['CALLER_FAILED 1'])
    expect(supervisor.answers[0]).to.deep.include({
      failure: { kind: 'streamEnded', state: 'registered', message: 'invalid state established' },
    })
  })

  it('close a stream with an undecodable REGISTER, and tell the caller as soon as the process ends [R-14]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_UNDECODABLE', detail: 'unexpected EOF' })
    expect(stream.told.map(({ type }) => type)).to.deep.equal(['CLOSED'])
    supervisor.process(CCID).tell({ type: 'EXITED', exitCode: 2, signal: null, lastWords: [] })
    expect(supervisor.answers[0]).to.deep.include({ type: 'CALLER_FAILED', callerId: 1 })
    expect(supervisor.clock.now()).to.equal(0)
  })

  it('close a stream without a name, and deregister nobody [R-15]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: '' })
    expect(stream.told).to.deep.equal([{ type: 'CLOSED', closure: { kind: 'emptyName' }, ccid: '' }])
    expect(supervisor.state(CCID)).to.equal('awaitingRegister')
  })

  it('refuse a second registration, and its end leaves the first one unharmed [R-10, R-12]', () => {
    const supervisor = launched()
    const first = supervisor.open(7)
    first.send({ type: 'REGISTER_RECEIVED', ccid: CCID }, { type: 'READY_WRITTEN' })
    const second = supervisor.open(8)
    second.send({ type: 'REGISTER_RECEIVED', ccid: CCID })
    expect(second.told).to.deep.equal([
      { type: 'CLOSED', closure: { kind: 'refused', refusal: 'duplicate' }, ccid: CCID },
    ])
    expect(second.actor.getSnapshot().status).to.equal('done')
    expect(supervisor.state(CCID)).to.equal('ready')
    expect(first.actor.getSnapshot().value).to.equal('ready')
    supervisor.call(CCID, 2)
    expect(supervisor.answers.at(-1)).to.deep.equal({ type: 'CALLER_READY', callerId: 2, streamId: 7 })
  })

  it('do not let the late end of a former stream touch the one that came after it [R-09]', () => {
    const supervisor = runSupervisor()
    supervisor.add(CCID)
    bringUp(supervisor, CCID, 7).send({ type: 'ENDED', message: '' })
    endProcess(supervisor, CCID)
    const second = bringUp(supervisor, CCID, 8)
    supervisor.send({ type: 'STREAM_ENDED', ccid: CCID, streamId: 7, message: '' })
    expect(supervisor.state(CCID)).to.equal('ready')
    expect(second.told.map(({ type }) => type)).to.deep.equal(['GREET'])
    expect(supervisor.process(CCID).signals).to.deep.equal([])
  })

  it('close a stream that registers after the startup timeout, and leave no trace of it [R-03]', () => {
    const supervisor = launched()
    supervisor.clock.increment(300)
    const late = supervisor.open(7)
    late.send({ type: 'REGISTER_RECEIVED', ccid: CCID })
    expect(late.told).to.deep.equal([{ type: 'CLOSED', closure: { kind: 'refused', refusal: 'external' }, ccid: CCID }])
    endProcess(supervisor, CCID)
    expect(supervisor.state(CCID)).to.equal('failed')
    expect(supervisor.ref(CCID)?.getSnapshot().context.stream).to.equal(undefined)
    expect(answered(supervisor)).to.deep.equal(['CALLER_FAILED 1'])
  })

  it('end the transactions of a stream before the stop of its chaincode is acknowledged [R-17, R-52, FAB-16610]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: CCID }, { type: 'READY_WRITTEN' })
    supervisor.ref(CCID)?.send({ type: 'TX_STARTED', streamId: 7 })
    supervisor.log.length = 0
    supervisor.send({ type: 'STOP', ccid: CCID, callerId: 900 })
    expect(supervisor.log).to.deep.equal(['stream 7 CLOSED'])
    expect(stream.told.at(-1)).to.deep.include({ closure: { kind: 'closed' } })
    endProcess(supervisor, CCID)
    expect(supervisor.log).to.deep.equal(['stream 7 CLOSED', 'CALLER_STOPPED 900'])
  })

  it('close the stream of a process that died, so that its transactions end at once [R-16, R-17, R-34]', () => {
    const supervisor = launched()
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: CCID }, { type: 'READY_WRITTEN' })
    supervisor.process(CCID).tell({ type: 'EXITED', exitCode: null, signal: 'SIGKILL', lastWords: [] })
    expect(stream.told.at(-1)).to.deep.include({ type: 'CLOSED' })
    expect(stream.actor.getSnapshot().status).to.equal('done')
  })
})
