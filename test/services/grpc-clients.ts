import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Client, credentials, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js'
import type { AcceptStream, StreamEnd, StreamTransport } from '../../services/stream-transport.js'

export const registerPath = '/protos.ChaincodeSupport/Register'

/** A stream as the program on the server's side sees it. */
export interface ServedStream {
  transport: StreamTransport
  messages: Buffer[]
  ends: StreamEnd[]
  ended: Promise<StreamEnd>
}

/** An `accept` that remembers its streams; `react` is what the program does with each message. */
export function recordStreams(react: (transport: StreamTransport, message: Buffer) => void = () => {}) {
  const streams: ServedStream[] = []
  const waiting: ((stream: ServedStream) => void)[] = []
  let taken = 0
  const accept: AcceptStream = (transport) => {
    let finish: (end: StreamEnd) => void
    const ended = new Promise<StreamEnd>((resolve) => (finish = resolve))
    const stream: ServedStream = { transport, messages: [], ends: [], ended }
    streams.push(stream)
    waiting.shift()?.(stream)
    return {
      onMessage: (message) => {
        stream.messages.push(message)
        react(transport, message)
      },
      onEnd: (end) => {
        stream.ends.push(end)
        finish(end)
      },
    }
  }
  /** The next stream that was or will be accepted. */
  const next = (): Promise<ServedStream> => {
    const index = taken++
    const stream = streams[index]
    return stream ? Promise.resolve(stream) : new Promise((resolve) => waiting.push(resolve))
  }
  return { accept, next }
}

const asIs = (bytes: Buffer) => bytes

/** A client of @grpc/grpc-js, as chaincodes on Node use, that takes and gives raw bytes. */
export class RawGrpcClient {
  private readonly client: Client

  constructor(port: number, options: Record<string, unknown> = {}) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    })
  }

  register(path = registerPath): RawCall {
    return new RawCall(this.client.makeBidiStreamRequest(path, asIs, asIs))
  }

  close(): void {
    this.client.close()
  }
}

/** One bidirectional call: its answers as they come, and how it ended. */
export class RawCall {
  readonly messages: Buffer[] = []
  readonly status: Promise<StatusObject>
  private readonly waiting: { count: number; resolve: () => void }[] = []

  constructor(readonly call: ClientDuplexStream<Buffer, Buffer>) {
    call.on('error', () => {}) // The status says the same.
    call.on('data', (message: Buffer) => {
      this.messages.push(message)
      for (const { count, resolve } of this.waiting) if (this.messages.length >= count) resolve()
    })
    this.status = new Promise((resolve) => call.on('status', resolve))
  }

  send(...messages: (Buffer | string)[]): this {
    for (const message of messages) this.call.write(Buffer.from(message))
    return this
  }

  /** Resolves with the first `count` answers. */
  async receive(count: number): Promise<Buffer[]> {
    if (this.messages.length < count) {
      await Promise.race([
        new Promise<void>((resolve) => this.waiting.push({ count, resolve })),
        this.status.then(({ code, details }) => {
          if (this.messages.length >= count) return
          throw new Error(`${this.messages.length} of ${count} answers, then ${code} ${details}`)
        }),
      ])
    }
    return this.messages.slice(0, count)
  }
}

/** A message with gRPC's header in front. */
export function frame(message: Buffer | string, flag = 0): Buffer {
  const payload = Buffer.from(message)
  const header = Buffer.alloc(5, flag)
  header.writeUInt32BE(payload.length, 1)
  return Buffer.concat([header, payload])
}

/** A bare HTTP/2 connection. */
export async function openSession(port: number): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {}) // Tests that break the connection expect it.
  await once(session, 'connect')
  return session
}

/** A bare HTTP/2 request with the headers of gRPC; `headers` adds to or replaces them. */
export function openRequest(session: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const request = session.request(
    { ':method': 'POST', ':path': registerPath, 'content-type': 'application/grpc', te: 'trailers', ...headers },
    { endStream: false },
  )
  request.on('error', () => {})
  return request
}

/** How a bare request ended: its HTTP status, and the gRPC status from trailers or from headers only. */
export async function outcomeOf(request: ClientHttp2Stream) {
  let fields: Record<string, unknown> = {}
  request.on('response', (headers) => (fields = { ...fields, ...headers }))
  request.on('trailers', (trailers) => (fields = { ...fields, ...trailers }))
  request.resume()
  await once(request, 'close')
  return {
    http: fields[':status'],
    code: fields['grpc-status'] === undefined ? undefined : Number(fields['grpc-status']),
    message: decodeURIComponent(String(fields['grpc-message'] ?? '')),
    contentType: fields['content-type'],
  }
}

/** A TCP connection that sends `bytes`; resolves when the other side has closed it. */
export async function sendRaw(port: number, bytes: Buffer | string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // A reset is one way to close.
  socket.resume()
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
}

/** A way to a listener that can be made to swallow everything, as a network that went away does. */
export async function openTunnel(port: number) {
  const sockets: Socket[] = []
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from)
      from.on('error', () => {}).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => sockets.forEach((socket) => socket.unpipe().pause()),
    close: () => {
      sockets.forEach((socket) => socket.destroy())
      server.close()
    },
  }
}
