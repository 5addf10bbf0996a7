import { once } from 'node:events'
import {
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { type ConnectionPeer, connectionServer } from './connection-server.js'
import { responseHeaders, statusCode, statusTrailers } from './grpc-status.js'
import { healthRoutes } from './health.js'
import { connectionWindowBytes, maxSessionMemory, streamWindowBytes } from './http2-limits.js'
import { Http2Stream } from './http2-stream.js'
import { keepAlive } from './keep-alive.js'
import { sniffPreface } from './sniff-preface.js'
import type { ChaincodeListener, ListenerOptions } from './stream-transport.js'

/** How long `close` waits for the clients to take their status and to leave, ms. */
const closeTimeoutMs = 1000

/**
 * Serves `protos.ChaincodeSupport/Register` and the standard health service: gRPC's framing on Node's http2, in plain text or
 * over TLS with client certificates.
 * Rejects with Node's own error when it cannot listen (code EADDRINUSE, EACCES, EADDRNOTAVAIL …).
 */
export async function listenHttp2(options: ListenerOptions): Promise<ChaincodeListener> {
  const listener = new Http2Listener(options)
  await listener.listen()
  return listener
}

class Http2Listener implements ChaincodeListener {
  readonly host: string
  port = 0
  private readonly routes
  private readonly server
  /** Every TCP connection, also in its TLS handshake. */
  private readonly sockets = new Set<Socket>()
  private readonly http2 = createHttp2Server({ settings: { initialWindowSize: streamWindowBytes }, maxSessionMemory })
  /** Every connection; undefined until it is known to be HTTP/2. */
  private readonly sessions = new Map<Socket, ServerHttp2Session | undefined>()
  private readonly streams = new Set<Http2Stream>()
  private closing: Promise<void> | undefined

  constructor(private readonly options: ListenerOptions) {
    this.host = options.host
    this.server = connectionServer(options.tls, options.pingTimeoutMs, {
      connect: (socket, peer) => this.connect(socket, peer),
      refuse: (remoteAddress, why) => options.onRefused?.(remoteAddress, why),
    })
    this.server.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    this.routes = healthRoutes(options.isServing).set('/protos.ChaincodeSupport/Register', options.accept)
  }

  async listen(): Promise<void> {
    this.server.listen(this.options.port, this.host)
    await once(this.server, 'listening')
    this.port = (this.server.address() as AddressInfo).port
    // A connection that cannot be accepted, say for want of file descriptors, is no reason to stop.
    this.server.on('error', (error) => this.options.onRefused?.('', error.message))
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const stream of this.streams)
      stream.close({ code: statusCode.unavailable, message: 'the peer is shutting down' })
    for (const [socket, session] of this.sessions) {
      if (session) session.close()
      else socket.destroy()
    }
    const timer = setTimeout(() => this.sockets.forEach((socket) => socket.destroy()), closeTimeoutMs)
    await closed
    clearTimeout(timer)
  }

  private connect(socket: Socket, peer: ConnectionPeer): void {
    const refuse = (why: string) => this.options.onRefused?.(peer.remoteAddress, why)
    this.sessions.set(socket, undefined)
    socket.once('close', () => this.sessions.delete(socket))
    sniffPreface(socket, this.options.pingTimeoutMs, {
      refuse,
      accept: () => {
        this.http2.once('session', (session) => this.serveSession(session, socket, peer))
        this.http2.emit('connection', socket)
      },
    })
  }

  private serveSession(session: ServerHttp2Session, socket: Socket, peer: ConnectionPeer): void {
    const { pingTimeoutMs } = this.options
    let end = 'the connection was lost'
    let hasStreams = false
    this.sessions.set(socket, session)
    session.setLocalWindowSize(connectionWindowBytes)
    session.on('error', (error) => {
      end = `the connection was lost: ${error.message}`
      if (!hasStreams) this.options.onRefused?.(peer.remoteAddress, error.message)
    })
    session.on('stream', (stream, headers) => {
      hasStreams = true
      this.serveStream(stream, headers, peer, () => (session.destroyed ? end : undefined))
    })
    keepAlive(session, socket, this.options, () => {
      end = `the connection was closed: no answer to an HTTP/2 ping within ${pingTimeoutMs} ms`
      session.destroy()
    })
  }

  private serveStream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    peer: ConnectionPeer,
    connectionEnd: () => string | undefined,
  ): void {
    stream.on('error', () => undefined) // Always followed by `close`.
    const path = String(headers[':path'])
    const accept = this.routes.get(path)
    if (!/^application\/grpc(?:$|[+;])/.test(headers['content-type'] ?? ''))
      stream.respond({ ':status': 415 }, { endStream: true })
    else if (!accept) {
      const message = `The server does not implement the method ${path}`
      const trailers = statusTrailers({ code: statusCode.unimplemented, message })
      stream.respond({ ...responseHeaders, ...trailers }, { endStream: true })
    } else {
      const { maxMessageBytes, pingTimeoutMs } = this.options
      const encoding = String(headers['grpc-encoding'] ?? 'identity')
      const open = new Http2Stream(stream, {
        ...peer,
        encoding,
        maxMessageBytes,
        closeTimeoutMs: pingTimeoutMs,
        accept,
        connectionEnd,
      })
      this.streams.add(open)
      stream.once('close', () => this.streams.delete(open))
    }
  }
}
