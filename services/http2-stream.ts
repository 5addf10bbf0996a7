import { constants, type ServerHttp2Stream } from 'node:http2'
import { FrameReader, FramingError, packFrames } from './grpc-framing.js'
import { responseHeaders, type Status, statusCode, statusTrailers, tooLargeText } from './grpc-status.js'
import type { AcceptStream, StreamEnd, StreamHandler, StreamTransport } from './stream-transport.js'

/** What a stream is told by its listener. */
export interface Http2StreamOptions {
  remoteAddress: string
  /** The client's `grpc-encoding`. */
  encoding: string
  maxMessageBytes: number
  /** A closed stream that has not delivered what is queued and its status after this time is reset, ms. */
  closeTimeoutMs: number
  accept: AcceptStream
  /** Why the connection is gone; undefined while it is there. */
  connectionEnd: () => string | undefined
}

/**
 * The gRPC messages of one stream of Node's http2, whose `error` event the owner has to listen to.
 * It sends the headers and calls `accept` when it is made.
 */
export class Http2Stream implements StreamTransport {
  readonly remoteAddress: string
  bufferedBytes = 0
  private readonly reader: FrameReader
  private readonly handler: StreamHandler
  private queue: Uint8Array[] = []
  private callbacks: ((error?: Error) => void)[] = []
  private isWriting = false
  private status: Status | undefined
  private hasEnded = false

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly options: Http2StreamOptions,
  ) {
    this.remoteAddress = options.remoteAddress
    this.reader = new FrameReader(options.maxMessageBytes, options.encoding, (message) => {
      this.handler.onMessage(message)
      return this.status === undefined
    })
    stream.on('close', () => this.closed())
    stream.on('wantTrailers', () => {
      stream.sendTrailers(statusTrailers(this.status as Status))
      // A client need not end its side, but the stream has to; a reset in this turn would overtake the trailers.
      setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
    })
    stream.respond(responseHeaders, { waitForTrailers: true })
    this.handler = options.accept(this)
    stream.on('data', (chunk: Buffer) => this.receive(chunk))
    // Clients on Node end their side before they reset the stream, so only the next turn tells whether they did.
    stream.on('end', () => setImmediate(() => this.receiveEnd()))
  }

  send(message: Uint8Array, written?: (error?: Error) => void): void {
    const { maxMessageBytes } = this.options
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
    const timer = setTimeout(() => this.stream.close(constants.NGHTTP2_CANCEL), this.options.closeTimeoutMs)
    this.stream.once('close', () => clearTimeout(timer))
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
    if (this.status !== undefined || this.stream.closed || this.stream.destroyed) return
    if (this.reader.isPartial) return this.fail({ code: statusCode.internal, message: 'unexpected EOF' })
    if (this.handler.onHalfClose) return this.handler.onHalfClose()
    this.tell({ kind: 'eof', message: '' })
    setImmediate(() => this.close())
  }

  private fail(status: Status): void {
    this.close(status)
    // The handler may be the one who called.
    process.nextTick(() => this.tell({ kind: 'error', message: status.message }))
  }

  private closed(): void {
    const lost = this.options.connectionEnd()
    if (this.status !== undefined) this.tell({ kind: 'closed', message: '' })
    else if (lost !== undefined) this.tell({ kind: 'error', message: lost })
    else {
      const { rstCode } = this.stream
      const isCancelled = rstCode === constants.NGHTTP2_CANCEL
      const how = isCancelled ? 'cancelled the stream' : `reset the stream with HTTP/2 error code ${rstCode}`
      this.tell({ kind: 'error', message: `the client ${how}` })
    }
  }

  private tell(end: StreamEnd): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.handler.onEnd(end)
  }
}
