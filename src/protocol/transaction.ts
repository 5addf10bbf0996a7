import type { ResultsIterator, TxSimulator } from '../ledger/types.js'

/** A query that a transaction holds open. */
export interface OpenQuery {
  rows: ResultsIterator<unknown>
  encode: (row: unknown) => Uint8Array
  /** The look-ahead row: fetched to learn that there is more, sent first in the next batch. */
  pending: unknown[]
  /** Rows that may still be given (`ledger.state.totalQueryLimit`). */
  remaining: number
}

/**
 * Where a transaction is. executing: the chaincode works on it. completed: it was answered. abandoned: its caller has
 * been told that it failed, but the chaincode may still come with requests and a late answer, which are refused.
 */
export type TransactionState = 'executing' | 'completed' | 'abandoned'

/** One transaction in a chaincode: the only owner of its queries and of its caller's answer. */
export class Transaction {
  state: TransactionState = 'executing'
  /** A request of it is in work; a second one is dropped, as shims send one at a time. */
  busy = false
  private readonly queries = new Map<string, OpenQuery>()
  private cancellation: AbortController | undefined

  constructor(
    readonly channelId: string,
    readonly txId: string,
    /** Ledger namespace. */
    readonly namespace: string,
    readonly isInit: boolean,
    readonly simulator: TxSimulator | undefined,
    /** Marshalled `protos.SignedProposal`. */
    readonly signedProposal: Buffer,
  ) {}

  addQuery(id: string, query: OpenQuery): void {
    this.queries.set(id, query)
  }

  query(id: string): OpenQuery | undefined {
    return this.queries.get(id)
  }

  get openQueries(): number {
    return this.queries.size
  }

  closeQuery(id: string): void {
    const query = this.queries.get(id)
    this.queries.delete(id)
    query?.rows.close()
  }

  /** Aborted when it leaves `executing`: what others do on its behalf is then of no use. */
  get signal(): AbortSignal {
    // Made when it is asked for: few transactions call another chaincode.
    this.cancellation ??= new AbortController()
    if (this.state !== 'executing') this.cancellation.abort()
    return this.cancellation.signal
  }

  /** Leaves `executing`: every query is closed, once, and what is done on its behalf is cancelled. */
  end(state: 'completed' | 'abandoned'): void {
    this.state = state
    for (const id of [...this.queries.keys()]) this.closeQuery(id)
    this.cancellation?.abort()
  }
}

/** Transactions of one stream by their structured key: channel and id are never concatenated. */
export class TransactionTable {
  private readonly channels = new Map<string, Map<string, Transaction>>()

  get(channelId: string, txId: string): Transaction | undefined {
    return this.channels.get(channelId)?.get(txId)
  }

  add(transaction: Transaction): void {
    let channel = this.channels.get(transaction.channelId)
    if (!channel) this.channels.set(transaction.channelId, (channel = new Map()))
    channel.set(transaction.txId, transaction)
  }

  delete(transaction: Transaction): void {
    const channel = this.channels.get(transaction.channelId)
    if (!channel?.delete(transaction.txId)) return
    if (channel.size === 0) this.channels.delete(transaction.channelId)
  }
}
