/** Runs a ChaincodeSupport over a directory with the real charts; its ledgers are simulators of the test. */
import { ChaincodeSupport } from '../src/chaincode-support.js'
import type { Definition, Definitions } from '../src/definitions.js'
import { failure } from '../src/errors.js'
import type { Ledger, LedgerProvider } from '../src/ledger/types.js'
import type { Invocation } from '../src/protocol/types.js'
import { FakeSimulator } from './protocol/fake-simulator.js'
import { type DirectoryScript, runDirectory } from './run-directory.js'

/** How a chaincode of a test is defined; on channel `ch` unless others are named. */
export type Defined = Record<string, { channels?: string[]; initRequired?: boolean }>

/** Starts it with the chaincodes `defined`, each in version 1.0. */
export async function runSupport(defined: Defined, script: DirectoryScript = {}) {
  const directory = await runDirectory({
    ...script,
    request: { ...script.request, invokeChaincode: (caller, spec) => support.invokeChaincode(caller, spec) },
  })
  const lookUp = (channelId: string, name: string): Definition | undefined => {
    const chaincode = defined[name]
    if (!chaincode || !(chaincode.channels ?? ['ch']).includes(channelId)) return undefined
    const { initRequired = false } = chaincode
    return { channelId, name, version: '1.0', sequence: 1, ccid: `${name}:1.0`, initRequired }
  }
  /** Simulators that the ledgers of channels have given, by channel. */
  const simulators: { channelId: string; simulator: FakeSimulator }[] = []
  const channels = new Set(Object.values(defined).flatMap(({ channels: names = ['ch'] }) => names))
  const ledger = (channelId: string) =>
    ({
      newSimulator: (txId: string) => {
        const simulator = new FakeSimulator(txId)
        simulators.push({ channelId, simulator })
        return simulator
      },
    }) as unknown as Ledger
  const provider = {
    get: (channelId: string) => (channels.has(channelId) ? ledger(channelId) : undefined),
  } as unknown as LedgerProvider
  const support = new ChaincodeSupport({ get: lookUp } as unknown as Definitions, directory.directory, () => provider)
  for (const name of Object.keys(defined)) directory.add(`${name}:1.0`)
  return {
    ...directory,
    support,
    simulators,
    /** Brings a chaincode up, with a process. */
    up: (name: string) => {
      void directory.directory.ensureReady(`${name}:1.0`)
      return directory.comeUp(`${name}:1.0`)
    },
    execute: (invocation: Partial<Invocation> & { txId: string; chaincodeName: string }, signal?: AbortSignal) =>
      support.execute(
        {
          channelId: 'ch',
          input: Buffer.from('the input'),
          isInit: false,
          signedProposal: Buffer.from('the proposal'),
          simulator: new FakeSimulator(invocation.txId),
          ...invocation,
        },
        signal,
      ),
    /** From now on no channel's ledger can be had. */
    breakLedgers: () => {
      provider.get = () => {
        throw failure('LEDGER_CLOSED', {})
      }
    },
  }
}
