import { randomUUID } from 'node:crypto'
import { failure } from '../errors.js'
import type { ResultsIterator } from '../ledger/types.js'
import { encodeQueryResponse } from './message-codec.js'
import type { Transaction } from './transaction.js'

/** Rows in one answer to the chaincode (Fabric: MaxResultLimit). */
export const BATCH_ROWS = 100

/** Limits of queries. */
export interface QueryLimits {
  /** Rows that one query may give in all; key `ledger.state.totalQueryLimit`. */
  totalQueryLimit: number
  /** Queries that one transaction may hold open; key `chaincoded.limits.openIterators`. */
  openIterators: number
}

/** Opens a query for a transaction and answers its first batch. */
export async function openQuery<Row>(
  transaction: Transaction,
  rows: ResultsIterator<Row>,
  encode: (row: Row) => Uint8Array,
  limits: QueryLimits,
): Promise<Buffer> {
  if (transaction.openQueries >= limits.openIterators) {
    rows.close()
    throw failure('TOO_MANY_QUERIES', { limit: limits.openIterators })
  }
  const id = randomUUID()
  transaction.addQuery(id, {
    rows,
    encode: encode as (row: unknown) => Uint8Array,
    pending: [],
    remaining: limits.totalQueryLimit,
  })
  return nextBatch(transaction, id)
}

/**
 * The next batch of a query. One row more than a batch is fetched to learn whether there is more. At the total limit the
 * answer ends as if the data did (Fabric truncates silently).
 */
export async function nextBatch(transaction: Transaction, id: string): Promise<Buffer> {
  const query = transaction.query(id)
  if (!query) throw failure('QUERY_NOT_FOUND', {})
  const isLast = query.remaining <= BATCH_ROWS
  const wanted = (isLast ? query.remaining : BATCH_ROWS + 1) - query.pending.length
  let rows: unknown[]
  try {
    rows = query.pending.concat(wanted > 0 ? await query.rows.next(wanted) : [])
  } catch (error) {
    transaction.closeQuery(id)
    throw error
  }
  const hasMore = !isLast && rows.length > BATCH_ROWS
  if (hasMore) query.pending = rows.splice(BATCH_ROWS)
  else transaction.closeQuery(id)
  query.remaining -= rows.length
  return encodeQueryResponse(rows.map(query.encode), hasMore, id)
}

/** Closes a query; an unknown id succeeds, as with Fabric. */
export function closeQuery(transaction: Transaction, id: string): Buffer {
  transaction.closeQuery(id)
  return encodeQueryResponse([], false, id)
}
