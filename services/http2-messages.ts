import { constants, type Http2Stream } from 'node:http2'
import { FrameReader, FramingError, packFrames } from './grpc-framing.js'
import { type Status, statusCode, tooLargeText } from './grpc-status.js'
import type { StreamEnd, StreamHandler, StreamTransport } from './stream-transport.js'

/** What the messages of a stream need to be told, whichever side it is. */
export interface MessagesOptions {
  remoteAddress: string
  /** SHA-256 of the other side's certificate, hex. */
  certificateHash?: string
  maxMessageBytes: number
  /** A closed stream that has not delivered what is queued and its end after this time is reset, ms. */
  closeTimeoutMs: number
  /** Why the connection is gone; undefined while it is there. */
  connectionEnd: () => string | undefined
}

/**
 * The gRPC messages of one stream of Node's http2, of either side; the `error` event of the stream is the owner's to
 * listen to. What begins and ends a stream differs between client and server, and is theirs.
 */
export abstract class Http2Messages implements StreamTransport {
  readonly remoteAddress: string
  readonly certificateHash?: string
  bufferedBytes = 0
  /** The program's side; set before the first byte is read. */
  protected handler!: StreamHandler
  /** How this side closed the stream; undefined while it has not. */
  protected status: Status | undefined
  private reader!: FrameReader
  private queue: Uint8Array[] = []
  private callbacks: ((error?: Error) => void)[] = []
  private isWriting = false
  private hasEnded = false

  protected constructor(
    private readonly stream: Http2Stream,
    private readonly messages: MessagesOptions,
    /** The other side, as texts name it. */
    private readonly otherSide: 'client' | 'service',
  ) {
    this.remoteAddress = messages.remoteAddress
    if (messages.certificateHash !== undefined) this.certificateHash = messages.certificateHash
    stream.on('close', () => this.closed())
  }

  send(message: Uint8Array, written?: (error?: Error) => void): void {
    const { maxMessageBytes } = this.messages
    if (message.length > maxMessageBytes) {
      const text = tooLargeText('trying to send message', message.length, maxMessageBytes)
      if (written) process.nextTick(written, new Error(text))
      else this.fail({ code: statusCode.resourceExhausted, message: text })
    } else if (this.status !== undefined || this.stream.destroyed) {
      if (written) process.nextTick(written, new Error('the stream is closed'))
    } else {
      this.bufferedBytes += message.length
      this.queue.push(message)
      if (written) this.callbacks.push(written)
      if (this.isWriting) return
      this.isWriting = true
      process.nextTick(() => this.flush())
    }
  }

  close(status: Status = { code: statusCode.ok, message: '' }): void {
    if (this.status !== undefined) return
    this.status = status
    if (!this.isWriting) this.stream.end()
    if (this.stream.destroyed) return
    const timer = setTimeout(() => this.stream.close(constants.NGHTTP2_CANCEL), this.messages.closeTimeoutMs)
    this.stream.once('close', () => clearTimeout(timer))
  }

  /** Reads messages from now on. `encoding` is the other side's `grpc-encoding`. */
  protected read(encoding: string): void {
    this.reader = new FrameReader(this.messages.maxMessageBytes, encoding, (message) => {
      this.handler.onMessage(message)
      return this.status === undefined
    })
    this.stream.on('data', (chunk: Buffer) => this.receive(chunk))
    // A stream that is reset ends its readable side first, so only the next turn tells how it ended.
    this.stream.on('end', () => setImmediate(() => this.receiveEnd()))
  }

  /** The other side has ended its side cleanly, after whole messages. */
  protected abstract ended(): void

  protected fail(status: Status): void {
    this.close(status)
    // The handler may be the one who called.
    process.nextTick(() => this.tell({ kind: 'error', message: status.message }))
  }

  protected tell(end: StreamEnd): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.handler.onEnd(end)
  }

  /** Hands all that is queued to the socket. What is sent until that is done goes together in the next write. */
  private flush(): void {
    const chunks = packFrames(this.queue)
    const { callbacks, bufferedBytes } = this
    this.queue = []
    this.callbacks = []
    if (chunks.length > 1) this.stream.cork()
    const last = chunks.pop() as Uint8Array
    for (const chunk of chunks) this.stream.write(chunk)
    this.stream.write(last, (error) => this.flushed(bufferedBytes, callbacks, error ?? undefined))
    if (chunks.length > 0) this.stream.uncork()
  }

  private flushed(bytes: number, callbacks: ((error?: Error) => void)[], error: Error | undefined): void {
    this.bufferedBytes -= bytes
    // Node reports no error for what a destroyed stream drops.
    const reason = error ?? (this.stream.destroyed ? new Error('the stream is closed') : undefined)
    for (const callback of callbacks) callback(reason)
    if (this.queue.length > 0) return this.flush()
    this.isWriting = false
    if (this.status !== undefined) this.stream.end()
  }

  private receive(chunk: Buffer): void {
    if (this.status !== undefined) return
    try {
      this.reader.push(chunk)
    } catch (error) {
      if (!(error instanceof FramingError)) throw error
      this.fail({ code: error.code, message: error.message })
    }
  }

  private receiveEnd(): void {
    // The readable side of a stream that was reset or lost ends too; `close` follows and tells why.
    if (this.status === undefined && !this.isReset()) this.finish()
  }

  /** The stream is gone, and the other side did not end it in gRPC's way. */
  protected isReset(): boolean {
    return this.stream.closed || this.stream.destroyed
  }

  private finish(): void {
    if (this.reader.isPartial) this.fail({ code: statusCode.internal, message: 'unexpected EOF' })
    else this.ended()
  }

  private closed(): void {
    const lost = this.messages.connectionEnd()
    if (this.status !== undefined) this.tell({ kind: 'closed', message: '' })
    else if (!this.isReset()) this.finish()
    else if (lost !== undefined) this.tell({ kind: 'error', message: lost })
    else {
      const { rstCode } = this.stream
      const isCancelled = rstCode === constants.NGHTTP2_CANCEL
      const how = isCancelled ? 'cancelled the stream' : `reset the stream with HTTP/2 error code ${rstCode}`
      this.tell({ kind: 'error', message: `the ${this.otherSide} ${how}` })
    }
  }
}
