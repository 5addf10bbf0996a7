import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ServiceEvent } from '../machines/service.js'
import {
  type DialFailure,
  type DialTarget,
  explainTlsPeer,
  explainConnectError,
  explainTlsClose,
  explainTlsError,
} from './explain-dial-failure.js'
import { connectionWindowBytes, maxSessionMemory, streamWindowBytes } from './http2-limits.js'
import { keepAlive } from './keep-alive.js'
import { openSocket } from './open-socket.js'
import { probePort } from './probe-port.js'
import { ServiceStream } from './service-stream.js'
import type { AcceptStream } from './stream-transport.js'

/** What is dialled, and how. */
export interface DialOptions extends DialTarget {
  /** The `:authority` of the call. */
  authority: string
  /** Called for the stream, before its first message. */
  accept: AcceptStream
  /** Largest message in either direction, bytes (Fabric: 100 MiB). */
  maxMessageBytes: number
  /** Time between HTTP/2 pings on an idle connection, ms; 0 = none (Fabric: 1 min). */
  pingIntervalMs: number
  /** A connection whose ping is not answered in this time is closed, ms (Fabric: 20 s). */
  pingTimeoutMs: number
  /** A connection that is hung up has this time to deliver what is queued, ms. */
  closeTimeoutMs: number
}

/** A connection that is being made, or is there. */
export interface DialledService {
  /** Ends the dial or the connection; DIAL_FAILED or DISCONNECTED follows when nothing is left. Idempotent. */
  hangUp(): void
}

/**
 * Dials a chaincode that runs as a service and opens `protos.Chaincode/Connect`. `notify` is told REACHED at each step,
 * then CONNECTED and at the end DISCONNECTED, or DIAL_FAILED alone; never before this function has returned. How long a
 * dial may take is the caller's to decide.
 */
export function dialService(options: DialOptions, notify: (event: ServiceEvent) => void): DialledService {
  return new Dial(options, notify)
}

class Dial implements DialledService {
  private readonly socket: Socket
  private readonly abort = new AbortController()
  private stage: 'tcp' | 'tls' | 'http2' | 'up' = 'tcp'
  private failure: DialFailure | undefined
  private session: ClientHttp2Session | undefined
  private stream: ServiceStream | undefined
  /** Why the connection went away, where that is known. */
  private lost = 'the connection was lost'

  constructor(
    private readonly options: DialOptions,
    private readonly notify: (event: ServiceEvent) => void,
  ) {
    const socket = (this.socket = openSocket(options))
    socket.on('error', (error) => this.note(error))
    socket.once('close', () => void this.closed())
    socket.once('connect', () => this.reached(options.tls ? 'tls' : 'http2'))
    if (options.tls) socket.once('secureConnect', () => this.secured(socket as TLSSocket))
    else socket.once('connect', () => this.startSession())
  }

  hangUp(): void {
    this.abort.abort()
    if (this.stream) this.stream.close()
    else if (this.session) this.session.destroy()
    else this.socket.destroy()
  }

  private reached(stage: 'tls' | 'http2'): void {
    this.stage = stage
    this.notify({ type: 'REACHED', awaited: stage === 'tls' ? 'the TLS handshake' : 'HTTP/2' })
  }

  private note(error: NodeJS.ErrnoException): void {
    const { options, stage } = this
    this.lost = `the connection was lost: ${error.message}`
    if (stage === 'tcp') this.failure ??= explainConnectError(error, options)
    else if (stage !== 'up' && options.tls) this.failure ??= explainTlsError(error, options, stage)
    // After an alert neither Node's TLS nor its HTTP/2 lets go of the socket.
    this.socket.destroy()
  }

  private secured(socket: TLSSocket): void {
    this.failure = explainTlsPeer(socket, this.options)
    if (this.failure) return void socket.destroy()
    this.reached('http2')
    this.startSession()
  }

  private startSession(): void {
    const { socket, options } = this
    const session = connectHttp2(`${options.tls ? 'https' : 'http'}://${options.address}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory,
    })
    this.session = session
    session.once('connect', () => session.setLocalWindowSize(connectionWindowBytes))
    session.on('error', (error) => this.note(error))
    session.once('close', () => socket.destroy())
    session.once('remoteSettings', () => this.connected(session))
  }

  private connected(session: ClientHttp2Session): void {
    if (this.abort.signal.aborted) return
    const { accept, maxMessageBytes, closeTimeoutMs, pingTimeoutMs, address, authority } = this.options
    this.stage = 'up'
    this.stream = new ServiceStream(session, {
      remoteAddress: address,
      authority,
      accept,
      maxMessageBytes,
      closeTimeoutMs,
      connectionEnd: () => (session.destroyed ? this.lost : undefined),
      onClosed: () => session.destroy(),
    })
    this.notify({ type: 'CONNECTED' })
    keepAlive(session, this.socket, this.options, () => {
      this.lost = `the connection was closed: no answer to an HTTP/2 ping within ${pingTimeoutMs} ms`
      session.destroy()
    })
  }

  /** Nothing of the connection is left. */
  private async closed(): Promise<void> {
    if (this.stage === 'up') {
      this.notify({ type: 'DISCONNECTED', message: this.stream?.end?.message ?? this.lost })
      return
    }
    this.failure ??= await this.explainClose()
    this.notify({ type: 'DIAL_FAILED', ...this.failure })
  }

  /** Why a connection ended that got no HTTP/2. */
  private async explainClose(): Promise<DialFailure> {
    if (this.abort.signal.aborted) return { errno: 'CANCELLED', message: 'the dial was cancelled' }
    return this.options.tls ? explainTlsClose(this.options) : probePort(this.options, this.abort.signal)
  }
}
