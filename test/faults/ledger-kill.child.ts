/**
 * Commits until it is killed. Arguments: the ledger's folder, and what its transaction ids begin with. It opens the ledger
 * when a line comes on stdin, and then tells each acknowledged transaction: lane, counter, transaction id, block.
 */
import { writeSync } from 'node:fs'
import { once } from 'node:events'
import { openLedgers } from '../../src/ledger/provider.js'
import { CHANNEL, envelopeOf, judge, NAMESPACE } from '../ledger/support.js'

const LANES = 4

const [folder, round] = process.argv.slice(2)
// Whoever started this is gone: so is the reason to run.
process.stdin.on('end', () => process.exit(1))
await once(process.stdin, 'data')

const provider = await openLedgers({ folder: folder!, validate: judge })
const ledger = await provider.open(CHANNEL)

/** Each transaction counts both keys of its lane up by one, and writes a key of its own. */
async function run(lane: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const txId = `${round}-${lane}-${turn}`
    const simulator = ledger.newSimulator(txId)
    const counter = Number(simulator.getState(NAMESPACE, `left${lane}`)?.toString() ?? 0) + 1
    const padding = 'x'.repeat((counter % 50) * 40)
    simulator.setState(NAMESPACE, `left${lane}`, Buffer.from(`${counter}`))
    simulator.setState(NAMESPACE, txId, Buffer.from(padding || '-'))
    simulator.setState(NAMESPACE, `right${lane}`, Buffer.from(`${counter}`))
    const results = simulator.getTxSimulationResults()
    simulator.done()
    const { code, blockNumber } = await ledger.commit(envelopeOf({ txId, results }))
    if (code !== 0) throw new Error(`${txId} got code ${code}`)
    writeSync(1, `${lane} ${counter} ${txId} ${blockNumber}\n`)
  }
}

await Promise.all(Array.from({ length: LANES }, (_, lane) => run(lane)))
