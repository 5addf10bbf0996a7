import { failure } from '../errors.js'
import { compareBytes, firstIndex } from './byte-order.js'
import { stateRange, successor } from './keys.js'
import type { PageView } from './page-cache.js'
import { decodeState, type VersionedRow } from './records.js'
import type { ChannelState, StateView } from './state.js'
import type { StoreCursor, StoreSnapshot } from './store.js'
import type { ResultsIterator } from './types.js'

/** Walks a range of a view's state: from memory where the caches have it, else from the store. One `next` at a time. */
export class RowCursor implements ResultsIterator<VersionedRow> {
  private readonly prefix: string
  /** The first key that was not handed out yet. */
  private at: string
  private ended: boolean
  private closed = false
  private stored: { cursor: StoreCursor; at: string } | undefined

  constructor(
    private readonly state: ChannelState,
    private readonly view: StateView,
    private readonly snapshot: StoreSnapshot,
    private readonly namespace: string,
    startKey: string,
    private readonly endKey: string,
  ) {
    this.prefix = state.keys.namespace(namespace)
    this.at = startKey
    this.ended = this.isEnd(startKey)
  }

  async next(limit: number): Promise<VersionedRow[]> {
    const rows: VersionedRow[] = []
    while (rows.length < limit && !this.ended) {
      if (this.closed) throw failure('LEDGER_CLOSED', {})
      const page = this.state.caches.pages.find(this.prefix, this.at, this.view.height)
      if (page) this.take(page, rows, limit)
      else await this.load(rows, limit)
    }
    if (this.closed) throw failure('LEDGER_CLOSED', {})
    return rows
  }

  close(): void {
    this.closed = true
    this.stored?.cursor.close()
    this.stored = undefined
  }

  private isEnd(key: string): boolean {
    return this.endKey !== '' && compareBytes(key, this.endKey) >= 0
  }

  private take({ rows, index, high }: PageView, into: VersionedRow[], limit: number): void {
    const last = rows[rows.length - 1]
    const behind = last && this.isEnd(last.key) ? firstIndex(rows.length, (i) => this.isEnd(rows[i]!.key)) : rows.length
    const stop = Math.min(behind, index + limit - into.length)
    for (let i = index; i < stop; i++) into.push(rows[i]!)
    if (stop < behind) this.at = rows[stop]!.key
    else if (high === undefined || this.isEnd(high)) this.ended = true
    else this.at = high
  }

  private async load(into: VersionedRow[], limit: number): Promise<void> {
    const from = this.at
    const wanted = limit - into.length
    const entries = await this.cursorAt(from).next(wanted)
    const rows = entries.map(([key, bytes]) => decodeState(this.namespace, key.slice(this.prefix.length), bytes))
    into.push(...rows)
    this.ended = rows.length < wanted
    if (!this.ended) this.at = successor(rows[rows.length - 1]!.key)
    if (this.stored) this.stored.at = this.at
    const high = !this.ended ? this.at : this.endKey === '' ? undefined : this.endKey
    if (this.view.isNewest) this.state.caches.pages.insert(this.prefix, from, high, rows, this.view.height)
  }

  /** The store's cursor, opened anew where pages were walked since it was used. */
  private cursorAt(key: string): StoreCursor {
    if (this.stored?.at === key) return this.stored.cursor
    this.stored?.cursor.close()
    const range = stateRange(this.prefix, key, this.endKey)
    const cursor = this.state.store.cursor(range, { snapshot: this.snapshot })
    this.stored = { cursor, at: key }
    return cursor
  }
}
