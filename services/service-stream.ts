import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { statusCode } from './grpc-status.js'
import { Http2Messages, type MessagesOptions } from './http2-messages.js'
import type { AcceptStream, StreamEnd } from './stream-transport.js'

/** The method that a chaincode which runs as a service serves. */
const connectPath = '/protos.Chaincode/Connect'

/** What a stream to a service is told. */
export interface ServiceStreamOptions extends MessagesOptions {
  /** The `:authority` of the call. */
  authority: string
  accept: AcceptStream
  /** Called when nothing of the stream is left, after its handler has been told. */
  onClosed: () => void
}

/** The stream of `protos.Chaincode/Connect` that this side opens; `accept` is called when it is made. */
export class ServiceStream extends Http2Messages {
  /** How it ended; undefined while it lives. */
  end: StreamEnd | undefined
  /** How the service ended the call; undefined while it has not. */
  private answer: { code: number; message: string } | undefined

  constructor(session: ClientHttp2Session, options: ServiceStreamOptions) {
    const stream = session.request({
      ':method': 'POST',
      ':path': connectPath,
      ':authority': options.authority,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-accept-encoding': 'identity',
    })
    super(stream, options, 'service')
    stream.on('error', () => undefined) // Always followed by `close`.
    this.handler = options.accept(this)
    stream.on('response', (headers) => this.answered(headers, stream))
    stream.on('trailers', (trailers) => this.noteStatus(trailers))
    stream.once('close', options.onClosed)
  }

  protected ended(): void {
    const { code, message } = this.answer ?? { code: statusCode.internal, message: 'the stream ended without a status' }
    if (code === statusCode.ok) this.tell({ kind: 'eof', message: '' })
    else if (code === statusCode.unimplemented)
      this.tell({ kind: 'error', message: `the server does not implement ${connectPath.slice(1)}: ${message}` })
    else this.tell({ kind: 'error', message: `the service ended the stream with gRPC status ${code}: ${message}` })
    setImmediate(() => this.close())
  }

  protected override isReset(): boolean {
    return this.answer === undefined && super.isReset()
  }

  protected override tell(end: StreamEnd): void {
    this.end ??= end
    super.tell(end)
  }

  private answered(headers: IncomingHttpHeaders & { ':status'?: number }, stream: ClientHttp2Stream): void {
    const type = headers['content-type'] ?? ''
    if (headers[':status'] !== 200 || !/^application\/grpc(?:$|[+;])/.test(type)) {
      const what = `HTTP status ${headers[':status']}, content type ${type || 'none'}`
      stream.resume()
      this.fail({ code: statusCode.internal, message: `what answers speaks HTTP/2, but is no gRPC server: ${what}` })
      return
    }
    this.noteStatus(headers)
    this.read(String(headers['grpc-encoding'] ?? 'identity'))
  }

  private noteStatus(headers: IncomingHttpHeaders): void {
    const code = headers['grpc-status']
    if (code !== undefined) this.answer = { code: Number(code), message: decode(String(headers['grpc-message'] ?? '')) }
  }
}

/** The text of a `grpc-message`; as it came where it is not encoded as it should be. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
