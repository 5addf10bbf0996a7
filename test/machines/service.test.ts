import { expect } from 'chai'
import { type ActorRefFrom, type AnyEventObject, SimulatedClock, createActor, fromCallback, setup } from 'xstate'
import { type ServiceEvent, serviceMachine } from '../../machines/service.js'

/** Runs a service chart under a parent that keeps what it is told. */
function run() {
  const clock = new SimulatedClock()
  const reports: AnyEventObject[] = []
  const connection = {
    input: undefined as unknown,
    hangUps: 0,
    isOwned: true,
    tell: (_event: ServiceEvent): void => undefined,
  }
  const logic = fromCallback<{ type: 'HANG_UP' }, { ccid: string; incarnation: number }>(
    ({ input, sendBack, receive }) => {
      connection.input = input
      connection.tell = sendBack
      receive(() => void connection.hangUps++)
      return () => void (connection.isOwned = false)
    },
  )
  const parent = setup({
    actors: { runtime: serviceMachine.provide({ actors: { connection: logic } }) },
  }).createMachine({
    invoke: { id: 'runtime', src: 'runtime', input: { incarnation: 3, ccid: 'kv:1.0' } },
    on: { '*': { actions: ({ event }) => void reports.push(event) } },
  })
  const actor = createActor(parent, { clock }).start()
  const runtime = actor.getSnapshot().children['runtime'] as ActorRefFrom<typeof serviceMachine>
  return {
    clock,
    connection,
    reports,
    /** What its parent was told, without XState's own events. */
    get told() {
      return reports.map(({ type }) => type).filter((type) => !type.startsWith('xstate.'))
    },
    get state() {
      return runtime.getSnapshot().value
    },
    get status() {
      return runtime.getSnapshot().status
    },
    dialling: () => connection.tell({ type: 'DIALLING', address: 'cc:9999', dialTimeoutMs: 40 }),
    connected: () => connection.tell({ type: 'CONNECTED' }),
    stop: () => runtime.send({ type: 'STOP' }),
  }
}

