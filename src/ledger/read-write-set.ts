import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { KVRWSet, type KVRead, type KVWrite, type RangeQueryInfo } from '../../proto/gen/ledger/kv-rwset.js'
import { compareBytes } from './byte-order.js'
import { RangeReads, versionOf } from './range-reads.js'
import type { VersionedRow } from './records.js'

/** Records what one range query hands out. */
export class RangeRecorder {
  private readonly reads = new RangeReads()
  private endKey = ''
  private exhausted = false
  private pulled = false

  constructor(
    readonly namespace: string,
    private readonly startKey: string,
    private readonly queryEndKey: string,
  ) {}

  /** Adds rows that were handed out; `exhausted` says that there are no more. */
  record(rows: readonly VersionedRow[], exhausted: boolean): void {
    if (rows.length === 0 && !exhausted) return
    for (const row of rows) this.reads.add(row)
    this.pulled = true
    this.exhausted = exhausted
    this.endKey = exhausted ? this.queryEndKey : rows[rows.length - 1]!.key
  }

  /** The record, or undefined where nothing was ever pulled. */
  finish(): RangeQueryInfo | undefined {
    if (!this.pulled) return undefined
    return {
      startKey: this.startKey,
      endKey: this.endKey,
      itrExhausted: this.exhausted,
      readsInfo: this.reads.finish(),
    }
  }
}

interface NamespaceSet {
  /** Version at the first read; undefined where the key was absent. */
  reads: Map<string, { blockNum: number; txNum: number } | undefined>
  /** Undefined deletes. */
  writes: Map<string, Buffer | undefined>
}

const NO_VALUE = Buffer.alloc(0)

/** Tags of TxReadWriteSet.ns_rwset, NsReadWriteSet.namespace and NsReadWriteSet.rwset; data model KV is the default. */
const NS_RWSET_TAG = (2 << 3) | 2
const NAMESPACE_TAG = (1 << 3) | 2
const RWSET_TAG = (2 << 3) | 2

const inOrder = <Value>(map: Map<string, Value>): [string, Value][] =>
  [...map].sort(([left], [right]) => compareBytes(left, right))

/** Collects the reads and writes of one transaction. */
export class ReadWriteSetBuilder {
  private readonly namespaces = new Map<string, NamespaceSet>()
  private readonly ranges: RangeRecorder[] = []
  private marshalled: Buffer | undefined

  /** Records a read of a committed version; a second read of the key on the same snapshot changes nothing. */
  addRead(namespace: string, key: string, row: { blockNum: number; txNum: number } | undefined): void {
    // Not the row itself: it would keep the value in memory until the transaction ends.
    this.of(namespace).reads.set(key, row && { blockNum: row.blockNum, txNum: row.txNum })
  }

  /** The last write to a key wins; an empty value deletes. */
  addWrite(namespace: string, key: string, value: Buffer): void {
    this.of(namespace).writes.set(key, value.length === 0 ? undefined : value)
  }

  /** Opens the record of a range query. */
  addRange(namespace: string, startKey: string, endKey: string): RangeRecorder {
    const recorder = new RangeRecorder(namespace, startKey, endKey)
    this.ranges.push(recorder)
    return recorder
  }

  /** The marshalled `rwset.TxReadWriteSet`; the first call ends the recording, later ones give the same bytes. */
  build(): Buffer {
    this.marshalled ??= this.marshal()
    return this.marshalled
  }

  private marshal(): Buffer {
    const ranges = this.rangesByNamespace()
    for (const namespace of ranges.keys()) this.of(namespace)
    // One writer for all levels: a message in a `bytes` field looks like a message in a field, and writers are not cheap.
    const writer = new BinaryWriter()
    for (const [namespace, set] of inOrder(this.namespaces)) {
      writer.uint32(NS_RWSET_TAG).fork()
      writer.uint32(NAMESPACE_TAG).string(namespace)
      KVRWSet.encode(
        {
          reads: inOrder(set.reads).map(([key, row]): KVRead => ({ key, version: row && versionOf(row) })),
          rangeQueriesInfo: ranges.get(namespace) ?? [],
          writes: inOrder(set.writes).map(([key, value]): KVWrite => ({
            key,
            isDelete: value === undefined,
            value: value ?? NO_VALUE,
          })),
          metadataWrites: [],
        },
        writer.uint32(RWSET_TAG).fork(),
      ).join()
      writer.join()
    }
    const bytes = writer.finish()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** The same range read to the same end on one snapshot gave the same rows: it is recorded once. */
  private rangesByNamespace(): Map<string, RangeQueryInfo[]> {
    const result = new Map<string, RangeQueryInfo[]>()
    for (const recorder of this.ranges) {
      const info = recorder.finish()
      if (!info) continue
      const infos = result.get(recorder.namespace) ?? []
      result.set(recorder.namespace, infos)
      const known = infos.some(
        (other) =>
          other.startKey === info.startKey && other.endKey === info.endKey && other.itrExhausted === info.itrExhausted,
      )
      if (!known) infos.push(info)
    }
    return result
  }

  private of(namespace: string): NamespaceSet {
    let set = this.namespaces.get(namespace)
    if (!set) this.namespaces.set(namespace, (set = { reads: new Map(), writes: new Map() }))
    return set
  }
}
