import { status as GrpcStatus } from '@grpc/grpc-js'
import { type ActorRefFrom, createActor } from 'xstate'
import type { StreamClosure, StreamReport, streamMachine } from '../../machines/index.js'
import { ChaincodeAdditionalParams, ChaincodeID } from '../../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import type { StreamHandler, StreamTransport } from '../../services/stream-transport.js'
import { type ChaincodedError, failure, isFailure, messageOf } from '../errors.js'
import { type UnreadableMessage, unmarshal } from '../gateway/unmarshal.js'
import type { Logger } from '../log.js'
import { type Status, closingStatus } from './closing-status.js'
import type { RegistrationGuard } from '../registration-guard.js'
import { type RequestContext, errorPayload, handleRequest, isRequest, noContext } from './handle-request.js'
import { type DecodedMessage, decodeMessage, encodeMessage, messageTypeName } from './message-codec.js'
import type { Transaction } from './transaction.js'
import { type InFlightOptions, type StreamCall, TransactionsInFlight } from './transactions-in-flight.js'

/** What a stream is given besides its transport. */
export interface PeerStreamOptions extends InFlightOptions {
  streamId: number
  machine: typeof streamMachine
  supervisor: { send(report: StreamReport): void }
  request: RequestContext
  registerTimeoutMs: number
  keepaliveMs: number
  /** The only name that may register on it; any where there is none. */
  expectedCcid?: string | undefined
  /** Largest message to the chaincode, bytes; key `chaincoded.limits.messageBytes`. */
  messageBytes: number
  additionalParams: ChaincodeAdditionalParams
  log: Logger
  inspect?: Parameters<typeof createActor>[1] extends infer O ? (O extends { inspect?: infer I } ? I : never) : never
  /** Finds out who has opened the stream; without it everybody is who he says. */
  guard?: RegistrationGuard | undefined
  /** Says why a stream is refused, in the words of the error table. */
  explainClosure: (closure: StreamClosure, ccid: string) => ChaincodedError | undefined
  /** The first transaction started, or the last one ended. The end of the stream ends them all and is told by itself. */
  onActivity: (ccid: string, streamId: number, active: boolean) => void
  onClosed: (stream: PeerStream, closure: StreamClosure) => void
}

/** So many times the largest message may wait for a chaincode that does not read. */
const UNREAD_MESSAGES = 2

/** The peer's end of one chaincode stream: its chart, its transactions, and the messages between them. */
export class PeerStream implements StreamHandler {
  readonly actor: ActorRefFrom<typeof streamMachine>
  private readonly transactions: TransactionsInFlight
  /** The status that the stream ends with where gRPC has one of its own for it. */
  private endStatus: Status | undefined

  constructor(
    private readonly transport: StreamTransport,
    private readonly options: PeerStreamOptions,
  ) {
    const { machine, streamId, supervisor, registerTimeoutMs, keepaliveMs, expectedCcid, clock, inspect } = options
    this.transactions = new TransactionsInFlight(options, (active) => options.onActivity(this.ccid, streamId, active))
    this.actor = createActor(machine, {
      input: { streamId, supervisor: supervisor as never, registerTimeoutMs, keepaliveMs, expectedCcid },
      clock: clock as never,
      ...(inspect ? { inspect } : {}),
    })
    this.actor.on('AUTHORIZE', ({ ccid }) => this.authorize(ccid))
    this.actor.on('GREET', () => this.greet())
    this.actor.on('SEND_KEEPALIVE', () => this.send(encodeMessage({ type: Type.KEEPALIVE })))
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
    return this.transactions.size
  }

  onMessage(buffer: Buffer): void {
    let message: DecodedMessage
    try {
      message = decodeMessage(buffer)
    } catch (error) {
      this.fail(GrpcStatus.INTERNAL, `grpc: failed to unmarshal the received message ${messageOf(error)}`)
      return
    }
    const state = this.actor.getSnapshot().value
    if (state === 'created' && message.type !== Type.REGISTER && this.options.guard?.registerFirst) {
      this.actor.send({ type: 'UNAUTHORIZED', text: failure('REGISTER_NOT_FIRST', {}).message })
      return
    }
    if (message.type === Type.KEEPALIVE) return
    switch (state) {
      case 'ready':
        if (isRequest(message.type)) this.request(message)
        else if (message.type === Type.COMPLETED || message.type === Type.ERROR) this.answered(message)
        else this.misplaced(message, state)
        break
      case 'created':
        if (message.type === Type.REGISTER) this.register(message.payload)
        else this.misplaced(message, state)
        break
      case 'closed':
        break
      default:
        this.violation(`handle message: invalid state ${state} for transaction ${message.txid}`)
    }
  }

  onEnd(end: { kind: string; message: string }): void {
    this.actor.send({ type: 'ENDED', message: end.message })
  }

