import { compareBytes } from './byte-order.js'
import type { ChannelKeys } from './keys.js'
import type { RowChange } from './page-cache.js'
import { encodeHistory, encodeState } from './records.js'
import type { StoreBatch } from './store.js'

/** One key's write in a block. */
export interface Write {
  readonly key: string
  /** Undefined deletes. */
  readonly value: Buffer | undefined
}

/** A transaction whose writes count. */
export interface Writer {
  readonly txNum: number
  readonly txId: string
  readonly timestamp: { seconds: bigint; nanos: number } | undefined
}

const NO_VALUE = Buffer.alloc(0)

/** The writes of the valid transactions of the block that is being validated. */
export class BlockUpdates {
  /** Last write of each key, by namespace. */
  private readonly namespaces = new Map<string, Map<string, { value: Buffer | undefined; txNum: number }>>()
  private readonly history: { key: string; record: Buffer }[] = []

  constructor(
    private readonly keys: ChannelKeys,
    private readonly blockNum: number,
  ) {}

  /** Whether an earlier valid transaction of the block wrote the key. */
  has(namespace: string, key: string): boolean {
    return this.namespaces.get(namespace)?.has(key) ?? false
  }

  /** The last writes to keys from `startKey` on, up to `endKey`: with it where `inclusive`, to the end where it is empty. */
  *inRange(namespace: string, startKey: string, endKey: string, inclusive: boolean): Generator<Write> {
    for (const [key, { value }] of this.namespaces.get(namespace) ?? []) {
      if (compareBytes(key, startKey) < 0) continue
      const toEnd = endKey === '' && !inclusive ? -1 : compareBytes(key, endKey)
      if (toEnd < 0 || (inclusive && toEnd === 0)) yield { key, value }
    }
  }

  /** Adds the writes of a valid transaction to one namespace. */
  add(namespace: string, writes: readonly Write[], { txNum, txId, timestamp }: Writer): void {
    let known = this.namespaces.get(namespace)
    if (!known) this.namespaces.set(namespace, (known = new Map()))
    for (const { key, value } of writes) {
      known.set(key, { value, txNum })
      this.history.push({
        key: this.keys.historyEntry(namespace, key, this.blockNum, txNum),
        record: encodeHistory({ txId, value: value ?? NO_VALUE, isDelete: value === undefined, timestamp }),
      })
    }
  }

  /** Puts state and history into `batch`. */
  fill(batch: StoreBatch): void {
    for (const { key, record } of this.history) batch.put(key, record)
    for (const [namespace, writes] of this.namespaces) {
      const prefix = this.keys.namespace(namespace)
      for (const [key, { value, txNum }] of writes)
        if (value === undefined) batch.del(prefix + key)
        else batch.put(prefix + key, encodeState(this.blockNum, txNum, value))
    }
  }

  /** What changes in the state. */
  *changes(): Generator<RowChange> {
    const { blockNum } = this
    for (const [namespace, writes] of this.namespaces) {
      const prefix = this.keys.namespace(namespace)
      for (const [key, { value, txNum }] of writes)
        yield { prefix, key, row: value && { namespace, key, value, blockNum, txNum } }
    }
  }
}
