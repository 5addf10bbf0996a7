import { expect } from 'chai'
import type { ChaincodeInput } from '../../machines/index.js'
import { type RunningChaincode, failed, runChaincode } from './run-chaincode.js'

/** Ends the process by itself, with nothing left of it. */
const crash = (chaincode: RunningChaincode, exitCode = 1) => {
  chaincode.exit(exitCode)
  chaincode.gone()
}

const up = (change: Partial<ChaincodeInput>) => {
  const chaincode = runChaincode(change)
  chaincode.call(1)
  chaincode.comeUp()
  return chaincode
}

/** Time that passes until it is launched again, ms. */
const delayOf = (chaincode: RunningChaincode): number => {
  expect(chaincode.state).to.equal('backoff')
  const launches = chaincode.processes.started.length
  let waitedMs = 0
  while (chaincode.processes.started.length === launches && waitedMs < 100_000) {
    chaincode.clock.increment(1)
    waitedMs++
  }
  return waitedMs
}

describe('the chaincode chart, restarting by itself', () => {
  const cases: { restart: ChaincodeInput['restart']; exitCode: number; then: string }[] = [
    { restart: 'onDemand', exitCode: 1, then: 'stopped' },
    { restart: 'onDemand', exitCode: 0, then: 'stopped' },
    { restart: 'transient', exitCode: 1, then: 'backoff' },
    { restart: 'transient', exitCode: 0, then: 'stopped' },
    { restart: 'permanent', exitCode: 1, then: 'backoff' },
    { restart: 'permanent', exitCode: 0, then: 'backoff' },
  ]
  for (const { restart, exitCode, then } of cases)
    it(`is in ${then} after it ended with ${exitCode} while up, where its restart is ${restart}`, () => {
      const chaincode = up({ restart })
      crash(chaincode, exitCode)
      expect(chaincode.state).to.equal(then)
      chaincode.clock.increment(100)
      expect(chaincode.processes.started).to.have.length(then === 'backoff' ? 2 : 1)
    })

  for (const restart of ['transient', 'permanent'] as const) {
    it(`is started again after a launch that failed, where its restart is ${restart}`, () => {
      const chaincode = runChaincode({ restart })
      chaincode.call(1)
      chaincode.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'EAGAIN', message: 'no resources' })
      expect(chaincode.answers(1)).to.have.length(1)
      expect(chaincode.state).to.equal('backoff')
      chaincode.clock.increment(100)
      expect(chaincode.state).to.equal('launching')
    })

    it(`stays stopped when somebody stopped it, where its restart is ${restart}`, () => {
      const chaincode = up({ restart })
      chaincode.stop()
      crash(chaincode)
      chaincode.clock.increment(1_000_000)
      expect(chaincode.state).to.equal('stopped')
    })

    it(`stays stopped when the stop came while its crash was being cleaned up, where its restart is ${restart}`, () => {
      const chaincode = up({ restart })
      chaincode.exit(1)
      chaincode.stop()
      chaincode.gone()
      chaincode.clock.increment(1_000_000)
      expect(chaincode.state).to.equal('stopped')
    })

    it(`stays stopped when its process was stuck at the stop, where its restart is ${restart}`, () => {
      for (const stopWhenStuck of [false, true]) {
        const chaincode = up({ restart })
        if (stopWhenStuck) chaincode.exit(1)
        else chaincode.stop()
        chaincode.clock.increment(50)
        chaincode.clock.increment(20)
        expect(chaincode.state).to.equal('stuck')
        if (stopWhenStuck) chaincode.stop()
        chaincode.gone()
        chaincode.clock.increment(1_000_000)
        expect(chaincode.state).to.equal('stopped')
      }
    })
  }

  it('waits twice as long before each further restart, up to the limit', () => {
    const chaincode = up({ restart: 'permanent', restartIntensity: 10, backoffMs: 100, backoffLimitMs: 350 })
    const delays: number[] = []
    for (let i = 0; i < 5; i++) {
      crash(chaincode)
      delays.push(delayOf(chaincode))
      chaincode.comeUp()
    }
    expect(delays).to.deep.equal([100, 200, 350, 350, 350])
  })

  it('begins anew with the shortest delay once it has been up for the period, and not before', () => {
    const chaincode = up({ restart: 'permanent', restartPeriodMs: 10_000, backoffMs: 100, backoffLimitMs: 10_000 })
    crash(chaincode)
    expect(delayOf(chaincode)).to.equal(100)
    chaincode.comeUp()
    chaincode.clock.increment(9_999)
    crash(chaincode)
    expect(delayOf(chaincode)).to.equal(200)
    chaincode.comeUp()
    chaincode.send({ type: 'TX_STARTED', streamId: 7 })
    chaincode.clock.increment(5_000)
    chaincode.send({ type: 'TX_ENDED', streamId: 7 })
    chaincode.clock.increment(5_000)
    crash(chaincode)
    expect(delayOf(chaincode)).to.equal(100)
  })

  it('stays failed after more restarts in a row than its intensity allows, and keeps the reason', () => {
    const chaincode = up({ restart: 'permanent', restartIntensity: 2 })
    for (let i = 0; i < 2; i++) {
      crash(chaincode)
      delayOf(chaincode)
      chaincode.comeUp()
    }
    crash(chaincode, 9)
    expect(chaincode.state).to.equal('failed')
    expect(chaincode.context.failure).to.include({ kind: 'runtimeExited', exitCode: 9, state: 'ready' })
    chaincode.clock.increment(1_000_000)
    expect(chaincode.processes.started).to.have.length(3)
  })

  it('has its restarts forgiven by a call that comes when it has failed', () => {
    const chaincode = up({ restart: 'permanent', restartIntensity: 1 })
    crash(chaincode)
    delayOf(chaincode)
    crashUnregistered(chaincode)
    expect(chaincode.state).to.equal('failed')
    chaincode.call(2)
    chaincode.comeUp()
    expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 7 }])
    crash(chaincode)
    expect(delayOf(chaincode)).to.equal(100)
  })

  it('has a caller wait during the delay and gives it the next launch, or that launch’s own error', () => {
    const chaincode = up({ restart: 'permanent' })
    crash(chaincode)
    chaincode.call(2)
    expect(chaincode.answers(2)).to.deep.equal([])
    delayOf(chaincode)
    chaincode.comeUp(8)
    expect(chaincode.answers(2)).to.deep.equal([{ type: 'CALLER_READY', callerId: 2, streamId: 8 }])
    crash(chaincode)
    chaincode.call(3)
    delayOf(chaincode)
    chaincode.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'ENOENT', message: 'no such program' })
    expect(chaincode.answers(3)).to.deep.equal([
      failed(3, { kind: 'runtimeFailed', state: 'launching', errno: 'ENOENT', message: 'no such program' }),
    ])
  })

  it('starts at once, without a delay, for a caller that waits already when its crash has been cleaned up', () => {
    const chaincode = up({ restart: 'permanent' })
    chaincode.exit(1)
    chaincode.call(2)
    chaincode.gone()
    expect(chaincode.state).to.equal('launching')
  })
})

function crashUnregistered(chaincode: RunningChaincode): void {
  chaincode.spawned()
  crash(chaincode)
}
