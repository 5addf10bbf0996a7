import { failure } from '../errors.js'
import { BlockCutter, type CutterLimits } from './block-cutter.js'
import { BlockWriter } from './block-writer.js'
import { CommitWaiters } from './commit-waiters.js'
import type { ChannelKeys } from './keys.js'
import { decodeTransaction, type Savepoint } from './records.js'
import { SnapshotSimulator } from './simulator.js'
import { ChannelState, type StateCaches } from './state.js'
import type { Store } from './store.js'
import type { CommitStatus, EnvelopeValidator, Ledger, TxSimulator } from './types.js'
import { verifyChain } from './verify.js'

/** What a channel's ledger is made of. */
export interface ChannelParts {
  channelId: string
  store: Store
  keys: ChannelKeys
  caches: StateCaches
  validate: EnvelopeValidator
  limits: CutterLimits
  savepoint: Savepoint
}

/** The ledger of one channel: its chain, state, history and transaction index. */
export class ChannelLedger implements Ledger {
  readonly channelId: string
  private readonly store: Store
  private readonly keys: ChannelKeys
  private readonly state: ChannelState
  private readonly writer: BlockWriter
  private readonly cutter: BlockCutter<CommitStatus>
  private readonly waiters = new CommitWaiters()

  private constructor(parts: ChannelParts) {
    this.channelId = parts.channelId
    this.store = parts.store
    this.keys = parts.keys
    this.state = new ChannelState(parts.store, parts.keys, parts.caches, parts.savepoint.height)
    this.writer = new BlockWriter(parts.channelId, this.state, parts.validate, parts.savepoint, (txId, status) =>
      this.waiters.settle(txId, status),
    )
    this.cutter = new BlockCutter(parts.channelId, parts.limits, (envelopes) => this.writer.write(envelopes))
  }

  /** The ledger that goes on from `parts.savepoint`; writes the genesis block where there is no block yet. */
  static async open(parts: ChannelParts): Promise<ChannelLedger> {
    const ledger = new ChannelLedger(parts)
    if (parts.savepoint.height === 0) await ledger.writer.writeGenesis()
    return ledger
  }

  get height(): bigint {
    return BigInt(this.writer.height)
  }

  newSimulator(txId: string): TxSimulator {
    return new SnapshotSimulator(txId, this.state.view())
  }

  commit(envelope: Buffer): Promise<CommitStatus> {
    return this.cutter.add(envelope)
  }

  statusOf(txId: string): CommitStatus | undefined {
    const bytes = this.store.get(this.keys.transaction(txId))
    if (!bytes) return undefined
    const { code, blockNum } = decodeTransaction(bytes)
    return { code, blockNumber: BigInt(blockNum) }
  }

  whenCommitted(txId: string, signal?: AbortSignal): Promise<CommitStatus> {
    return this.waiters.wait(txId, () => this.statusOf(txId), signal)
  }

  async getBlock(number: bigint): Promise<Buffer | undefined> {
    return number >= 0n && number < this.height ? this.store.get(this.keys.block(Number(number))) : undefined
  }

  verify(): Promise<string[]> {
    return verifyChain(this.store, this.keys)
  }

  /** Takes no further transaction, waits for those that were taken, and turns away who waits for others. */
  async close(): Promise<void> {
    await this.cutter.close()
    this.waiters.close(failure('LEDGER_CLOSED', {}))
  }
}
