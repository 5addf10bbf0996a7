import { createHash } from 'node:crypto'
import { QueryReads, type KVRead, type RangeQueryInfo, type Version } from '../../proto/gen/ledger/kv-rwset.js'

/** Fabric's degree: more reads than this, and a range query is recorded as hashes. */
export const MERKLE_DEGREE = 50

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** The version as the messages carry it. */
export const versionOf = (row: { blockNum: number; txNum: number }): Version => ({
  blockNum: BigInt(row.blockNum),
  txNum: BigInt(row.txNum),
})

/**
 * Collects the reads of one range query: as they are up to `degree`, beyond that as the top level of a Merkle tree. A
 * leaf is the SHA-256 of the marshalled `kvrwset.QueryReads` of degree + 1 consecutive reads; degree + 1 nodes of a level
 * are hashed into one of the next. Its size does not grow with the number of reads.
 */
export class RangeReads {
  private pending: KVRead[] = []
  /** Nodes of each level, leaves first. */
  private levels: Buffer[][] = [[]]

  constructor(private readonly degree = MERKLE_DEGREE) {}

  /** Adds the next read, in key order. */
  add(row: { key: string; blockNum: number; txNum: number }): void {
    this.pending.push({ key: row.key, version: versionOf(row) })
    if (this.pending.length > this.degree) this.hashPending()
  }

  /** What is recorded of the reads so far; undefined when there are none. Nothing may be added afterwards. */
  finish(): RangeQueryInfo['readsInfo'] {
    if (this.levels.length === 1 && this.levels[0]!.length === 0)
      return this.pending.length === 0
        ? undefined
        : { $case: 'rawReads', rawReads: QueryReads.fromPartial({ kvReads: this.pending }) }
    if (this.pending.length > 0) this.hashPending()
    this.foldUp()
    return {
      $case: 'readsMerkleHashes',
      readsMerkleHashes: {
        maxDegree: this.degree,
        maxLevel: this.levels.length,
        maxLevelHashes: this.levels[this.levels.length - 1]!,
      },
    }
  }

  private hashPending(): void {
    this.levels[0]!.push(sha256(QueryReads.encode({ kvReads: this.pending }).finish()))
    this.pending = []
    for (let level = 0; this.levels[level]!.length > this.degree; level++) this.foldLevel(level)
  }

  /** Leaves nodes on the highest level only. */
  private foldUp(): void {
    for (let level = 0; level < this.levels.length - 1; level++) {
      const nodes = this.levels[level]!
      if (nodes.length === 1) {
        this.levels[level + 1]!.push(nodes[0]!)
        this.levels[level] = []
      } else if (nodes.length > 1) this.foldLevel(level)
    }
    const top = this.levels.length - 1
    if (this.levels[top]!.length > this.degree) this.foldLevel(top)
  }

  private foldLevel(level: number): void {
    const node = sha256(Buffer.concat(this.levels[level]!))
    this.levels[level] = []
    const above = (this.levels[level + 1] ??= [])
    above.push(node)
  }
}
