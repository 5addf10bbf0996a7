import { isUtf8 } from 'node:buffer'

/** Buffers have this, faster than `toString`; Node's types leave it out. */
interface Utf8Slicer {
  utf8Slice(start: number, end: number): string
}

/** The text of Go for a message that ends too early; clients and chaincodes see it. */
const truncated = () => new Error('unexpected EOF')
/** The text of Go's protobuf for everything else that is no message. */
const malformed = () => new Error('proto: cannot parse invalid wire-format data')

/** Reads the fields of one protobuf message in order. Every method throws a plain Error with Go's text when it cannot. */
export class WireReader {
  private at = 0

  constructor(private readonly buffer: Buffer) {}

  /** The next field's tag (number × 8 + wire type); 0 at the end of the message. */
  tag(): number {
    if (this.at >= this.buffer.length) return 0
    const tag = this.varint()
    if (tag < 8 || tag > 0xffffffff) throw malformed()
    return tag
  }

  /** A varint of up to 64 bits; above 2^53 it is not exact. */
  varint(): number {
    const { buffer } = this
    let value = 0
    for (let scale = 1; this.at < buffer.length; scale *= 128) {
      const byte = buffer[this.at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      if (scale > 2 ** 56) throw malformed()
    }
    throw truncated()
  }

  /** An int32 or enum, which is 64 bits wide when it is negative. */
  int32(): number {
    const { buffer } = this
    let value = 0
    for (let shift = 0; this.at < buffer.length; shift += 7) {
      const byte = buffer[this.at++] as number
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
      if (shift > 56) throw malformed()
    }
    throw truncated()
  }

  /** A bytes field or embedded message, as a view. */
  bytes(): Buffer {
    const end = this.end()
    const view = this.buffer.subarray(this.at, end)
    this.at = end
    return view
  }

  string(): string {
    const end = this.end()
    const start = this.at
    this.at = end
    const text = (this.buffer as Buffer & Utf8Slicer).utf8Slice(start, end)
    // Two keys that differ in invalid bytes only must not become the same text.
    if (text.includes('\ufffd') && !isUtf8(this.buffer.subarray(start, end))) {
      throw new Error('string field contains invalid UTF-8')
    }
    return text
  }

  /** Passes over the field whose tag was read, whatever it is. */
  skip(tag: number): void {
    const wireType = tag & 7
    if (wireType === 0) this.varint()
    else if (wireType === 1) this.advance(8)
    else if (wireType === 2) this.at = this.end()
    else if (wireType === 5) this.advance(4)
    else if (wireType === 3) this.skipGroup(tag)
    else throw malformed()
  }

  private skipGroup(tag: number): void {
    const open = [tag]
    while (open.length > 0) {
      const next = this.tag()
      if (next === 0) throw truncated()
      if ((next & 7) === 3) open.push(next)
      else if ((next & 7) !== 4) this.skip(next)
      else if (open.pop() !== next - 1) throw malformed()
    }
  }

  /** Reads a length and returns where the field that has it ends. */
  private end(): number {
    const end = this.varint() + this.at
    if (end > this.buffer.length) throw truncated()
    return end
  }

  private advance(bytes: number): void {
    this.at += bytes
    if (this.at > this.buffer.length) throw truncated()
  }
}

/** Bytes that `value` takes as a varint. @param value 0 … 2^32-1 */
export const varintSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5

/** Writes `value` at `at` and returns where it ends. @param value 0 … 2^32-1 */
export function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value
  let next = at
  for (; rest >= 0x80; rest >>>= 7) target[next++] = (rest & 0x7f) | 0x80
  target[next] = rest
  return next + 1
}

/** Size of a field of `length` bytes with a number under 16; one that is empty is not written. */
export const fieldSize = (length: number): number => (length === 0 ? 0 : 1 + varintSize(length) + length)

/** Writes a bytes field or embedded message, unless it is empty; returns where it ends. */
export function writeBytes(target: Buffer, at: number, tag: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return at
  target[at] = tag
  const start = writeVarint(target, at + 1, bytes.length)
  target.set(bytes, start)
  return start + bytes.length
}

/** Writes a string field of `length` UTF-8 bytes, unless it is empty; returns where it ends. */
export function writeString(target: Buffer, at: number, tag: number, text: string, length: number): number {
  if (length === 0) return at
  target[at] = tag
  const start = writeVarint(target, at + 1, length)
  target.write(text, start)
  return start + length
}
