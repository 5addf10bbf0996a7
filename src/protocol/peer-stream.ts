import { type ActorRefFrom, createActor } from 'xstate'
import type { StreamClosure, StreamReport, streamMachine } from '../../machines/index.js'
import { ChaincodeAdditionalParams, ChaincodeID } from '../../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import type { StreamHandler, StreamTransport } from '../../services/stream-transport.js'
import { type ChaincodedError, failure, isFailure, messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import { type RequestContext, errorPayload, handleRequest, isRequest } from './handle-request.js'
import { type DecodedMessage, decodeMessage, encodeMessage, messageTypeName } from './message-codec.js'
import { Transaction, TransactionTable } from './transaction.js'

/** What a stream is given besides its transport. */
export interface PeerStreamOptions {
  streamId: number
  machine: typeof streamMachine
  supervisor: { send(report: StreamReport): void }
  clock: { setTimeout(fn: () => void, ms: number): unknown; clearTimeout(id: unknown): void }
  request: RequestContext
  registerTimeoutMs: number
  keepaliveMs: number
  /** Time that a transaction may take, ms; key `chaincode.executetimeout`. */
  executeTimeoutMs: number
  /** Transactions at once; key `chaincoded.limits.transactionsInFlight`. */
  transactionsLimit: number
  additionalParams: ChaincodeAdditionalParams
  log: Logger
  inspect?: Parameters<typeof createActor>[1] extends infer O ? (O extends { inspect?: infer I } ? I : never) : never
  /** Says why a stream is refused, in the words of the error table. */
  explainClosure: (closure: StreamClosure, ccid: string) => ChaincodedError | undefined
  /** The first transaction started, or the last one ended. */
  onActivity: (ccid: string, streamId: number, active: boolean) => void
  onClosed: (stream: PeerStream, closure: StreamClosure) => void
}

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

const UNKNOWN = 2
const INTERNAL = 13
/** Abandoned transactions that a stream remembers, so that their late answers are known for what they are. */
const ABANDONED_LIMIT = 10_000

/** The peer's end of one chaincode stream: its chart, its transactions, and the messages between them. */
export class PeerStream implements StreamHandler {
  readonly actor: ActorRefFrom<typeof streamMachine>
  private readonly transactions = new TransactionTable()
  private readonly settlers = new Map<Transaction, (outcome: DecodedMessage | ChaincodedError) => void>()
  private readonly abandoned = new Set<Transaction>()

  constructor(
    private readonly transport: StreamTransport,
    private readonly options: PeerStreamOptions,
  ) {
    const { machine, streamId, supervisor, registerTimeoutMs, keepaliveMs, clock, inspect } = options
    this.actor = createActor(machine, {
      input: { streamId, supervisor: supervisor as never, registerTimeoutMs, keepaliveMs },
      clock: clock as never,
      ...(inspect ? { inspect } : {}),
    })
    this.actor.on('GREET', () => this.greet())
    this.actor.on('SEND_KEEPALIVE', () => this.transport.send(encodeMessage({ type: Type.KEEPALIVE })))
    this.actor.on('CLOSED', ({ closure }) => this.closed(closure))
    this.actor.start()
  }

  get streamId(): number {
    return this.options.streamId
  }

  get ccid(): string {
    return this.actor.getSnapshot().context.ccid
  }

  /** Transactions that the chaincode works on. */
  get inFlight(): number {
    return this.settlers.size
  }

  onMessage(buffer: Buffer): void {
    let message: DecodedMessage
    try {
      message = decodeMessage(buffer)
    } catch (error) {
      this.actor.send({ type: 'ENDED', message: `grpc: failed to unmarshal the received message ${messageOf(error)}` })
      return
    }
    if (message.type === Type.KEEPALIVE) return
    switch (this.actor.getSnapshot().value) {
      case 'ready':
        if (isRequest(message.type)) this.request(message)
        else if (message.type === Type.COMPLETED || message.type === Type.ERROR) this.answered(message)
        else this.violation(message, 'ready')
        break
      case 'created':
        if (message.type === Type.REGISTER) this.register(message.payload)
        else this.violation(message, 'created')
        break
      case 'closed':
        break
      default:
        this.actor.send({
          type: 'VIOLATION',
          text: `handle message: invalid state ${String(this.actor.getSnapshot().value)} for transaction ${message.txid}`,
        })
    }
  }

  onEnd(end: { kind: string; message: string }): void {
    this.actor.send({ type: 'ENDED', message: end.message })
  }

  /**
   * Runs a transaction. Resolves with the chaincode's COMPLETED or ERROR. Rejects with TXID_EXISTS, EXECUTE_TIMEOUT,
   * STREAM_TERMINATED, TOO_MANY_TRANSACTIONS or CALL_CANCELLED.
   */
  execute(call: StreamCall): Promise<DecodedMessage> {
    const { options, transactions } = this
    const { channelId, txId } = call
    if (this.actor.getSnapshot().value !== 'ready') return Promise.reject(failure('STREAM_TERMINATED', {}))
    if (transactions.get(channelId, txId)) return Promise.reject(failure('TXID_EXISTS', { txId, channelId }))
    if (this.settlers.size >= options.transactionsLimit)
      return Promise.reject(failure('TOO_MANY_TRANSACTIONS', { ccid: this.ccid, limit: options.transactionsLimit }))
    if (call.signal?.aborted) return Promise.reject(failure('CALL_CANCELLED', {}))
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
      const deadline = options.clock.setTimeout(abandon('EXECUTE_TIMEOUT'), options.executeTimeoutMs)
      const onAbort = call.signal && abandon('CALL_CANCELLED')
      if (onAbort) call.signal?.addEventListener('abort', onAbort, { once: true })
      transactions.add(transaction)
      this.settlers.set(transaction, (outcome) => {
        options.clock.clearTimeout(deadline)
        if (onAbort) call.signal?.removeEventListener('abort', onAbort)
        if (isFailure(outcome)) reject(outcome)
        else resolve(outcome as DecodedMessage)
      })
      if (this.settlers.size === 1) options.onActivity(this.ccid, this.streamId, true)
      this.transport.send(
        encodeMessage({ type: call.type, txid: txId, channelId, payload: call.input, proposal: call.signedProposal }),
      )
    })
  }

  /** The first outcome wins: the caller is told, and what the transaction held is released. */
  private settle(transaction: Transaction, outcome: DecodedMessage | ChaincodedError): void {
    const settler = this.settlers.get(transaction)
    if (!settler) return
    this.settlers.delete(transaction)
    if (isFailure(outcome) && !isFailure(outcome, 'STREAM_TERMINATED')) this.abandon(transaction)
    else {
      transaction.end('completed')
      this.transactions.delete(transaction)
    }
    settler(outcome)
    if (this.settlers.size === 0) this.options.onActivity(this.ccid, this.streamId, false)
  }

  private abandon(transaction: Transaction): void {
    transaction.end('abandoned')
    this.abandoned.add(transaction)
    if (this.abandoned.size > ABANDONED_LIMIT) {
      const [oldest] = this.abandoned
      this.forget(oldest as Transaction)
    }
  }

  private forget(transaction: Transaction): void {
    this.abandoned.delete(transaction)
    this.transactions.delete(transaction)
  }

  private register(payload: Buffer): void {
    let ccid: string
    try {
      ccid = ChaincodeID.decode(payload).name
    } catch {
      this.actor.send({ type: 'REGISTER_UNDECODABLE', detail: 'unexpected EOF' })
      return
    }
    this.actor.send({ type: 'REGISTER_RECEIVED', ccid })
  }

  private greet(): void {
    const params = ChaincodeAdditionalParams.encode(this.options.additionalParams).finish()
    this.transport.send(encodeMessage({ type: Type.REGISTERED }))
    this.transport.send(encodeMessage({ type: Type.READY, payload: params as Buffer }), (error) =>
      this.actor.send(error ? { type: 'ENDED', message: error.message } : { type: 'READY_WRITTEN' }),
    )
  }

  private request(message: DecodedMessage): void {
    const { type, txid, channelId } = message
    const transaction = this.transactions.get(channelId, txid)
    if (transaction?.busy) {
      this.options.log.warn(
        `[${txid.slice(0, 8)}] Another request pending for this CC: ${this.ccid}, Txid: ${txid}, ChannelID: ${channelId}. Cannot process.`,
      )
      return
    }
    let result: Buffer | Promise<Buffer>
    try {
      result = handleRequest(type, transaction, message.payload, this.options.request)
    } catch (error) {
      this.reply(message, Type.ERROR, this.errorFor(message, error))
      return
    }
    if (Buffer.isBuffer(result)) this.reply(message, Type.RESPONSE, result)
    else void this.replyLater(message, transaction as Transaction, result)
  }

  /** The transaction is free again before its answer can be seen, so that the next request is never dropped. */
  private async replyLater(message: DecodedMessage, transaction: Transaction, result: Promise<Buffer>): Promise<void> {
    transaction.busy = true
    let type = Type.RESPONSE
    let payload: Buffer
    try {
      payload = await result
      if (transaction.state === 'abandoned') throw failure('NO_LEDGER_CONTEXT', {})
    } catch (error) {
      type = Type.ERROR
      payload = this.errorFor(message, error)
    }
    transaction.busy = false
    // Whoever has completed a transaction waits for no answer; some shims end when one comes.
    if (transaction.state !== 'completed') this.reply(message, type, payload)
  }

  private errorFor(message: DecodedMessage, error: unknown): Buffer {
    if (!isFailure(error))
      this.options.log.error({ err: error }, `${messageTypeName(message.type)} failed unexpectedly`)
    return errorPayload(message.type, message.txid, error)
  }

  private reply(to: DecodedMessage, type: Type, payload: Buffer): void {
    this.transport.send(encodeMessage({ type, txid: to.txid, channelId: to.channelId, payload }))
  }

  private answered(message: DecodedMessage): void {
    const transaction = this.transactions.get(message.channelId, message.txid)
    if (transaction?.state === 'executing') this.settle(transaction, message)
    else if (transaction) {
      this.forget(transaction)
      this.options.log.warn(
        `late ${messageTypeName(message.type)} of ${this.ccid} for transaction ${message.txid} refused: its caller was told that it failed`,
      )
    } else this.options.log.debug(`notifier Txid:${message.txid}, channelID:${message.channelId} does not exist`)
  }

  private violation(message: DecodedMessage, state: 'created' | 'ready'): void {
    this.actor.send({
      type: 'VIOLATION',
      text: `[${message.txid.slice(0, 8)}] Fabric side handler cannot handle message (${messageTypeName(message.type)}) while in ${state} state`,
    })
  }

  private closed(closure: StreamClosure): void {
    for (const transaction of [...this.settlers.keys()]) this.settle(transaction, failure('STREAM_TERMINATED', {}))
    for (const transaction of [...this.abandoned]) this.forget(transaction)
    this.transport.close(this.statusOf(closure))
    this.options.onClosed(this, closure)
  }

  private statusOf(closure: StreamClosure): { code: number; message: string } | undefined {
    if (closure.kind === 'closed') return undefined
    if (closure.kind === 'ended') {
      if (closure.message.startsWith('grpc: ')) return { code: INTERNAL, message: closure.message }
      return { code: UNKNOWN, message: closure.message || 'EOF' }
    }
    if (closure.kind === 'violation')
      return { code: UNKNOWN, message: `error handling message, ending stream: ${closure.text}` }
    const error = this.options.explainClosure(closure, this.ccid)
    return { code: UNKNOWN, message: error?.message ?? '' }
  }
}
