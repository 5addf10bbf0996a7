/** Runs a PeerStream on a transport of the test, with the real stream chart, a simulated clock and a scripted supervisor. */
import { SimulatedClock } from 'xstate'
import { type StreamClosure, type StreamEvent, type StreamReport, streamMachine } from '../../machines/index.js'
import { ChaincodeMessage, ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import { ChaincodeID } from '../../proto/gen/peer/chaincode.js'
import { Response } from '../../proto/gen/peer/proposal.js'
import type { StreamTransport } from '../../services/stream-transport.js'
import { type ChaincodedError, failure, isFailure } from '../../src/errors.js'
import { createLogger } from '../../src/log.js'
import { type DecodedMessage, decodeMessage } from '../../src/protocol/message-codec.js'
import { PeerStream, type PeerStreamOptions } from '../../src/protocol/peer-stream.js'
import type { StreamCall } from '../../src/protocol/transactions-in-flight.js'
import { listener } from '../machines/scripted.js'
import { FakeSimulator } from './fake-simulator.js'

/** Keeps what is sent, and how it is closed. */
export class FakeTransport implements StreamTransport {
  readonly remoteAddress = '127.0.0.1:40001'
  bufferedBytes = 0
  readonly sent: DecodedMessage[] = []
  /** The status of each close; undefined is OK. */
  readonly closes: ({ code: number; message: string } | undefined)[] = []
  /** Callbacks of what was sent, while the test decides when it is written. */
  held: ((error?: Error) => void)[] | undefined
  private taken = 0
  private wake: () => void = () => undefined

  send(message: Uint8Array, written?: (error?: Error) => void): void {
    this.sent.push(decodeMessage(Buffer.from(message)))
    this.wake()
    if (!written) return
    if (this.held) this.held.push(written)
    else written()
  }

  close(status?: { code: number; message: string }): void {
    this.closes.push(status)
  }

  /** The next message that no test has taken yet. */
  async next(): Promise<DecodedMessage> {
    while (this.sent.length <= this.taken) await new Promise<void>((resolve) => (this.wake = resolve))
    return this.sent[this.taken++] as DecodedMessage
  }

  /** Takes all that was sent. */
  take(): DecodedMessage[] {
    const from = this.taken
    this.taken = this.sent.length
    return this.sent.slice(from)
  }
}

/** Lets everything happen that is only waiting for its turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The operating error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<ChaincodedError> {
  const outcome = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  if (!isFailure(outcome)) throw outcome
  return outcome
}

/** A marshalled `protos.Response`. */
export const responseBytes = (status: number, message = '', payload = ''): Buffer =>
  Buffer.from(Response.encode({ status, message, payload: Buffer.from(payload) }).finish())

/** What a chaincode sends; its type may be one that there is not. */
export type Sent = Partial<Omit<ChaincodeMessage, 'type'>> & { type: number }

/** Bytes of a message that a chaincode sends. */
export const bytesOf = (message: Sent): Buffer =>
  Buffer.from(ChaincodeMessage.encode(ChaincodeMessage.fromPartial(message as never)).finish())

/** What a test can change. */
export interface StreamScript extends Partial<Omit<PeerStreamOptions, 'request'>> {
  request?: Partial<PeerStreamOptions['request']>
  /** What the supervisor answers to REGISTER; undefined leaves the stream waiting. */
  decision?: StreamEvent | undefined
}

/** Opens a stream, and gives the words to play the chaincode, the supervisor and the caller. */
export function openStream(script: StreamScript = {}) {
  const { decision = { type: 'ACCEPT' }, request, ...change } = script
  const clock = new SimulatedClock()
  const timers = new Set<unknown>()
  const transport = new FakeTransport()
  const logged: { level: number; msg: string }[] = []
  const activity: string[] = []
  const closures: StreamClosure[] = []
  const supervisor = listener<StreamReport>((report) => {
    if (report.type === 'REGISTER' && !('decision' in script && !script.decision)) report.stream.send(decision)
  })
  const stream = new PeerStream(transport, {
    streamId: 7,
    machine: streamMachine,
    supervisor: supervisor.ref,
    clock: clock as unknown as PeerStreamOptions['clock'],
    request: {
      limits: { totalQueryLimit: 100_000, openIterators: 10 },
      historyEnabled: true,
      invokeChaincode: () => Promise.reject(new Error('nothing to invoke')),
      ...request,
    },
    registerTimeoutMs: 200,
    keepaliveMs: 0,
    executeTimeoutMs: 1000,
    transactionsLimit: 100,
    messageBytes: 100_000,
    additionalParams: {
      useWriteBatch: false,
      maxSizeWriteBatch: 1000,
      useGetMultipleKeys: true,
      maxSizeGetMultipleKeys: 2000,
    },
    log: createLogger({
      level: 'trace',
      destination: { write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[number]) },
    }),
    explainClosure: (closure, ccid) =>
      closure.kind === 'refused' ? failure('DUPLICATE_CHAINCODE', { ccid }) : undefined,
    onActivity: (ccid, streamId, active) => activity.push(`${ccid} ${streamId} ${active ? 'starts' : 'ends'}`),
    onClosed: (_stream, closure) => closures.push(closure),
    ...change,
  })
  const setTimer = clock.setTimeout.bind(clock)
  clock.setTimeout = (fn, timeout) => {
    const id = setTimer(() => {
      timers.delete(id)
      fn()
    }, timeout)
    timers.add(id)
    return id
  }
  const clearTimer = clock.clearTimeout.bind(clock)
  clock.clearTimeout = (id) => {
    timers.delete(id)
    clearTimer(id)
  }

  /** The chaincode sends a message. */
  const send = (message: Sent) => stream.onMessage(bytesOf(message))
  const register = (name = 'kv:1.0') =>
    send({ type: Type.REGISTER, payload: Buffer.from(ChaincodeID.encode({ path: '', name, version: '' }).finish()) })
  return {
    stream,
    transport,
    clock,
    /** Timers that were set since the stream was opened, and are neither over nor cleared. */
    timers,
    closures,
    activity,
    reports: supervisor.heard,
    /** Log lines of a level of pino's (20 debug, 40 warn, 50 error). */
    logged: (level: number) => logged.filter((line) => line.level === level).map(({ msg }) => msg),
    get state() {
      return stream.actor.getSnapshot().value
    },
    send,
    register,
    /** A caller has a transaction run. */
    execute: (txId = 'tx1', call: Partial<StreamCall> = {}) =>
      stream.execute({
        type: Type.TRANSACTION,
        channelId: 'ch',
        txId,
        namespace: 'kv',
        input: Buffer.from('the input'),
        signedProposal: Buffer.from('the proposal'),
        simulator: new FakeSimulator(txId),
        ...call,
      }),
    /** The chaincode asks for something in a transaction. */
    ask: (type: number, payload: Uint8Array = Buffer.alloc(0), txid = 'tx1', channelId = 'ch') =>
      send({ type, payload: Buffer.from(payload), txid, channelId }),
    complete: (txid = 'tx1', channelId = 'ch', payload = responseBytes(200)) =>
      send({ type: Type.COMPLETED, payload, txid, channelId }),
  }
}

/** Opens a stream and brings it to ready; what was sent on the way is taken. */
export function readyStream(script: StreamScript = {}) {
  const running = openStream(script)
  running.register()
  running.transport.take()
  return running
}

/** A message in short, for comparison: its name, transaction, and payload as text. */
export const short = ({ type, txid, channelId, payload }: DecodedMessage): string =>
  `${Type[type] ?? type} ${channelId}/${txid} ${payload.toString()}`.trim()
