import { statusCode, tooLargeText } from './grpc-status.js'

/** In front of every gRPC message: a byte that says whether it is compressed, then its length, four bytes, big endian. */
const headerBytes = 5

/** First buffer of a message that arrives in pieces; it grows with what has arrived, not with what was announced. */
const firstBufferBytes = 256 * 1024

/** Messages up to this size share a buffer with their header and their neighbours; larger ones are not copied. */
const copyLimitBytes = 16 * 1024

/** A message that cannot be accepted; `code` is the gRPC status that ends the stream. */
export class FramingError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message)
  }
}

/** Cuts the bytes of one gRPC stream into messages, however they are split over or packed into chunks. */
export class FrameReader {
  /** The start of a header. */
  private head: Buffer | undefined
  /** The message that is not complete yet, how long it will be, and how much of it is there. */
  private body: Buffer | undefined
  private length = 0
  private filled = 0

  /**
   * @param maxMessageBytes size of the largest message that is accepted
   * @param encoding the stream's `grpc-encoding`, named in the refusal of a compressed message
   * @param onMessage is given each whole message; false ends the reading
   */
  constructor(
    private readonly maxMessageBytes: number,
    private readonly encoding: string,
    private readonly onMessage: (message: Buffer) => boolean,
  ) {}

  /** Whether the bytes so far end inside of a message. */
  get isPartial(): boolean {
    return this.body !== undefined || this.head !== undefined
  }

  /**
   * Takes the next bytes. Throws a FramingError, UNIMPLEMENTED for a message that is compressed, RESOURCE_EXHAUSTED for
   * one that is too large; no further bytes may be pushed then.
   */
  push(bytes: Buffer): void {
    const chunk = this.head === undefined ? bytes : Buffer.concat([this.head, bytes])
    this.head = undefined
    let at = this.body === undefined ? 0 : this.fill(this.body, chunk, 0)
    while (chunk.length - at >= headerBytes) {
      const length = chunk.readUInt32BE(at + 1)
      this.check(chunk[at] as number, length)
      const start = at + headerBytes
      if (start + length > chunk.length) {
        this.length = length
        this.filled = 0
        this.fill(Buffer.allocUnsafeSlow(Math.min(length, firstBufferBytes)), chunk, start)
        return
      }
      at = start + length
      if (!this.onMessage(chunk.subarray(start, at))) return
    }
    if (at < chunk.length) this.head = chunk.subarray(at)
  }

  private check(flag: number, length: number): void {
    if (flag !== 0) {
      const text = `Received message compressed with unsupported encoding "${this.encoding}"`
      throw new FramingError(statusCode.unimplemented, text)
    }
    if (length > this.maxMessageBytes) {
      const text = tooLargeText('received message', length, this.maxMessageBytes)
      throw new FramingError(statusCode.resourceExhausted, text)
    }
  }

  /** Adds what `chunk` holds of the incomplete message from `start` on; returns where the next message begins. */
  private fill(body: Buffer, chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + this.length - this.filled)
    const filled = this.filled + end - start
    let target = body
    if (filled > body.length) {
      target = Buffer.allocUnsafeSlow(Math.min(this.length, filled * 8))
      body.copy(target, 0, 0, this.filled)
    }
    chunk.copy(target, this.filled, start, end)
    this.filled = filled
    this.body = filled < this.length ? target : undefined
    return this.body !== undefined || this.onMessage(target) ? end : chunk.length
  }
}

/** The bytes to write for `messages`: small neighbours are copied into one buffer, a large message stays as it is. */
export function packFrames(messages: readonly Uint8Array[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  let next = 0
  while (next < messages.length) {
    const first = next
    let size = 0
    let isLarge = false
    for (; next < messages.length && !isLarge; next++) {
      const { length } = messages[next] as Uint8Array
      isLarge = length > copyLimitBytes
      size += isLarge ? headerBytes : headerBytes + length
    }
    const packed = Buffer.allocUnsafe(size)
    chunks.push(packed)
    let at = 0
    for (let index = first; index < next; index++) {
      const message = messages[index] as Uint8Array
      packed[at] = 0
      packed.writeUInt32BE(message.length, at + 1)
      at += headerBytes
      if (message.length > copyLimitBytes) chunks.push(message)
      else packed.set(message, at)
      at += message.length
    }
  }
  return chunks
}
