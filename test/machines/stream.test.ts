import { expect } from 'chai'
import { SimulatedClock, createActor } from 'xstate'
import { type StreamClosure, type StreamEvent, type StreamReport, streamMachine } from '../../machines/index.js'
import { REGISTER_TIMEOUT_MS, register, runStream, wayTo } from './run-stream.js'
import { listener } from './scripted.js'

describe('the stream chart', () => {
  it('asks on REGISTER, greets when it is accepted, and is ready when READY was written', () => {
    const stream = runStream()
    expect(stream.state).to.equal('created')
    stream.send(register)
    expect(stream.log).to.have.length(1)
    expect(stream.log[0]).to.include({ type: 'REGISTER', ccid: 'kv:1.0', streamId: 7, stream: stream.actor })
    stream.send({ type: 'ACCEPT' })
    expect(stream.log.slice(1)).to.deep.equal([{ type: 'GREET' }])
    expect(stream.state).to.equal('established')
    stream.send({ type: 'READY_WRITTEN' })
    expect(stream.log.slice(2)).to.deep.equal([{ type: 'STREAM_READY', ccid: 'kv:1.0', streamId: 7 }])
    expect(stream.state).to.equal('ready')
  })

  it('asks who it is before it asks for a place, and takes no other message meanwhile', () => {
    const stream = runStream(0, undefined, false)
    stream.send(register)
    expect(stream.state).to.equal('authorizing')
    stream.send({ type: 'ACCEPT' }, register)
    expect(stream.state).to.equal('authorizing')
    expect(stream.log).to.deep.equal([{ type: 'AUTHORIZE', ccid: 'kv:1.0' }])
    stream.send({ type: 'AUTHORIZED' })
    expect(stream.state).to.equal('deciding')
    expect(stream.types).to.deep.equal(['AUTHORIZE', 'REGISTER'])
  })

  it('ends when nobody can say in time who it is', () => {
    const stream = runStream(0, undefined, false)
    stream.send(register)
    stream.clock.increment(REGISTER_TIMEOUT_MS)
    expect(stream.state).to.equal('closed')
    expect(stream.log[1]).to.deep.include({ closure: { kind: 'registerTimeout', afterMs: REGISTER_TIMEOUT_MS } })
  })

  it('ends when it is not who it says, and asks nobody for a place [R-11]', () => {
    const stream = runStream(0, undefined, false)
    stream.send(register, { type: 'UNAUTHORIZED', text: 'an outsider' })
    expect(stream.state).to.equal('closed')
    expect(stream.log[1]).to.deep.include({ type: 'CLOSED', closure: { kind: 'unauthorized', text: 'an outsider' } })
    expect(stream.types).to.not.include('REGISTER')
  })

  it('is not ready before READY was written, however long that takes [R-47]', () => {
    const stream = runStream()
    stream.send(register, { type: 'ACCEPT' })
    stream.clock.increment(1_000_000)
    expect(stream.state).to.equal('established')
    expect(stream.types).to.deep.equal(['REGISTER', 'GREET'])
  })

  it('is ready already when it says so, so that whoever hears it can run a transaction at once', () => {
    const seen: unknown[] = []
    const supervisor = listener<StreamReport>(({ type }) => {
      if (type === 'STREAM_READY') seen.push(actor.getSnapshot().value)
    })
    const actor = createActor(streamMachine, {
      input: { streamId: 7, supervisor: supervisor.ref, registerTimeoutMs: REGISTER_TIMEOUT_MS, keepaliveMs: 0 },
      clock: new SimulatedClock(),
    }).start()
    for (const event of wayTo['ready']!) actor.send(event)
    expect(seen).to.deep.equal(['ready'])
  })

  const closures: {
    name: string
    /** The scenario, for the last of the states. */
    id?: string
    states: string[]
    event: StreamEvent
    closure: StreamClosure
    message: string
  }[] = [
    {
      name: 'an end',
      states: ['created', 'deciding', 'established', 'ready'],
      event: { type: 'ENDED', message: 'read ECONNRESET' },
      closure: { kind: 'ended', message: 'read ECONNRESET' },
      message: 'read ECONNRESET',
    },
    {
      name: 'a clean end',
      states: ['ready'],
      event: { type: 'ENDED', message: '' },
      closure: { kind: 'ended', message: '' },
      message: '',
    },
    {
      name: 'a message that is not allowed',
      id: 'R-44',
      states: ['created', 'deciding', 'established', 'ready'],
      event: { type: 'VIOLATION', text: 'cannot handle message (REGISTER) while in ready state' },
      closure: { kind: 'violation', text: 'cannot handle message (REGISTER) while in ready state' },
      message: 'cannot handle message (REGISTER) while in ready state',
    },
    {
      name: 'a close by the program',
      states: ['created', 'deciding', 'established', 'ready'],
      event: { type: 'CLOSE' },
      closure: { kind: 'closed' },
      message: '',
    },
    {
      name: 'a refusal',
      states: ['deciding'],
      event: { type: 'REJECT', refusal: 'duplicate' },
      closure: { kind: 'refused', refusal: 'duplicate' },
      message: '',
    },
    {
      name: 'an undecodable REGISTER',
      id: 'R-14',
      states: ['created'],
      event: { type: 'REGISTER_UNDECODABLE', detail: 'unexpected EOF' },
      closure: { kind: 'undecodable', detail: 'unexpected EOF' },
      message: '',
    },
    {
      name: 'a REGISTER with an empty name',
      id: 'R-15',
      states: ['created'],
      event: { type: 'REGISTER_RECEIVED', ccid: '' },
      closure: { kind: 'emptyName' },
      message: '',
    },
  ]
  for (const { name, id, states, event, closure, message } of closures)
    for (const state of states) {
      const scenario = id && state === states.at(-1) ? ` [${id}]` : ''
      it(`is closed by ${name} in ${state}, and tells its transport first and its chaincode then${scenario}`, () => {
        const stream = runStream()
        stream.send(...wayTo[state]!)
        const before = stream.log.length
        stream.send(event)
        const ccid = state === 'created' ? '' : 'kv:1.0'
        expect(stream.log.slice(before)).to.deep.equal([
          { type: 'CLOSED', closure, ccid },
          { type: 'STREAM_ENDED', ccid, streamId: 7, message },
        ])
        expect(stream.actor.getSnapshot().status).to.equal('done')
      })
    }

  it('never asks for a stream without a name', () => {
    const stream = runStream()
    stream.send({ type: 'REGISTER_RECEIVED', ccid: '' })
    expect(stream.types).to.deep.equal(['CLOSED', 'STREAM_ENDED'])
  })

  it('takes no other name than the one that was dialled for, and says both', () => {
    const stream = runStream(0, 'kv:1.0')
    stream.send({ type: 'REGISTER_RECEIVED', ccid: 'another:1.0' })
    expect(stream.log).to.deep.equal([
      {
        type: 'CLOSED',
        closure: { kind: 'refused', refusal: 'unexpected', expected: 'kv:1.0' },
        ccid: 'another:1.0',
      },
      { type: 'STREAM_ENDED', ccid: 'another:1.0', streamId: 7, message: '' },
    ])
    const right = runStream(0, 'kv:1.0')
    right.send(register)
    expect(right.state).to.equal('deciding')
    const empty = runStream(0, 'kv:1.0')
    empty.send({ type: 'REGISTER_RECEIVED', ccid: '' })
    expect(empty.log[0]).to.deep.include({ closure: { kind: 'emptyName' } })
  })

  it('is closed when REGISTER does not come in time', () => {
    const stream = runStream()
    stream.clock.increment(REGISTER_TIMEOUT_MS - 1)
    expect(stream.state).to.equal('created')
    stream.clock.increment(1)
    expect(stream.log).to.deep.equal([
      { type: 'CLOSED', closure: { kind: 'registerTimeout', afterMs: REGISTER_TIMEOUT_MS }, ccid: '' },
      { type: 'STREAM_ENDED', ccid: '', streamId: 7, message: '' },
    ])
  })

  it('is not closed by that delay once REGISTER came', () => {
    const stream = runStream()
    stream.clock.increment(REGISTER_TIMEOUT_MS - 1)
    stream.send(register)
    stream.clock.increment(1_000_000)
    expect(stream.state).to.equal('deciding')
  })

  it('is closed, and was never ready, when READY cannot be written [R-13, R-45, FAB-11487]', () => {
    const stream = runStream()
    stream.send(...wayTo['established']!, { type: 'ENDED', message: 'write EPIPE' }, { type: 'READY_WRITTEN' })
    expect(stream.types).to.deep.equal(['REGISTER', 'GREET', 'CLOSED', 'STREAM_ENDED'])
    expect(stream.log.at(-1)).to.include({ message: 'write EPIPE' })
  })

  it('is closed, and never taken for ready, when the chaincode itself sends READY [R-53]', () => {
    const stream = runStream()
    stream.send(...wayTo['established']!, { type: 'VIOLATION', text: 'invalid state established' })
    expect(stream.types).to.deep.equal(['REGISTER', 'GREET', 'CLOSED', 'STREAM_ENDED'])
  })

  it('ignores an answer that comes in a state that did not ask', () => {
    for (const [state, events] of Object.entries(wayTo)) {
      const stream = runStream()
      stream.send(...events)
      const before = stream.log.length
      if (state !== 'deciding') stream.send({ type: 'ACCEPT' }, { type: 'REJECT', refusal: 'external' })
      if (state !== 'established') stream.send({ type: 'READY_WRITTEN' })
      expect([stream.state, stream.log.length], state).to.deep.equal([state, before])
    }
  })

  it('says nothing more once it is closed, whatever comes', () => {
    const stream = runStream(10)
    stream.send(...wayTo['ready']!, { type: 'ENDED', message: 'first' })
    const said = [...stream.log]
    expect(said.at(-1)).to.include({ type: 'STREAM_ENDED', message: 'first' })
    stream.send(
      { type: 'ENDED', message: 'second' },
      { type: 'CLOSE' },
      { type: 'VIOLATION', text: 'late' },
      { type: 'REJECT', refusal: 'duplicate' },
      register,
      { type: 'ACCEPT' },
      { type: 'READY_WRITTEN' },
    )
    stream.clock.increment(1_000_000)
    expect(stream.log).to.deep.equal(said)
    expect(stream.actor.getSnapshot().context.closure).to.deep.equal({ kind: 'ended', message: 'first' })
  })
})
