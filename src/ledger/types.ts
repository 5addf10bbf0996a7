/** The contracts of the ledger: what a transaction simulates on, and what a client commits to. */

/** Version of a committed value: the block and the transaction's index in it. */
export interface Version {
  blockNum: bigint
  txNum: bigint
}

/** One row of a range query. */
export interface StateRow {
  namespace: string
  key: string
  value: Buffer
}

/** One row of a key's history. `timestamp` is the channel header's (client clock). */
export interface HistoryRow {
  txId: string
  value: Buffer
  isDelete: boolean
  timestamp: { seconds: bigint; nanos: number } | undefined
}

/**
 * A cursor over query results. It reads the snapshot that it was opened on.
 * `next(limit)` answers at most `limit` rows; fewer than `limit` mean that the end was reached. `close` may be called at
 * any time and more than once; `next` after `close` rejects.
 */
export interface ResultsIterator<Row> {
  next(limit: number): Promise<Row[]>
  close(): void
}

/**
 * Simulates one transaction on a snapshot: reads see committed state only, never the transaction's own writes; writes
 * collect in a read-write set. Every method after `done` throws `this instance should not be used after calling Done()`.
 */
export interface TxSimulator {
  readonly txId: string
  /** The committed value, or undefined where the key is absent. Records the read. Synchronous: it is the hot path. */
  getState(namespace: string, key: string): Buffer | undefined
  /** Last write to a key wins; an empty value is a delete. */
  setState(namespace: string, key: string, value: Buffer): void
  deleteState(namespace: string, key: string): void
  /** Start inclusive, end exclusive, empty = open. Rows that are pulled enter the read set (phantom protection). */
  getStateRange(namespace: string, startKey: string, endKey: string): ResultsIterator<StateRow>
  /** Newest first, committed blocks only; records nothing. */
  getHistoryForKey(namespace: string, key: string): ResultsIterator<HistoryRow>
  /** Marshalled `rwset.TxReadWriteSet`, namespaces and keys in byte order. */
  getTxSimulationResults(): Buffer
  /** Releases the snapshot and every iterator; idempotent. */
  done(): void
}

/** What became of a submitted transaction. */
export interface CommitStatus {
  /** `protos.TxValidationCode`; 0 is VALID. */
  code: number
  blockNumber: bigint
}

/** The ledger of one channel. */
export interface Ledger {
  readonly channelId: string
  /** Number of blocks. */
  readonly height: bigint
  newSimulator(txId: string): TxSimulator
  /**
   * Orders, validates and commits a `common.Envelope`. Resolves when its block is durable; the result is that of this
   * envelope (a duplicate gets DUPLICATE_TXID). Several envelopes that wait together share a block.
   */
  commit(envelope: Buffer): Promise<CommitStatus>
  /** Status of the first occurrence of a transaction id, or undefined. */
  statusOf(txId: string): CommitStatus | undefined
  /** Like `statusOf`, but waits for the commit; rejects with the signal's reason when aborted. */
  whenCommitted(txId: string, signal?: AbortSignal): Promise<CommitStatus>
  /** Marshalled `common.Block`, or undefined beyond the height. */
  getBlock(number: bigint): Promise<Buffer | undefined>
  /** Walks the whole chain: numbers, hashes, filter lengths, txid index. Resolves to the problems found (none = []). */
  verify(): Promise<string[]>
}

/** What the committer asks of every envelope before MVCC; implemented by the gateway's validation. */
export interface EnvelopeValidator {
  /**
   * `code` 0 lets MVCC decide. `txId` is '' where it could not be read. `results` is the marshalled TxReadWriteSet;
   * `timestamp` that of the channel header.
   */
  (
    channelId: string,
    envelope: Buffer,
  ): {
    code: number
    txId: string
    results?: Buffer
    timestamp?: { seconds: bigint; nanos: number }
  }
}

/** All channels of a daemon, in one store. */
export interface LedgerProvider {
  /** The channel's ledger; created (with its genesis block) on first use. Rejects for an illegal channel name. */
  open(channelId: string): Promise<Ledger>
  /** The ledger of an existing channel. */
  get(channelId: string): Ledger | undefined
  channels(): string[]
  /** Waits for running commits, then closes the store. */
  close(): Promise<void>
}
