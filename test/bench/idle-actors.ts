/** What idle chaincode actors cost: memory and time for many chaincodes under one supervisor. */
import { createActor, fromCallback } from 'xstate'
import { chaincodeMachine, shardMachine, shardOf, supervisorMachine } from '../../machines/index.js'

const settings = {
  kind: 'process' as const,
  runtime: { termGraceMs: 5000, killGraceMs: 5000 },
  startupTimeoutMs: 300_000,
  whenStarting: 'wait' as const,
  waitingCallersLimit: 1000,
  restart: 'onDemand' as const,
  restartIntensity: 5,
  restartPeriodMs: 60_000,
  backoffMs: 500,
  backoffLimitMs: 30_000,
}

/** Adds `count` chaincodes and measures what they take. */
export async function measureIdleActors(count: number) {
  const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined)
  const supervisor = createActor(
    supervisorMachine.provide({
      actors: {
        shard: shardMachine.provide({
          actors: {
            chaincode: chaincodeMachine.provide({ actors: { runtime: fromCallback(() => undefined) as never } }),
          },
        }),
      },
    }),
    { input: { acceptsUnsolicited: false, chaincodesLimit: count, byHand: settings } },
  )
  supervisor.start()
  collect()
  const before = process.memoryUsage()
  const startedAt = performance.now()
  for (let i = 0; i < count; i++)
    supervisor.send({ type: 'ADD', chaincode: { ...settings, ccid: `chaincode-${i}:1.0` } })
  const elapsedMs = performance.now() - startedAt
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  const after = process.memoryUsage()
  const { shards } = supervisor.getSnapshot().context
  const largest = Math.max(...Object.values(shards).map((shard) => shard.getSnapshot().context.members.size))
  const reachable = shards[shardOf('chaincode-0:1.0')]?.getSnapshot().children['chaincode-0:1.0'] !== undefined
  supervisor.stop()
  return {
    bench: 'idle chaincode actors',
    count,
    heapMiB: Number(((after.heapUsed - before.heapUsed) / 2 ** 20).toFixed(1)),
    rssMiB: Number(((after.rss - before.rss) / 2 ** 20).toFixed(1)),
    addMsEach: Number((elapsedMs / count).toFixed(4)),
    largestShard: largest,
    reachable,
  }
}
