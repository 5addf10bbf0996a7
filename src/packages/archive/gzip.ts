import { Deflate } from './deflate.js'

/** A gzip file as Go's compress/gzip writes it: no name, no time, unknown system. */
export class Gzip {
  private readonly deflate = new Deflate()
  private checksum = 0xffffffff
  private size = 0

  /** Adds input. */
  write(chunk: Uint8Array): void {
    this.deflate.write(chunk)
    for (const byte of chunk) this.checksum = checksums[(this.checksum ^ byte) & 0xff]! ^ (this.checksum >>> 8)
    this.size = (this.size + chunk.length) % 2 ** 32
  }

  /** Ends the input, and gives the whole file. */
  finish(): Buffer {
    const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
    const trailer = Buffer.alloc(8)
    trailer.writeUInt32LE(~this.checksum >>> 0, 0)
    trailer.writeUInt32LE(this.size, 4)
    return Buffer.concat([header, this.deflate.finish(), trailer])
  }
}

/** The CRC-32 of gzip for each byte; zlib.crc32 is younger than the oldest Node that is supported. */
const checksums = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value >>> 0
})
