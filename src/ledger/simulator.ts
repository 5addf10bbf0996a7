import { ReadWriteSetBuilder } from './read-write-set.js'
import type { VersionedRow } from './records.js'
import type { StateView } from './state.js'
import type { HistoryRow, ResultsIterator, StateRow, TxSimulator } from './types.js'

const NO_VALUE = Buffer.alloc(0)

/** Simulates a transaction on a view, which it releases when it is done. */
export class SnapshotSimulator implements TxSimulator {
  private readonly recorded = new ReadWriteSetBuilder()
  private readonly open = new Set<ResultsIterator<unknown>>()
  private isDone = false

  constructor(
    readonly txId: string,
    private readonly view: StateView,
  ) {}

  getState(namespace: string, key: string): Buffer | undefined {
    this.check()
    const row = this.view.get(namespace, key)
    this.recorded.addRead(namespace, key, row)
    return row?.value
  }

  setState(namespace: string, key: string, value: Buffer): void {
    this.check()
    this.recorded.addWrite(namespace, key, value)
  }

  deleteState(namespace: string, key: string): void {
    this.setState(namespace, key, NO_VALUE)
  }

  getStateRange(namespace: string, startKey: string, endKey: string): ResultsIterator<StateRow> {
    this.check()
    const recorder = this.recorded.addRange(namespace, startKey, endKey)
    return this.track(this.view.range(namespace, startKey, endKey), (rows: VersionedRow[], limit) =>
      recorder.record(rows, rows.length < limit),
    )
  }

  getHistoryForKey(namespace: string, key: string): ResultsIterator<HistoryRow> {
    this.check()
    return this.track(this.view.history(namespace, key), () => undefined)
  }

  getTxSimulationResults(): Buffer {
    this.check()
    return this.recorded.build()
  }

  done(): void {
    if (this.isDone) return
    this.isDone = true
    for (const iterator of this.open) iterator.close()
    this.view.release()
  }

  private check(): void {
    if (this.isDone) throw new Error('this instance should not be used after calling Done()')
  }

  /** Closes `cursor` once, by itself or with the simulator, and shows what it gives to `onRows`. */
  private track<Row>(cursor: ResultsIterator<Row>, onRows: (rows: Row[], limit: number) => void): ResultsIterator<Row> {
    const iterator: ResultsIterator<Row> = {
      next: async (limit) => {
        const rows = await cursor.next(limit)
        onRows(rows, limit)
        return rows
      },
      close: () => {
        if (this.open.delete(iterator)) cursor.close()
      },
    }
    this.open.add(iterator)
    return iterator
  }
}
