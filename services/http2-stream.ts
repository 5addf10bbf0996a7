import { constants, type ServerHttp2Stream } from 'node:http2'
import { responseHeaders, type Status, statusTrailers } from './grpc-status.js'
import { Http2Messages, type MessagesOptions } from './http2-messages.js'
import type { AcceptStream } from './stream-transport.js'

/** What a stream is told by its listener. */
export interface Http2StreamOptions extends MessagesOptions {
  /** The client's `grpc-encoding`. */
  encoding: string
  accept: AcceptStream
}

/** A gRPC stream that a client has opened. It sends the headers and calls `accept` when it is made. */
export class Http2Stream extends Http2Messages {
  constructor(stream: ServerHttp2Stream, options: Http2StreamOptions) {
    super(stream, options, 'client')
    stream.on('wantTrailers', () => {
      stream.sendTrailers(statusTrailers(this.status as Status))
      // A client need not end its side, but the stream has to; a reset in this turn would overtake the trailers.
      setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR))
    })
    stream.respond(responseHeaders, { waitForTrailers: true })
    this.handler = options.accept(this)
    this.read(options.encoding)
  }

  protected ended(): void {
    if (this.handler.onHalfClose) return this.handler.onHalfClose()
    this.tell({ kind: 'eof', message: '' })
    setImmediate(() => this.close())
  }
}
