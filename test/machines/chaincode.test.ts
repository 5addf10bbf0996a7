import { expect } from 'chai'
import { STARTING, arrive, arriveInBackoff, failed, runChaincode } from './run-chaincode.js'

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i)

describe('the chaincode chart, launching', () => {
  it('launches at the first call, and answers it when READY was sent', () => {
    const chaincode = runChaincode()
    expect(chaincode.state).to.equal('stopped')
    expect(chaincode.processes.started).to.have.length(0)
    chaincode.call(1)
    expect(chaincode.state).to.equal('launching')
    expect(chaincode.processes.last).to.include({ ccid: 'kv:1.0', incarnation: 1 })
    chaincode.spawned(42)
    expect(chaincode.state).to.equal('awaitingRegister')
    expect(chaincode.context.pid).to.equal(42)
    const stream = chaincode.register(7)
    expect(chaincode.state).to.equal('registered')
    expect(stream.heard).to.deep.equal([{ type: 'ACCEPT' }])
    expect(chaincode.said).to.deep.equal([])
    chaincode.ready(7)
    expect(chaincode.state).to.equal('ready')
    expect(chaincode.said).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
  })

  it('launches once for 100 callers, and answers each of them once [R-02, FAB-10804]', () => {
    const chaincode = runChaincode()
    chaincode.call(...numbers(100))
    chaincode.comeUp()
    expect(chaincode.processes.started).to.have.length(1)
    expect(chaincode.said).to.deep.equal(
      numbers(100).map((callerId) => ({ type: 'CALLER_READY', callerId, streamId: 7 })),
    )
    chaincode.stop()
    chaincode.exit(0)
    chaincode.gone()
    expect(chaincode.said.filter(({ callerId }) => callerId <= 100)).to.have.length(100)
  })

  it('has callers wait in each state of the start, and never takes registered for ready [R-01, PR#4932]', () => {
    const chaincode = runChaincode()
    chaincode.call(1)
    chaincode.call(2)
    chaincode.spawned()
    chaincode.call(3)
    const stream = chaincode.register()
    chaincode.call(4)
    expect(chaincode.said).to.deep.equal([])
    chaincode.ready()
    expect(chaincode.said.map(({ callerId }) => callerId)).to.deep.equal([1, 2, 3, 4])
    expect(stream.heard).to.deep.equal([{ type: 'ACCEPT' }])
  })

  it('answers a caller at once while it is up, whether it runs transactions or not', () => {
    const chaincode = runChaincode()
    arrive['running']!(chaincode)
    chaincode.call(2)
    expect(chaincode.state).to.equal('running')
    chaincode.send({ type: 'TX_ENDED', streamId: 7 })
    expect(chaincode.state).to.equal('ready')
    chaincode.call(3)
    expect(chaincode.said.map(({ type, callerId }) => [type, callerId])).to.deep.equal([
      ['CALLER_READY', 1],
      ['CALLER_READY', 2],
      ['CALLER_READY', 3],
    ])
  })

  it('spans the whole start by one delay', () => {
    const chaincode = runChaincode({ startupTimeoutMs: 300 })
    chaincode.call(1)
    chaincode.clock.increment(100)
    chaincode.spawned()
    chaincode.clock.increment(100)
    chaincode.register()
    chaincode.clock.increment(99)
    expect(chaincode.said).to.deep.equal([])
    chaincode.clock.increment(1)
    expect(chaincode.said).to.deep.equal([failed(1, { kind: 'startupTimeout', state: 'registered', afterMs: 300 })])
  })

  it('has no such delay once it is up', () => {
    const chaincode = runChaincode()
    arrive['ready']!(chaincode)
    chaincode.clock.increment(1_000_000)
    expect(chaincode.state).to.equal('ready')
  })

  it('gives each launch the whole delay', () => {
    const chaincode = runChaincode({ startupTimeoutMs: 300 })
    arrive['failed']!(chaincode)
    chaincode.clock.increment(299)
    chaincode.call(2)
    chaincode.clock.increment(299)
    expect(chaincode.state).to.equal('launching')
    chaincode.clock.increment(1)
    expect(chaincode.answers(2)).to.deep.equal([
      failed(2, { kind: 'startupTimeout', state: 'launching', afterMs: 300 }),
    ])
  })

  it('keeps on launching when the only caller goes, and tells that caller nothing [R-32]', () => {
    const chaincode = runChaincode()
    chaincode.call(1)
    chaincode.send({ type: 'CALLER_GONE', callerId: 1 })
    chaincode.comeUp()
    expect(chaincode.state).to.equal('ready')
    expect(chaincode.said).to.deep.equal([])
  })

  it('tells a caller that is gone nothing of a failure either, and the others all the same', () => {
    const chaincode = runChaincode()
    chaincode.call(1, 2, 3)
    chaincode.send({ type: 'CALLER_GONE', callerId: 2 })
    chaincode.clock.increment(300)
    expect(chaincode.said.map(({ callerId }) => callerId)).to.deep.equal([1, 3])
  })

  it('keeps the reason of a failed launch, and tries again at the next call [R-36, R-37]', () => {
    const chaincode = runChaincode()
    arrive['failed']!(chaincode)
    expect(chaincode.state).to.equal('failed')
    expect(chaincode.context.failure).to.include({ kind: 'runtimeFailed', state: 'launching', errno: 'ENOENT' })
    chaincode.call(2)
    expect(chaincode.context.failure).to.equal(undefined)
    chaincode.comeUp()
    expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 7 }])
  })

  it('stops what a launch started that failed, and starts again only when nothing of it is left [R-06]', () => {
    const chaincode = runChaincode()
    arrive['awaitingRegister']!(chaincode)
    chaincode.clock.increment(300)
    expect(chaincode.state).to.equal('stopping')
    expect(chaincode.processes.last.signals).to.deep.equal(['SIGTERM'])
    chaincode.call(2)
    chaincode.exit(null, 'SIGTERM')
    expect(chaincode.processes.started).to.have.length(1)
    chaincode.gone()
    expect(chaincode.processes.started).to.have.length(2)
    expect(chaincode.state).to.equal('launching')
    expect(chaincode.answers(2)).to.deep.equal([])
  })

  it('has a caller that calls again from within its failure wait for the next launch [archives#500]', () => {
    const chaincode = runChaincode()
    chaincode.actor.on('CALLER_FAILED', ({ callerId }) => chaincode.call(callerId + 1))
    arrive['awaitingRegister']!(chaincode)
    chaincode.exit(3)
    expect(chaincode.state).to.equal('stopping')
    chaincode.gone()
    expect(chaincode.state).to.equal('launching')
    chaincode.comeUp()
    expect(chaincode.log.filter((line) => line.startsWith('CALLER'))).to.deep.equal([
      'CALLER_FAILED 1',
      'CALLER_READY 2',
    ])
  })

  describe('with a limit of waiting callers', () => {
    const limit = 2
    const tooMany = (callerId: number) => failed(callerId, { kind: 'tooManyCallers', state: 'starting', limit })
    for (const state of [...STARTING, 'stopping', 'backoff'])
      it(`refuses one caller more than may wait in ${state}, and serves those who wait`, () => {
        const chaincode = runChaincode({
          waitingCallersLimit: limit,
          restart: state === 'backoff' ? 'permanent' : 'onDemand',
        })
        if (state === 'backoff') arriveInBackoff(chaincode)
        else arrive[state]!(chaincode)
        expect(chaincode.state).to.equal(state)
        const waiting = [...chaincode.context.callers]
        for (let callerId = 2; waiting.length < limit; callerId++) {
          chaincode.call(callerId)
          waiting.push(callerId)
        }
        const before = chaincode.said.length
        chaincode.call(8)
        expect(chaincode.said.slice(before)).to.deep.equal([tooMany(8)])
        chaincode.send({ type: 'CALLER_GONE', callerId: waiting[0]! })
        chaincode.call(9)
        expect(chaincode.said.slice(before)).to.deep.equal([tooMany(8)])
        expect(chaincode.context.callers).to.deep.equal([...waiting.slice(1), 9])
      })
  })

  describe('with whenStarting: reject', () => {
    for (const [state, registered] of [
      ['launching', false],
      ['awaitingRegister', true],
      ['registered', true],
    ] as const)
      it(`refuses a caller that comes in ${state}, and answers the one that launched it`, () => {
        const chaincode = runChaincode({ whenStarting: 'reject' })
        arrive[state]!(chaincode)
        chaincode.call(2)
        expect(chaincode.said).to.deep.equal([failed(2, { kind: 'premature', state, registered })])
        if (state === 'launching') chaincode.spawned()
        if (state !== 'registered') chaincode.register()
        chaincode.ready()
        expect(chaincode.said.slice(1)).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
        chaincode.call(3)
        expect(chaincode.answers(3)).to.deep.equal([{ type: 'CALLER_READY', callerId: 3, streamId: 7 }])
      })
  })
})