  /**
   * Runs a transaction. Resolves with the chaincode's COMPLETED or ERROR. Rejects with TXID_EXISTS, EXECUTE_TIMEOUT,
   * STREAM_TERMINATED, TOO_MANY_TRANSACTIONS, MESSAGE_TOO_LARGE or CALL_CANCELLED.
   */
  execute(call: StreamCall): Promise<DecodedMessage> {
    const { type, channelId, txId: txid, input: payload, signedProposal: proposal } = call
    if (this.actor.getSnapshot().value !== 'ready') return Promise.reject(failure('STREAM_TERMINATED', {}))
    const refusal = this.transactions.refusal(call, this.ccid)
    if (refusal) return Promise.reject(refusal)
    const message = encodeMessage({ type, txid, channelId, payload, proposal })
    const tooLarge = this.tooLarge(type, message)
    if (tooLarge) return Promise.reject(tooLarge)
    const outcome = this.transactions.start(call)
    this.send(message)
    return outcome
  }

  /** Every message goes this way, once the stream is ready: what a chaincode does not read must not fill the memory. */
  private send(message: Buffer): void {
    const { bufferedBytes } = this.transport
    const limitBytes = this.options.messageBytes * UNREAD_MESSAGES
    if (bufferedBytes <= limitBytes) this.transport.send(message)
    else {
      const { message: text } = failure('UNREAD_MESSAGES', { ccid: this.ccid, bufferedBytes, limitBytes })
      this.fail(GrpcStatus.RESOURCE_EXHAUSTED, text)
    }
  }

  /** The error for a message that the transport would end the stream for. */
  private tooLarge(type: Type, message: Buffer): ChaincodedError | undefined {
    const limitBytes = this.options.messageBytes
    if (message.length <= limitBytes) return undefined
    return failure('MESSAGE_TOO_LARGE', { type: messageTypeName(type), bytes: message.length, limitBytes })
  }

  private fail(code: number, message: string): void {
    if (this.actor.getSnapshot().status !== 'active') return
    this.options.log.warn(
      { remoteAddress: this.transport.remoteAddress, ccid: this.ccid },
      `chaincode stream ended: ${message}`,
    )
    this.endStatus = { code, message }
    this.actor.send({ type: 'ENDED', message })
  }

  private register(payload: Buffer): void {
    let ccid: string
    try {
      ccid = unmarshal(ChaincodeID, payload, 'ChaincodeID').name
    } catch (error) {
      this.actor.send({ type: 'REGISTER_UNDECODABLE', detail: (error as UnreadableMessage).detail })
      return
    }
    this.actor.send({ type: 'REGISTER_RECEIVED', ccid })
  }

  private authorize(ccid: string): void {
    const decide = (refusal: ChaincodedError | undefined) =>
      this.actor.send(refusal ? { type: 'UNAUTHORIZED', text: refusal.message } : { type: 'AUTHORIZED' })
    const refusal = this.options.guard?.refusal(this.transport, ccid)
    if (refusal instanceof Promise) void refusal.then(decide)
    else decide(refusal)
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
      this.refuse(message, error)
      return
    }
    if (Buffer.isBuffer(result)) this.respond(message, result)
    else void this.respondLater(message, transaction as Transaction, result)
  }

  /** The transaction is free again before its answer can be seen, so that the next request is never dropped. */
  private async respondLater(message: DecodedMessage, transaction: Transaction, result: Promise<Buffer>) {
    transaction.busy = true
    let outcome: Buffer | { error: unknown }
    try {
      outcome = await result
    } catch (error) {
      outcome = { error }
    }
    transaction.busy = false
    // Whoever has completed a transaction waits for no answer; some shims end when one comes.
    if (transaction.state === 'completed') return
    if (transaction.state === 'abandoned') this.refuse(message, noContext(message.type))
    else if (Buffer.isBuffer(outcome)) this.respond(message, outcome)
    else this.refuse(message, outcome.error)
  }

  private respond(request: DecodedMessage, payload: Buffer): void {
    const { txid, channelId } = request
    const response = encodeMessage({ type: Type.RESPONSE, txid, channelId, payload })
    const tooLarge = this.tooLarge(Type.RESPONSE, response)
    if (tooLarge) this.refuse(request, tooLarge)
    else this.send(response)
  }

  private refuse({ type, txid, channelId }: DecodedMessage, error: unknown): void {
    if (!isFailure(error)) this.options.log.error({ err: error }, `${messageTypeName(type)} failed unexpectedly`)
    this.send(encodeMessage({ type: Type.ERROR, txid, channelId, payload: errorPayload(type, txid, error) }))
  }

  private answered(message: DecodedMessage): void {
    const transaction = this.transactions.get(message.channelId, message.txid)
    if (transaction?.state === 'executing') this.transactions.settle(transaction, message)
    else if (transaction) {
      this.transactions.forget(transaction)
      this.options.log.warn(
        `late ${messageTypeName(message.type)} of ${this.ccid} for transaction ${message.txid} refused: its caller was told that it failed`,
      )
    } else this.options.log.debug(`notifier Txid:${message.txid}, channelID:${message.channelId} does not exist`)
  }

  private misplaced({ txid, type }: DecodedMessage, state: string): void {
    const name = messageTypeName(type)
    this.violation(`[${txid}] Fabric side handler cannot handle message (${name}) while in ${state} state`)
  }

  private violation(text: string): void {
    this.actor.send({ type: 'VIOLATION', text })
  }

  private closed(closure: StreamClosure): void {
    this.transactions.settleAll(failure('STREAM_TERMINATED', {}))
    const status = closingStatus(closure, (reason) => this.options.explainClosure(reason, this.ccid))
    this.transport.close(this.endStatus ?? status)
    this.options.onClosed(this, closure)
  }
}
