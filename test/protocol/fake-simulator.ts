/** A simulator over Maps, and cursors that keep what is done to them. */
import type { HistoryRow, ResultsIterator, StateRow, TxSimulator } from '../../src/ledger/types.js'

/** A cursor over rows that a test gives; it keeps how it was used. */
export class FakeRows<Row> implements ResultsIterator<Row> {
  /** The limit of each `next`, in order. */
  readonly asked: number[] = []
  closes = 0
  /** Rejects the next `next`. */
  error: Error | undefined
  private at = 0
  private release: (() => void) | undefined
  private held: Promise<void> | undefined

  constructor(private readonly rows: readonly Row[]) {}

  async next(limit: number): Promise<Row[]> {
    this.asked.push(limit)
    await this.held
    if (this.error) throw this.error
    if (this.closes > 0) throw new Error('next after close')
    const batch = this.rows.slice(this.at, this.at + limit)
    this.at += batch.length
    return batch
  }

  close(): void {
    this.closes += 1
  }

  /** From now on `next` waits, until the returned function is called. */
  hold(): () => void {
    this.held = new Promise((resolve) => (this.release = resolve))
    return () => this.release?.()
  }
}

/** `count` rows of state, `k0000` and on. */
export const stateRows = (count: number, namespace = 'kv'): StateRow[] =>
  Array.from({ length: count }, (_, index) => {
    const key = `k${String(index).padStart(4, '0')}`
    return { namespace, key, value: Buffer.from(`value of ${key}`) }
  })

/** Reads what a test put into `state`, and keeps writes apart, as the real one does. */
export class FakeSimulator implements TxSimulator {
  readonly state = new Map<string, Buffer>()
  readonly writes: [namespace: string, key: string, value: string | undefined][] = []
  /** Bounds of each range, and key of each history, that was asked for. */
  readonly queries: string[] = []
  /** Cursors that the next range or history requests get, in order; further ones get empty cursors. */
  readonly cursors: FakeRows<StateRow | HistoryRow>[] = []
  dones = 0
  /** Thrown by every state request. */
  error: Error | undefined

  constructor(readonly txId = 'tx1') {}

  getState(namespace: string, key: string): Buffer | undefined {
    if (this.error) throw this.error
    return this.state.get(`${namespace}/${key}`)
  }

  setState(namespace: string, key: string, value: Buffer): void {
    if (this.error) throw this.error
    this.writes.push([namespace, key, value.toString()])
  }

  deleteState(namespace: string, key: string): void {
    if (this.error) throw this.error
    this.writes.push([namespace, key, undefined])
  }

  getStateRange(namespace: string, startKey: string, endKey: string): ResultsIterator<StateRow> {
    this.queries.push(`${namespace} ${startKey}..${endKey}`)
    return this.cursor()
  }

  getHistoryForKey(namespace: string, key: string): ResultsIterator<HistoryRow> {
    this.queries.push(`${namespace} history of ${key}`)
    return this.cursor()
  }

  private cursor<Row>(): FakeRows<Row> {
    return (this.cursors.shift() ?? new FakeRows([])) as FakeRows<unknown> as FakeRows<Row>
  }

  getTxSimulationResults(): Buffer {
    return Buffer.from('the read-write set')
  }

  done(): void {
    this.dones += 1
  }
}
