import { Server, type ServerDuplexStream, ServerCredentials } from '@grpc/grpc-js'
import { certificateHash } from './chaincode-authority.js'
import { statusCode, type Status, tooLargeText } from './grpc-status.js'
import { healthRoutes } from './health.js'
import type {
  AcceptStream,
  ChaincodeListener,
  ListenerOptions,
  ListenerTls,
  StreamEnd,
  StreamTransport,
} from './stream-transport.js'

type Call = ServerDuplexStream<Buffer, Uint8Array>

/** How long `close` waits for the clients to take their status and to leave, ms. */
const closeTimeoutMs = 1000

/**
 * Serves the same as `listenHttp2` on @grpc/grpc-js, to hold one against the other. It is slower, since each message waits
 * for the flush of the one before, and tells neither what it refuses (no `onRefused`) nor why a stream broke.
 * Rejects with an error of code EADDRINUSE, EACCES … when it cannot listen.
 */
export async function listenGrpcJs(options: ListenerOptions): Promise<ChaincodeListener> {
  const { host, maxMessageBytes, pingIntervalMs, pingTimeoutMs } = options
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.keepalive_timeout_ms': pingTimeoutMs,
    ...(pingIntervalMs > 0 ? { 'grpc.keepalive_time_ms': pingIntervalMs } : {}),
  })
  const streams = new Set<GrpcJsStream>()
  const routes = healthRoutes(options.isServing).set('/protos.ChaincodeSupport/Register', options.accept)
  for (const [path, accept] of routes) {
    const handle = (call: Call) => {
      const stream = new GrpcJsStream(call, accept, maxMessageBytes)
      streams.add(stream)
      call.once('cancelled', () => streams.delete(stream))
    }
    server.register(path, handle, toBuffer, (bytes: Buffer) => bytes, 'bidi')
  }
  const port = await bind(server, host, options.port, options.tls)
  let closing: Promise<void> | undefined
  const shutDown = () =>
    new Promise<void>((resolve) => {
      for (const stream of streams) {
        stream.close({ code: statusCode.unavailable, message: 'the peer is shutting down' })
      }
      // Resolves here too: grpc-js does not call back when it shuts down while one of its sessions is being destroyed.
      const timer = setTimeout(() => {
        server.forceShutdown()
        resolve()
      }, closeTimeoutMs)
      server.tryShutdown(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  return { host, port, close: () => (closing ??= shutDown()) }
}

function bind(server: Server, host: string, port: number, tls: ListenerTls | undefined): Promise<number> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => {
      // grpc-js keeps the code in the text only.
      if (error) reject(Object.assign(error, { code: /\bE[A-Z]+\b/.exec(error.message)?.[0] }))
      else resolve(bound)
    })
  })
}

function credentialsOf(tls: ListenerTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure()
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) }
  return ServerCredentials.createSsl(Buffer.from(tls.root), [pair], true)
}

const toBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

class GrpcJsStream implements StreamTransport {
  readonly remoteAddress: string
  readonly certificateHash?: string
  bufferedBytes = 0
  private readonly handler
  private readonly unwritten: { length: number; written?: (error?: Error) => void }[] = []
  private isClosed = false
  private isGone = false
  private hasEnded = false

  constructor(
    private readonly call: Call,
    accept: AcceptStream,
    private readonly maxMessageBytes: number,
  ) {
    this.remoteAddress = call.getPeer()
    const certificate = call.getAuthContext().sslPeerCertificate
    if (certificate) this.certificateHash = certificateHash(certificate.raw)
    this.handler = accept(this)
    call.on('data', (message: Buffer) => {
      if (!this.isClosed) this.handler.onMessage(message)
    })
    // A call that is cancelled ends first.
    call.on('end', () => setImmediate(() => this.receiveEnd()))
    call.on('cancelled', () => {
      this.isGone = true
      // grpc-js forgets the callbacks of a call that ended.
      while (this.unwritten.length > 0) this.written(new Error('the stream is closed'))
      if (this.isClosed) this.tell({ kind: 'closed', message: '' })
      else this.tell({ kind: 'error', message: 'the client or the connection went away, or a message was refused' })
    })
  }

  send(message: Uint8Array, written?: (error?: Error) => void): void {
    const { length } = message
    if (length > this.maxMessageBytes) {
      const text = tooLargeText('trying to send message', length, this.maxMessageBytes)
      if (written) process.nextTick(written, new Error(text))
      else this.fail({ code: statusCode.resourceExhausted, message: text })
    } else if (this.isClosed || this.isGone) {
      if (written) process.nextTick(written, new Error('the stream is closed'))
    } else {
      this.bufferedBytes += length
      this.unwritten.push({ length, written })
      this.call.write(message, () => this.written())
    }
  }

  close(status: Status = { code: statusCode.ok, message: '' }): void {
    if (this.isClosed) return
    this.isClosed = true
    if (status.code === statusCode.ok) this.call.end()
    else
      this.call.emit('error', Object.assign(new Error(status.message), { code: status.code, details: status.message }))
  }

  private written(error?: Error): void {
    const { length, written } = this.unwritten.shift() ?? { length: 0 }
    this.bufferedBytes -= length
    written?.(error)
  }

  private receiveEnd(): void {
    if (this.isClosed || this.isGone) return
    if (this.handler.onHalfClose) return this.handler.onHalfClose()
    this.tell({ kind: 'eof', message: '' })
    setImmediate(() => this.close())
  }

  private fail(status: Status): void {
    this.close(status)
    process.nextTick(() => this.tell({ kind: 'error', message: status.message }))
  }

  private tell(end: StreamEnd): void {
    if (this.hasEnded) return
    this.hasEnded = true
    this.handler.onEnd(end)
  }
}
