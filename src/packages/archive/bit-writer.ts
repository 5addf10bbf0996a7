/** Collects bits, lowest first, into bytes. */
export class BitWriter {
  private buffer = Buffer.allocUnsafe(64 * 1024)
  private length = 0
  private pending = 0
  private pendingBits = 0

  /** Adds the lowest `count` bits of `value`, at most 16. */
  bits(value: number, count: number): void {
    this.pending |= value << this.pendingBits
    this.pendingBits += count
    while (this.pendingBits >= 8) {
      this.byte(this.pending & 0xff)
      this.pending >>>= 8
      this.pendingBits -= 8
    }
  }

  /** Fills the last byte up with zeros. */
  alignToByte(): void {
    if (this.pendingBits > 0) this.bits(0, 8 - this.pendingBits)
  }

  /** Adds whole bytes; the writer has to be at the border of one. */
  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  /** All that was written. */
  result(): Buffer {
    return this.buffer.subarray(0, this.length)
  }

  private byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1)
    this.buffer[this.length++] = value
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.length + bytes))
    this.buffer.copy(larger, 0, 0, this.length)
    this.buffer = larger
  }
}
