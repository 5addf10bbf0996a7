import type { VersionedRow } from './records.js'

/**
 * The newest committed value of a key, or that it has none. `blockNum` is the block that wrote it; for an absent key the
 * last block before which it may have been otherwise.
 */
export type CachedRow = VersionedRow | { readonly value: undefined; readonly blockNum: number }

/** About what an entry costs beside its key and value, in bytes. */
const ENTRY_BYTES = 200

/**
 * Newest committed values by store key, at most about `budgetBytes` of them. Two generations: what is used in the young
 * one survives when the old one is dropped.
 */
export class RowCache {
  private young = new Map<string, CachedRow>()
  private old = new Map<string, CachedRow>()
  private youngBytes = 0

  constructor(private readonly budgetBytes: number) {}

  /** The entry of `key`, if it is what a reader sees who knows the blocks before `height`. */
  get(key: string, height: number): CachedRow | undefined {
    let row = this.young.get(key)
    if (row === undefined) {
      row = this.old.get(key)
      if (row === undefined) return undefined
      this.set(key, row)
    }
    return row.blockNum < height ? row : undefined
  }

  /** Puts the newest committed value of `key` in. */
  set(key: string, row: CachedRow): void {
    const bytes = ENTRY_BYTES + 2 * key.length + (row.value?.length ?? 0)
    if (bytes > this.budgetBytes / 8) {
      this.young.delete(key)
      this.old.delete(key)
      return
    }
    this.young.set(key, row)
    this.youngBytes += bytes
    if (this.youngBytes * 2 <= this.budgetBytes) return
    this.old = this.young
    this.young = new Map()
    this.youngBytes = 0
  }
}
