/** An entry of an archive. */
export interface TarEntry {
  /** Path with slashes; a folder's ends with one. */
  name: string
  type: 'file' | 'folder'
  /** With the bits of the type, as Go's callers hand it over. */
  mode: number
  /** Of user and group. */
  ownerId: number
}

/** Where an archive is written to, piece by piece. */
export interface ByteSink {
  write(chunk: Uint8Array): void
}

const BLOCK = 512
const NAME_BYTES = 100
const PREFIX_BYTES = 155
/** Go copies files in pieces of this size. */
const COPY_BYTES = 32 * 1024

/**
 * Writes an archive as Go's archive/tar does when it is left the choice of format: USTAR, and where a name is too long or
 * not ASCII, PAX. tar-stream writes modes and numbers with another filling, which would give packages other ids. No entry
 * has a time.
 */
export class TarWriter {
  constructor(private readonly sink: ByteSink) {}

  /** Adds an entry; `copied` content arrives in the pieces that Go copies a file in, else as a whole. */
  add(entry: TarEntry, content: Uint8Array = new Uint8Array(0), copied = false): void {
    const name = Buffer.from(entry.name)
    const { mode, ownerId } = entry
    const header = { typeFlag: entry.type === 'file' ? '0' : '5', mode, ownerId, size: content.length }
    const split = splitName(name)
    if (split) this.sink.write(headerBlock({ ...header, ...split, hasOwner: true }))
    else {
      this.addExtended(name)
      const ascii = withoutTrailingSlash(asciiOf(entry.name), NAME_BYTES)
      this.sink.write(headerBlock({ ...header, prefix: Buffer.alloc(0), name: ascii, hasOwner: true }))
    }
    this.content(content, copied ? COPY_BYTES : content.length)
  }

  /** Ends the archive. */
  finish(): void {
    this.sink.write(Buffer.alloc(2 * BLOCK))
  }

  /** The PAX entry that gives the next one its name. */
  private addExtended(name: Buffer): void {
    const text = name.toString()
    const slash = text.lastIndexOf('/', text.length - 1) + 1
    const place = cleanPath(`${text.slice(0, slash)}PaxHeaders.0/${text.slice(slash)}`)
    const record = paxRecord('path', name)
    const ascii = asciiOf(place).subarray(0, NAME_BYTES).toString().replace(/\/+$/, '')
    const header = { typeFlag: 'x', mode: 0, ownerId: 0, size: record.length, hasOwner: false }
    this.sink.write(headerBlock({ ...header, prefix: Buffer.alloc(0), name: Buffer.from(ascii) }))
    this.content(record, record.length)
  }

  private content(content: Uint8Array, pieceBytes: number): void {
    for (let start = 0; start < content.length; start += pieceBytes)
      this.sink.write(content.subarray(start, start + pieceBytes))
    const padding = (BLOCK - (content.length % BLOCK)) % BLOCK
    if (padding > 0) this.sink.write(Buffer.alloc(padding))
  }
}

interface Header {
  name: Buffer
  prefix: Buffer
  typeFlag: string
  mode: number
  ownerId: number
  size: number
  /** Entries that only describe others leave the device numbers out. */
  hasOwner: boolean
}

function headerBlock({ name, prefix, typeFlag, mode, ownerId, size, hasOwner }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0, 0, NAME_BYTES)
  octal(block, 100, 8, mode)
  octal(block, 108, 8, ownerId)
  octal(block, 116, 8, ownerId)
  octal(block, 124, 12, size)
  octal(block, 136, 12, 0)
  block.write(typeFlag, 156)
  block.write('ustar\x0000', 257, 'latin1')
  if (hasOwner) {
    octal(block, 329, 8, 0)
    octal(block, 337, 8, 0)
  }
  prefix.copy(block, 345, 0, PREFIX_BYTES)
  block.fill(' ', 148, 156)
  octal(
    block,
    148,
    7,
    block.reduce((sum, byte) => sum + byte, 0),
  )
  return block
}

const octal = (block: Buffer, offset: number, bytes: number, value: number): void =>
  void block.write(`${value.toString(8).padStart(bytes - 1, '0')}\0`, offset, 'latin1')

/** The name as USTAR holds it, or undefined where only PAX can. */
function splitName(name: Buffer): { prefix: Buffer; name: Buffer } | undefined {
  if (name.some((byte) => byte >= 0x80)) return undefined
  if (name.length <= NAME_BYTES) return { prefix: Buffer.alloc(0), name }
  const searched = Math.min(PREFIX_BYTES + 1, name.at(-1) === 0x2f ? name.length - 1 : name.length)
  const slash = name.subarray(0, searched).lastIndexOf('/')
  const rest = name.subarray(slash + 1)
  if (slash <= 0 || rest.length > NAME_BYTES || rest.length === 0) return undefined
  return { prefix: name.subarray(0, slash), name: rest }
}

const asciiOf = (text: string): Buffer => Buffer.from([...text].filter((char) => char < '\x80').join(''))

/** A name that is cut does not end with a slash, lest a file be taken for a folder. */
function withoutTrailingSlash(name: Buffer, bytes: number): Buffer {
  if (name.length <= bytes || name[bytes - 1] !== 0x2f) return name
  return Buffer.from(name.subarray(0, bytes).toString().replace(/\/+$/, ''))
}

/** One record of a PAX entry; the number in front counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** The path without empty parts. */
const cleanPath = (path: string): string => path.replace(/\/+/g, '/').replace(/\/$/, '')