describe('the service chart', () => {
  it('dials for its chaincode and incarnation, and reports the connection', () => {
    const chart = run()
    expect(chart.connection.input).to.deep.equal({ ccid: 'kv:1.0', incarnation: 3 })
    expect(chart.state).to.equal('checking')
    chart.dialling()
    expect(chart.state).to.equal('dialling')
    expect(chart.reports).to.deep.equal([])
    chart.connected()
    expect(chart.state).to.equal('connected')
    expect(chart.reports).to.deep.equal([{ type: 'RUNTIME_STARTED', incarnation: 3, pid: 0 }])
  })

  it('does not dial in time that reading its settings takes', () => {
    const chart = run()
    chart.clock.increment(1000)
    expect(chart.state).to.equal('checking')
  })

  it('stays connected longer than a dial may take', () => {
    const chart = run()
    chart.dialling()
    chart.connected()
    chart.clock.increment(1000)
    expect(chart.state).to.equal('connected')
  })

  for (const [name, prepare] of Object.entries({ checking: () => undefined, dialling: 'dialling' as const }))
    it(`reports a failed dial with its reason, and that nothing is left (${name})`, () => {
      const chart = run()
      if (prepare === 'dialling') chart.dialling()
      chart.connection.tell({ type: 'DIAL_FAILED', errno: 'ECONNREFUSED', message: 'connection refused' })
      expect(chart.reports.slice(0, 2)).to.deep.equal([
        { type: 'RUNTIME_FAILED', incarnation: 3, errno: 'ECONNREFUSED', message: 'connection refused' },
        { type: 'RUNTIME_STOPPED', incarnation: 3 },
      ])
      expect(chart.status).to.equal('done')
      expect(chart.connection.hangUps).to.equal(0)
    })

  it('gives up a dial that takes too long, says what it waited for, and waits until nothing is left of it', () => {
    const chart = run()
    chart.dialling()
    chart.connection.tell({ type: 'REACHED', awaited: 'the TLS handshake' })
    chart.clock.increment(39)
    expect(chart.state).to.equal('dialling')
    chart.clock.increment(1)
    expect(chart.state).to.equal('hangingUp')
    expect(chart.connection.hangUps).to.equal(1)
    expect(chart.reports).to.deep.equal([
      {
        type: 'RUNTIME_FAILED',
        incarnation: 3,
        errno: 'ETIMEDOUT',
        message: 'no connection to cc:9999 within 40 ms (awaited: the TLS handshake)',
      },
    ])
    chart.connection.tell({ type: 'DIAL_FAILED', errno: 'CANCELLED', message: '' })
    expect(chart.told).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED'])
  })

  it('does not report a connection that comes after the dial was given up (R-38)', () => {
    const chart = run()
    chart.dialling()
    chart.clock.increment(40)
    chart.connected()
    expect(chart.state).to.equal('hangingUp')
    expect(chart.told).to.deep.equal(['RUNTIME_FAILED'])
    chart.connection.tell({ type: 'DISCONNECTED', message: '' })
    expect(chart.status).to.equal('done')
    expect(chart.connection.isOwned).to.equal(false)
  })

  it('does not report a connection that comes after a stop (R-38)', () => {
    const chart = run()
    chart.dialling()
    chart.stop()
    chart.connected()
    expect(chart.state).to.equal('hangingUp')
    expect(chart.told).to.deep.equal([])
    chart.connection.tell({ type: 'DISCONNECTED', message: '' })
    expect(chart.told).to.deep.equal(['RUNTIME_STOPPED'])
  })

  for (const [state, steps] of Object.entries({
    checking: [],
    dialling: ['dialling'],
    connected: ['dialling', 'connected'],
  } as Record<string, ('dialling' | 'connected')[]>))
    it(`hangs up once when it is stopped in ${state}, and is gone when nothing is left`, () => {
      const chart = run()
      for (const step of steps) chart[step]()
      expect(chart.state).to.equal(state)
      chart.stop()
      chart.stop()
      expect(chart.connection.hangUps).to.equal(1)
      expect(chart.told).to.not.include('RUNTIME_STOPPED')
      chart.connection.tell({ type: 'DISCONNECTED', message: '' })
      expect(chart.told.at(-1)).to.equal('RUNTIME_STOPPED')
      expect(chart.told).to.not.include('RUNTIME_FAILED')
      expect(chart.status).to.equal('done')
    })

  it('reports a connection that the service ended, with what it said', () => {
    const chart = run()
    chart.dialling()
    chart.connected()
    chart.connection.tell({ type: 'DISCONNECTED', message: 'the connection was lost: read ECONNRESET' })
    expect(chart.reports.slice(1, 3)).to.deep.equal([
      {
        type: 'RUNTIME_FAILED',
        incarnation: 3,
        errno: 'DISCONNECTED',
        message: 'the connection was lost: read ECONNRESET',
      },
      { type: 'RUNTIME_STOPPED', incarnation: 3 },
    ])
  })

  it('reports a failure when the dial service itself throws', () => {
    const reports: AnyEventObject[] = []
    const connection = fromCallback<{ type: 'HANG_UP' }, { ccid: string; incarnation: number }>(() => {
      throw new Error('defect')
    })
    const parent = setup({
      actors: { runtime: serviceMachine.provide({ actors: { connection } }) },
    }).createMachine({
      invoke: { id: 'runtime', src: 'runtime', input: { incarnation: 3, ccid: 'kv:1.0' } },
      on: { '*': { actions: ({ event }) => void reports.push(event) } },
    })
    createActor(parent, { clock: new SimulatedClock() }).start()
    expect(reports.slice(0, 2).map(({ type }) => type)).to.deep.equal(['RUNTIME_FAILED', 'RUNTIME_STOPPED'])
  })
})
