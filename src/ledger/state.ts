import { decodeHistory, decodeState, type VersionedRow } from './records.js'
import type { ChannelKeys } from './keys.js'
import { PageCache, type RowChange } from './page-cache.js'
import { RowCache } from './row-cache.js'
import { RowCursor } from './row-cursor.js'
import type { Store, StoreSnapshot } from './store.js'
import type { HistoryRow, ResultsIterator } from './types.js'

/** What all channels of a store keep in memory of their newest state. */
export interface StateCaches {
  readonly rows: RowCache
  readonly pages: PageCache
}

/** Caches of about `bytes` together. */
export const stateCaches = (bytes: number): StateCaches => ({
  rows: new RowCache(bytes / 2),
  pages: new PageCache(bytes / 2),
})

/** The committed state of a channel before one height; counted, so that many readers share one snapshot. */
export class StateView {
  private references = 1

  constructor(
    private readonly state: ChannelState,
    /** Number of the blocks whose writes are seen. */
    readonly height: number,
    private readonly snapshot: StoreSnapshot,
  ) {}

  /** The committed row of a key, or undefined where it has none. Its bytes must not be changed. */
  get(namespace: string, key: string): VersionedRow | undefined {
    const { keys, caches, store } = this.state
    const storeKey = keys.namespace(namespace) + key
    const cached = caches.rows.get(storeKey, this.height)
    if (cached) return cached.value === undefined ? undefined : cached
    const bytes = store.get(storeKey, this.snapshot)
    const row = bytes && decodeState(namespace, key, bytes)
    if (this.isNewest) caches.rows.set(storeKey, row ?? { value: undefined, blockNum: this.height - 1 })
    return row
  }

  /** The rows from `startKey` to before `endKey` (empty: the end of the namespace), in byte order. */
  range(namespace: string, startKey: string, endKey: string): RowCursor {
    return new RowCursor(this.state, this, this.snapshot, namespace, startKey, endKey)
  }

  /** What was committed to a key, newest first. */
  history(namespace: string, key: string): ResultsIterator<HistoryRow> {
    const { store, keys } = this.state
    const cursor = store.cursor(keys.historyOf(namespace, key), { reverse: true, snapshot: this.snapshot })
    return {
      next: async (limit) => (await cursor.next(limit)).map(([, bytes]) => decodeHistory(bytes)),
      close: () => cursor.close(),
    }
  }

  /** Whether no block has been committed since. */
  get isNewest(): boolean {
    return this.state.newest === this
  }

  /** Counts one reader more. */
  retain(): this {
    this.references++
    return this
  }

  /** Counts one reader less; the last one lets the snapshot go. */
  release(): void {
    if (--this.references === 0) void this.snapshot.close()
  }
}

/**
 * The state of a channel. Whoever writes a block holds a view meanwhile; so no view is made while a block is being written,
 * its height and its snapshot always agree, and the caches, which go by height, never mix two moments.
 */
export class ChannelState {
  /** The view of everything committed, if somebody has asked for it since the last block. */
  newest: StateView | undefined

  constructor(
    readonly store: Store,
    readonly keys: ChannelKeys,
    readonly caches: StateCaches,
    private height: number,
  ) {}

  /** The state as it is now. The caller releases it. */
  view(): StateView {
    this.newest ??= new StateView(this, this.height, this.store.snapshot())
    return this.newest.retain()
  }

  /** To be called when block `blockNum` is written. */
  advance(blockNum: number, changes: readonly RowChange[]): void {
    for (const { prefix, key, row } of changes)
      this.caches.rows.set(prefix + key, row ?? { value: undefined, blockNum })
    this.caches.pages.apply(changes, blockNum)
    this.height = blockNum + 1
    this.newest?.release()
    this.newest = undefined
  }
}
