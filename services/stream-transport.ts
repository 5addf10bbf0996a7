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
  onEnd(end: StreamEnd): void
}

/** What the program sends with. */
export interface StreamTransport {
  /** Remote `host:port`. */
  readonly remoteAddress: string
  /** Queues one message, in order, without waiting for the socket. `written` is called once it was handed to the socket. */
  send(message: Uint8Array, written?: (error?: Error) => void): void
  /** Bytes queued and not yet handed to the socket. */
  readonly bufferedBytes: number
  /** Ends the stream: with status OK, or with the given gRPC status. Idempotent. */
  close(status?: { code: number; message: string }): void
}

/** Called for each accepted stream. */
export type AcceptStream = (transport: StreamTransport) => StreamHandler

/** Settings of a chaincode listener. */
export interface ListenerOptions {
  host: string
  /** 0 lets the system choose. */
  port: number
  accept: AcceptStream
  /** Largest message in either direction, bytes (Fabric: 100 MiB). */
  maxMessageBytes: number
  /** Time between HTTP/2 pings on an idle connection, ms; 0 = none (Fabric: 2 h). */
  pingIntervalMs: number
  /** A connection whose ping is not answered in this time is closed, ms (Fabric: 20 s). */
  pingTimeoutMs: number
  /** Status that the standard gRPC health service reports. */
  isServing: () => boolean
}

/** A chaincode listener that accepts streams of `protos.ChaincodeSupport/Register`. */
export interface ChaincodeListener {
  readonly host: string
  readonly port: number
  /** Stops accepting, closes every stream and connection; resolves when the port is free. */
  close(): Promise<void>
}
