/**
 * The small interface between a chaincode's gRPC stream and the program: bytes of `protos.ChaincodeMessage` in and out.
 * Two implementations serve it, gRPC framing on Node's http2 and @grpc/grpc-js, so that one can be held against the other.
 */

/** Why a stream ended. `eof`: the other side finished cleanly. `error`: transport or message-size failure. `closed`: by us. */
export interface StreamEnd {
  kind: 'eof' | 'error' | 'closed'
  /** One line for logs and errors; empty for `eof` and `closed`. */
  message: string
}

/** What the program gives to a new stream. Calls come one at a time, `onEnd` last and exactly once. */
export interface StreamHandler {
  /** One whole message; the buffer is the handler's to keep. */
  onMessage(message: Buffer): void
  /**
   * After `eof` a handler may still close with a status of its choice, in the same turn; the stream is then closed with OK.
   * After `closed` and the loss of the connection nothing can be sent any more.
   */
  onEnd(end: StreamEnd): void
  /** A handler that has this is not ended by the other side's half-close: it is called instead, and the stream goes on. */
  onHalfClose?(): void
}

/** What the program sends with. */
export interface StreamTransport {
  /** Remote `host:port`. */
  readonly remoteAddress: string
  /** SHA-256 of the certificate that the other side has shown, hex; absent where the listener asks for none. */
  readonly certificateHash?: string
  /**
   * Queues one message, in order, without waiting for the socket; the bytes must not change any more. `written` is called
   * once they were handed to the socket, or with the error that prevents it. A message over the limit is not sent; without
   * `written` it ends the stream with RESOURCE_EXHAUSTED.
   */
  send(message: Uint8Array, written?: (error?: Error) => void): void
  /** Bytes queued and not yet handed to the socket. */
  readonly bufferedBytes: number
  /** Ends the stream, after what is queued, with status OK or with the given gRPC status. Only the first call counts. */
  close(status?: { code: number; message: string }): void
}

/** Called for each accepted stream. */
export type AcceptStream = (transport: StreamTransport) => StreamHandler

/** What a listener needs for TLS with client certificates, PEM. */
export interface ListenerTls {
  key: string
  certificate: string
  /** The only authority whose client certificates are taken. */
  root: string
}

/** Settings of a chaincode listener. */
export interface ListenerOptions {
  host: string
  /** 0 lets the system choose. */
  port: number
  accept: AcceptStream
  /** With it only connections are taken that prove themselves; without it they are plain text. */
  tls?: ListenerTls
  /** Largest message in either direction, bytes (Fabric: 100 MiB). */
  maxMessageBytes: number
  /** Time between HTTP/2 pings on an idle connection, ms; 0 = none (Fabric: 2 h). */
  pingIntervalMs: number
  /** A connection whose ping is not answered in this time is closed, ms (Fabric: 20 s). */
  pingTimeoutMs: number
  /** Status that the standard gRPC health service reports. */
  isServing: () => boolean
  /** Told of each connection that is closed because what came is no HTTP/2, or no TLS client that may come; `why` is one line for the log. */
  onRefused?: (remoteAddress: string, why: string) => void
}

/** A chaincode listener that accepts streams of `protos.ChaincodeSupport/Register`. */
export interface ChaincodeListener {
  readonly host: string
  readonly port: number
  /** Stops accepting, closes every stream and connection; resolves when the port is free. */
  close(): Promise<void>
}
