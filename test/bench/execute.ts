/** Drives transactions in-process against a real chaincode process over the real listener, and measures. */
import { readFileSync, readdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { ChaincodeInput } from '../../proto/gen/peer/chaincode.js'
import { InProcessClient } from '../../src/client.js'
import type { Daemon } from '../../src/daemon.js'
import { createEndorser } from '../../src/gateway/endorser.js'
import { loadSigningIdentity } from '../../src/gateway/signing-identity.js'
import type { Ledger } from '../../src/ledger/types.js'
import { silentLogger } from '../../src/log.js'

/** One row of the result. */
export interface Cell {
  chaincode: string
  function: string
  inFlight: number
  executesPerSecond: number
  p50Ms: number
  p99Ms: number
  daemonCpuUs: number
  chaincodeCpuUs: number
  rssMiB: number
}

/** What a cell runs. */
export interface CellOptions {
  chaincode: string
  args: string[]
  inFlight: number
  warmUpMs: number
  measureMs: number
}

const CHANNEL = 'mychannel'

/** CPU time of a process with all its threads, µs. */
export function cpuOfProcessUs(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000)
      .reduce((sum, us) => sum + us, 0)
  } catch {
    return Number.NaN
  }
}

const cpuOfDaemonUs = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

const percentile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** The client of a daemon in this process, for set-up. */
export function clientOf(daemon: Daemon): InProcessClient {
  const { ledgers, membership, signer, identities } = daemon.parts
  if (!ledgers || !membership || !signer || !identities) throw new Error('the daemon does not serve')
  const endorser = createEndorser({ ledgers, executor: daemon.executor, membership, signer, log: silentLogger() })
  return new InProcessClient(endorser, ledgers, loadSigningIdentity(identities.userMspFolders.User1, identities.mspId))
}

/** Runs one cell: `inFlight` loops, each with one transaction at a time. */
export async function runCell(daemon: Daemon, pid: number, options: CellOptions): Promise<Cell> {
  const { chaincode, args, inFlight, warmUpMs, measureMs } = options
  const ledger = daemon.parts.ledgers?.get(CHANNEL) as Ledger
  const input = Buffer.from(
    ChaincodeInput.encode({
      args: args.map((arg) => Buffer.from(arg)),
      decorations: new Map(),
      isInit: false,
    }).finish(),
  )
  const signedProposal = clientOf(daemon).propose({ channel: CHANNEL, chaincode, args }).marshalled
  const prefix = randomBytes(24).toString('hex')
  let next = 0
  const latencies: number[] = []
  let completed = 0
  let isMeasuring = false
  let isOver = false
  const loop = async () => {
    while (!isOver) {
      const txId = `${prefix}${String(next++).padStart(16, '0')}`
      const simulator = ledger.newSimulator(txId)
      const startedAt = performance.now()
      const { response } = await daemon.executor.execute({
        channelId: CHANNEL,
        txId,
        chaincodeName: chaincode,
        input,
        isInit: false,
        signedProposal,
        simulator,
      })
      simulator.done()
      if (response.status !== 200) throw new Error(`${args.join(' ')}: ${response.status} ${response.message}`)
      completed += 1
      if (isMeasuring) latencies.push(performance.now() - startedAt)
    }
  }
  const loops = Promise.all(Array.from({ length: inFlight }, loop))
  /** Waits for a time, and on until every loop has come round at least once. */
  const wait = async (ms: number) => {
    const before = completed
    const until = performance.now() + ms
    do await Promise.race([loops, new Promise((resolve) => setTimeout(resolve, Math.min(ms, 50)))])
    while (performance.now() < until || completed < before + inFlight)
  }
  await wait(warmUpMs)
  const [daemonBefore, chaincodeBefore, startedAt] = [cpuOfDaemonUs(), cpuOfProcessUs(pid), performance.now()]
  isMeasuring = true
  await wait(measureMs)
  isMeasuring = false
  const [daemonCpu, chaincodeCpu] = [cpuOfDaemonUs() - daemonBefore, cpuOfProcessUs(pid) - chaincodeBefore]
  const elapsedMs = performance.now() - startedAt
  const count = latencies.length
  isOver = true
  await loops
  latencies.sort((a, b) => a - b)
  return {
    chaincode,
    function: args.join(' '),
    inFlight,
    executesPerSecond: round((count / elapsedMs) * 1000, 1),
    p50Ms: round(percentile(latencies, 0.5), 3),
    p99Ms: round(percentile(latencies, 0.99), 3),
    daemonCpuUs: round(daemonCpu / count, 1),
    chaincodeCpuUs: round(chaincodeCpu / count, 1),
    rssMiB: round(process.memoryUsage.rss() / 2 ** 20, 1),
  }
}
