import { Block } from '../../proto/gen/common/common.js'
import { failure, messageOf } from '../errors.js'
import { headerHash } from './block.js'
import type { CutterLimits } from './block-cutter.js'
import { ChannelLedger } from './channel-ledger.js'
import { CHANNEL_PREFIX, ChannelKeys, endOf } from './keys.js'
import { decodeSavepoint, type Savepoint } from './records.js'
import { stateCaches, type StateCaches } from './state.js'
import { Store } from './store.js'
import type { EnvelopeValidator, Ledger, LedgerProvider } from './types.js'

/** How to open the ledgers of a daemon. */
export interface LedgerOptions extends Partial<CutterLimits> {
  /** Folder of the store; made where it is missing. */
  folder: string
  /** Judges every envelope before its reads are checked. */
  validate: EnvelopeValidator
  /** About how many bytes of newest state are kept in memory, for all channels together; default 64 MiB. */
  cacheBytes?: number
}

const MIB = 1024 * 1024

/** Defaults of Fabric's sample orderer, and a bound on what may wait. */
const DEFAULT_LIMITS: CutterLimits = { maxMessageCount: 500, preferredMaxBytes: 2 * MIB, maxWaiting: 10_000 }

const NO_BLOCKS: Savepoint = { height: 0, lastHash: Buffer.alloc(0), commitHash: Buffer.alloc(0) }

/** Fabric's rule for channel names. */
export const isChannelName = (channelId: string): boolean =>
  /^[a-z][a-z0-9.-]*$/.test(channelId) && channelId.length <= 249

/**
 * Opens the store in `options.folder` with all its channels. Reads one record and one block of each, whatever their size.
 * Rejects with LEDGER_LOCKED, LEDGER_UNREADABLE, LEDGER_CORRUPT or LEDGER_FOREIGN.
 */
export async function openLedgers(options: LedgerOptions): Promise<LedgerProvider> {
  const cacheBytes = options.cacheBytes ?? 64 * MIB
  const store = await Store.open(options.folder)
  const provider = new StoredLedgers(store, options, stateCaches(cacheBytes))
  try {
    await provider.load()
  } catch (error) {
    await store.close()
    throw error
  }
  return provider
}

class StoredLedgers implements LedgerProvider {
  private readonly ledgers = new Map<string, ChannelLedger>()
  private readonly opening = new Map<string, Promise<Ledger>>()
  private closing: Promise<void> | undefined

  constructor(
    private readonly store: Store,
    private readonly options: LedgerOptions,
    private readonly caches: StateCaches,
  ) {}

  /** Opens the channels that the store has. */
  async load(): Promise<void> {
    const cursor = this.store.cursor({ from: CHANNEL_PREFIX, to: endOf(CHANNEL_PREFIX) })
    try {
      for (let entries = await cursor.next(1); entries.length > 0; entries = await cursor.next(1)) {
        const [key, bytes] = entries[0]!
        const savepoint = decodeSavepoint(bytes)
        const channelId = key.slice(CHANNEL_PREFIX.length)
        this.checkLastBlock(channelId, savepoint)
        await this.add(channelId, savepoint)
      }
    } finally {
      cursor.close()
    }
  }

  async open(channelId: string): Promise<Ledger> {
    if (!isChannelName(channelId)) throw failure('CHANNEL_NAME_ILLEGAL', { channel: channelId })
    if (this.closing) throw failure('LEDGER_CLOSED', {})
    const known = this.ledgers.get(channelId) ?? this.opening.get(channelId)
    if (known) return known
    const creation = this.add(channelId, NO_BLOCKS).finally(() => this.opening.delete(channelId))
    this.opening.set(channelId, creation)
    return creation
  }

  get(channelId: string): Ledger | undefined {
    return this.ledgers.get(channelId)
  }

  channels(): string[] {
    return [...this.ledgers.keys()].sort()
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    await Promise.allSettled(this.opening.values())
    await Promise.all([...this.ledgers.values()].map((ledger) => ledger.close()))
    await this.store.close()
  }

  private async add(channelId: string, savepoint: Savepoint): Promise<Ledger> {
    const { options, store, caches } = this
    const ledger = await ChannelLedger.open({
      channelId,
      store,
      keys: new ChannelKeys(channelId),
      caches,
      validate: options.validate,
      limits: {
        maxMessageCount: options.maxMessageCount ?? DEFAULT_LIMITS.maxMessageCount,
        preferredMaxBytes: options.preferredMaxBytes ?? DEFAULT_LIMITS.preferredMaxBytes,
        maxWaiting: options.maxWaiting ?? DEFAULT_LIMITS.maxWaiting,
      },
      savepoint,
    })
    this.ledgers.set(channelId, ledger)
    return ledger
  }

  /** A cheap look whether the end of the chain is whole; `verify` looks at all of it. */
  private checkLastBlock(channelId: string, { height, lastHash }: Savepoint): void {
    const bytes = this.store.get(new ChannelKeys(channelId).block(height - 1))
    let detail: string | undefined
    try {
      const header = bytes && Block.decode(bytes).header
      if (!header || !headerHash(header).equals(lastHash)) detail = 'is missing, or has another hash than it had'
    } catch (error) {
      detail = `cannot be decoded: ${messageOf(error)}`
    }
    if (detail !== undefined)
      throw failure('LEDGER_CORRUPT', {
        folder: this.options.folder,
        detail: `channel ${channelId}: block ${height - 1} ${detail}`,
      })
  }
}
