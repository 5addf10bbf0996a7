import { compareBytes, firstIndex } from './byte-order.js'
import type { VersionedRow } from './records.js'

/** All rows of an interval of a namespace's keys, as they are committed now. Pages are never changed, only replaced. */
interface Page {
  readonly low: string
  /** First key behind the interval; undefined: it reaches the end of the namespace. */
  readonly high: string | undefined
  readonly rows: readonly VersionedRow[]
  /** The last block that changed the rows, or the last one when they were loaded. */
  readonly changedAt: number
}

/** What a page holds from a key on. */
export interface PageView {
  readonly rows: readonly VersionedRow[]
  /** Index of the first row at or behind the key. */
  readonly index: number
  /** First key behind the page; undefined: it reaches the end of the namespace. */
  readonly high: string | undefined
}

/** One change of a committed block; `row` is undefined where the key was deleted. */
export interface RowChange {
  /** `ChannelKeys.namespace` of the row's channel and namespace. */
  readonly prefix: string
  readonly key: string
  readonly row: VersionedRow | undefined
}

const PAGE_BYTES = 300
const ROW_BYTES = 250
const MAX_PAGE_ROWS = 512

const bytesOf = (row: VersionedRow): number => ROW_BYTES + 2 * row.key.length + row.value.length

/** The page itself, or two where it has become too long. */
function halve(page: Page): Page[] {
  if (page.rows.length <= MAX_PAGE_ROWS) return [page]
  const middle = page.rows.length >>> 1
  const border = page.rows[middle]!.key
  return [
    { ...page, high: border, rows: page.rows.slice(0, middle) },
    { ...page, low: border, rows: page.rows.slice(middle) },
  ]
}

/** Newest committed rows for range queries, by namespace, at most about `budgetBytes` of them; then it starts anew. */
export class PageCache {
  private namespaces = new Map<string, Page[]>()
  private bytes = 0

  constructor(private readonly budgetBytes: number) {}

  /** The page with `key` in it, if it is what a reader sees who knows the blocks before `height`. */
  find(prefix: string, key: string, height: number): PageView | undefined {
    const page = this.pageOf(prefix, key)
    if (!page || page.changedAt >= height) return undefined
    const { rows } = page
    return { rows, index: firstIndex(rows.length, (i) => compareBytes(rows[i]!.key, key) >= 0), high: page.high }
  }

  /**
   * Puts in all rows from `low` to before `high`, newest committed, where `low` is in no page that `find` shows to a reader
   * of the newest block. `height` is the number of blocks.
   */
  insert(prefix: string, low: string, high: string | undefined, rows: readonly VersionedRow[], height: number): void {
    let pages = this.namespaces.get(prefix)
    if (!pages) this.namespaces.set(prefix, (pages = []))
    const at = firstIndex(pages.length, (i) => compareBytes(pages[i]!.low, low) > 0)
    const before = pages[at - 1]
    if (before && (before.high === undefined || compareBytes(before.high, low) > 0)) return
    const next = pages[at]?.low
    const cut = next !== undefined && (high === undefined || compareBytes(next, high) < 0)
    const own = cut ? rows.filter((row) => compareBytes(row.key, next) < 0) : rows
    const bytes = own.reduce((sum, row) => sum + bytesOf(row), PAGE_BYTES)
    if (bytes > this.budgetBytes / 8) return
    pages.splice(at, 0, { low, high: cut ? next : high, rows: own, changedAt: height - 1 })
    this.grow(bytes)
  }

  /** Takes over the changes of block `blockNum`. */
  apply(changes: readonly RowChange[], blockNum: number): void {
    const touched = new Map<Page, { prefix: string; rows: VersionedRow[] }>()
    let bytes = 0
    for (const { prefix, key, row } of changes) {
      const page = this.pageOf(prefix, key)
      if (!page) continue
      let copy = touched.get(page)
      if (!copy) touched.set(page, (copy = { prefix, rows: [...page.rows] }))
      const { rows } = copy
      const at = firstIndex(rows.length, (i) => compareBytes(rows[i]!.key, key) >= 0)
      const known = rows[at]?.key === key ? rows[at] : undefined
      rows.splice(at, known ? 1 : 0, ...(row ? [row] : []))
      bytes += (row ? bytesOf(row) : 0) - (known ? bytesOf(known) : 0)
    }
    for (const [page, { prefix, rows }] of touched) {
      const pages = this.namespaces.get(prefix)!
      const at = firstIndex(pages.length, (i) => compareBytes(pages[i]!.low, page.low) >= 0)
      pages.splice(at, 1, ...halve({ ...page, rows, changedAt: blockNum }))
    }
    this.grow(bytes)
  }

  private pageOf(prefix: string, key: string): Page | undefined {
    const pages = this.namespaces.get(prefix)
    const page = pages?.[firstIndex(pages.length, (i) => compareBytes(pages[i]!.low, key) > 0) - 1]
    return page && (page.high === undefined || compareBytes(key, page.high) < 0) ? page : undefined
  }

  private grow(bytes: number): void {
    this.bytes += bytes
    if (this.bytes <= this.budgetBytes) return
    this.namespaces = new Map()
    this.bytes = 0
  }
}
