import { type ChaincodedError, failure, isFailure } from '../errors.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import type { DecodedMessage } from './message-codec.js'
import { Transaction, TransactionTable } from './transaction.js'

/** One transaction to run on a stream. */
export interface StreamCall {
  type: Type.INIT | Type.TRANSACTION
  channelId: string
  txId: string
  namespace: string
  input: Buffer
  signedProposal: Buffer
  simulator: Transaction['simulator']
  signal?: AbortSignal | undefined
}

/** What the transactions of a stream are kept with. */
export interface InFlightOptions {
  clock: { setTimeout(fn: () => void, ms: number): unknown; clearTimeout(id: unknown): void }
  /** Time that a transaction may take, ms; key `chaincode.executetimeout`. */
  executeTimeoutMs: number
  /** Transactions at once; key `chaincoded.limits.transactionsInFlight`. */
  transactionsLimit: number
}

type Outcome = DecodedMessage | ChaincodedError

/** Abandoned transactions that a stream remembers, so that their late answers are known for what they are. */
const ABANDONED_LIMIT = 10_000

/** The transactions of one stream: those that the chaincode works on, and those that their callers gave up. */
export class TransactionsInFlight {
  private readonly table = new TransactionTable()
  private readonly settlers = new Map<Transaction, (outcome: Outcome) => void>()
  private readonly abandoned = new Set<Transaction>()

  constructor(
    private readonly options: InFlightOptions,
    /** The first transaction started, or the last one ended. */
    private readonly onActivity: (active: boolean) => void,
  ) {}

  /** Transactions that the chaincode works on. */
  get size(): number {
    return this.settlers.size
  }

  /** A transaction that is executing or abandoned. */
  get(channelId: string, txId: string): Transaction | undefined {
    return this.table.get(channelId, txId)
  }

  /** Why `call` must not start: TXID_EXISTS, TOO_MANY_TRANSACTIONS or CALL_CANCELLED; undefined where it may. */
  refusal(call: StreamCall, ccid: string): ChaincodedError | undefined {
    const { channelId, txId, signal } = call
    const limit = this.options.transactionsLimit
    if (this.table.get(channelId, txId)) return failure('TXID_EXISTS', { txId, channelId })
    if (this.settlers.size >= limit) return failure('TOO_MANY_TRANSACTIONS', { ccid, limit })
    return signal?.aborted ? failure('CALL_CANCELLED', {}) : undefined
  }

  /** Resolves with the chaincode's answer; rejects with EXECUTE_TIMEOUT, CALL_CANCELLED or what it is settled with. */
  start(call: StreamCall): Promise<DecodedMessage> {
    const { channelId, txId, signal } = call
    const { clock, executeTimeoutMs } = this.options
    const transaction = new Transaction(
      channelId,
      txId,
      call.namespace,
      call.type === Type.INIT,
      call.simulator,
      call.signedProposal,
    )
    return new Promise((resolve, reject) => {
      const abandon = (code: 'EXECUTE_TIMEOUT' | 'CALL_CANCELLED') => () => this.settle(transaction, failure(code, {}))
      const deadline = clock.setTimeout(abandon('EXECUTE_TIMEOUT'), executeTimeoutMs)
      const onAbort = signal && abandon('CALL_CANCELLED')
      if (onAbort) signal.addEventListener('abort', onAbort, { once: true })
      this.table.add(transaction)
      this.settlers.set(transaction, (outcome) => {
        clock.clearTimeout(deadline)
        if (onAbort) signal.removeEventListener('abort', onAbort)
        if (isFailure(outcome)) reject(outcome)
        else resolve(outcome)
      })
      if (this.settlers.size === 1) this.onActivity(true)
    })
  }

  /**
   * The first outcome wins: the caller is told, and what the transaction held is released. With a failure the chaincode
   * is not done with it, so its key stays taken until the late answer. Whether this was the first outcome.
   */
  settle(transaction: Transaction, outcome: Outcome): boolean {
    const settler = this.settlers.get(transaction)
    if (!settler) return false
    this.settlers.delete(transaction)
    if (isFailure(outcome)) this.abandon(transaction)
    else this.forget(transaction)
    settler(outcome)
    if (this.settlers.size === 0) this.onActivity(false)
    return true
  }

  /** The stream is over: everybody who waits is told `error`, and nothing is remembered. The stream's end tells the rest. */
  settleAll(error: ChaincodedError): void {
    const settlers = [...this.settlers]
    this.settlers.clear()
    for (const [transaction, settler] of settlers) {
      this.forget(transaction)
      settler(error)
    }
    for (const transaction of [...this.abandoned]) this.forget(transaction)
  }

  /** The chaincode is done with it: its key may be used again. */
  forget(transaction: Transaction): void {
    transaction.end('completed')
    this.abandoned.delete(transaction)
    this.table.delete(transaction)
  }

  private abandon(transaction: Transaction): void {
    transaction.end('abandoned')
    this.abandoned.add(transaction)
    if (this.abandoned.size <= ABANDONED_LIMIT) return
    const [oldest] = this.abandoned
    this.forget(oldest as Transaction)
  }
}
