import {
  KVRWSet,
  type QueryReadsMerkleSummary,
  type RangeQueryInfo,
  type Version,
} from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { TxValidationCode } from '../../proto/gen/peer/transaction.js'
import type { BlockUpdates, Writer } from './block-updates.js'
import { successor } from './keys.js'
import { RangeReads } from './range-reads.js'
import type { VersionedRow } from './records.js'
import type { StateView } from './state.js'

/** How many rows a range is read again by at a time. */
const BATCH = 101

interface NamespaceSet {
  namespace: string
  set: KVRWSet
}

function decodeSets(results: Buffer): NamespaceSet[] | undefined {
  try {
    return TxReadWriteSet.decode(results).nsRwset.map(({ namespace, rwset }) => ({
      namespace,
      set: KVRWSet.decode(rwset),
    }))
  } catch {
    return undefined
  }
}

const isSameVersion = (version: Version | undefined, row: VersionedRow | undefined): boolean =>
  row === undefined
    ? version === undefined
    : version !== undefined && version.blockNum === BigInt(row.blockNum) && version.txNum === BigInt(row.txNum)

/**
 * Validates the reads of one transaction against the committed state and the earlier valid transactions of its block, and
 * adds its writes to `updates` where they hold. Answers VALID, MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT, BAD_RWSET, or
 * ILLEGAL_WRITESET for a namespace that comes twice.
 */
export async function applyTransaction(
  results: Buffer,
  writer: Writer,
  view: StateView,
  updates: BlockUpdates,
): Promise<TxValidationCode> {
  const sets = decodeSets(results)
  if (!sets) return TxValidationCode.BAD_RWSET
  if (new Set(sets.map(({ namespace }) => namespace)).size < sets.length) return TxValidationCode.ILLEGAL_WRITESET
  for (const { namespace, set } of sets) {
    for (const { key, version } of set.reads)
      if (updates.has(namespace, key) || !isSameVersion(version, view.get(namespace, key)))
        return TxValidationCode.MVCC_READ_CONFLICT
    for (const info of set.rangeQueriesInfo)
      if (isChangedInBlock(namespace, info, view, updates) || (await isChanged(namespace, info, view)))
        return TxValidationCode.PHANTOM_READ_CONFLICT
  }
  for (const { namespace, set } of sets) {
    const writes = set.writes.map(({ key, isDelete, value }) => ({
      key,
      value: isDelete || value.length === 0 ? undefined : value,
    }))
    if (writes.length > 0) updates.add(namespace, writes, writer)
  }
  return TxValidationCode.VALID
}

/** Whether the block changes the range: by any value, which has a new version, or by the end of a row that is there. */
function isChangedInBlock(
  namespace: string,
  { startKey, endKey, itrExhausted }: RangeQueryInfo,
  view: StateView,
  updates: BlockUpdates,
): boolean {
  for (const { key, value } of updates.inRange(namespace, startKey, endKey, !itrExhausted))
    if (value !== undefined || view.get(namespace, key) !== undefined) return true
  return false
}

/** Whether the committed rows of the range are no longer those that the query saw. */
async function isChanged(namespace: string, info: RangeQueryInfo, view: StateView): Promise<boolean> {
  const cursor = view.range(namespace, info.startKey, info.itrExhausted ? info.endKey : successor(info.endKey))
  try {
    const pages = rowsOf((limit) => cursor.next(limit))
    return info.readsInfo?.$case === 'readsMerkleHashes'
      ? !(await haveHashes(pages, info.readsInfo.readsMerkleHashes))
      : !(await areReads(pages, info.readsInfo?.rawReads.kvReads ?? []))
  } finally {
    cursor.close()
  }
}

async function* rowsOf(next: (limit: number) => Promise<VersionedRow[]>): AsyncGenerator<VersionedRow[]> {
  for (let rows = await next(BATCH); ; rows = await next(BATCH)) {
    yield rows
    if (rows.length < BATCH) return
  }
}

async function areReads(
  pages: AsyncIterable<VersionedRow[]>,
  reads: readonly { key: string; version?: Version | undefined }[],
): Promise<boolean> {
  let count = 0
  for await (const rows of pages)
    for (const row of rows) {
      const read = reads[count++]
      if (read?.key !== row.key || !isSameVersion(read.version, row)) return false
    }
  return count === reads.length
}

async function haveHashes(pages: AsyncIterable<VersionedRow[]>, summary: QueryReadsMerkleSummary): Promise<boolean> {
  // A tree of a lower degree never gets a top.
  if (summary.maxDegree < 2) return false
  const reads = new RangeReads(summary.maxDegree)
  for await (const rows of pages) for (const row of rows) reads.add(row)
  const found = reads.finish()
  return (
    found?.$case === 'readsMerkleHashes' &&
    found.readsMerkleHashes.maxLevel === summary.maxLevel &&
    found.readsMerkleHashes.maxLevelHashes.length === summary.maxLevelHashes.length &&
    found.readsMerkleHashes.maxLevelHashes.every((hash, i) => hash.equals(summary.maxLevelHashes[i]!))
  )
}
