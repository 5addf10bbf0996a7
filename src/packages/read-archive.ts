import { Transform, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type Header, extract } from 'tar-stream'
import { failure, isFailure, messageOf } from '../errors.js'
import type { PackageLimits } from './limits.js'

/** An entry of a gzipped tar archive. */
export interface ArchiveEntry {
  name: string
  kind: 'file' | 'folder' | 'other'
  /** The letter of the type as its number, as Fabric's texts show it: 50 is a symbolic link. */
  typeFlag: number
  /** Permission bits, without set-user-id and the like. */
  mode: number
  sizeBytes: number
  content: Readable
}

/**
 * Reads the gzipped tar archive `archive` and calls `visit` for each entry, one after the other; content that it leaves
 * unread is skipped. Rejects with what `visit` rejects with, with PACKAGE_NOT_GZIP or PACKAGE_ARCHIVE_DAMAGED, or, before
 * more than that is unpacked, with PACKAGE_TOO_LARGE or PACKAGE_TOO_MANY_FILES.
 */
export async function readArchive(
  archive: Uint8Array,
  limits: PackageLimits,
  visit: (entry: ArchiveEntry) => Promise<void> | void,
): Promise<void> {
  if (archive.length === 0) throw failure('PACKAGE_NOT_GZIP', { detail: 'EOF' })
  if (archive[0] !== 0x1f || archive[1] !== 0x8b) throw failure('PACKAGE_NOT_GZIP', { detail: 'gzip: invalid header' })
  const gunzip = createGunzip({ chunkSize: 64 * 1024 })
  const meter = meterOf(limits)
  const unpack = extract(extractOptions)
  for (const stream of [gunzip, meter]) stream.on('error', (error) => unpack.destroy(error))
  gunzip.pipe(meter).pipe(unpack)
  gunzip.end(archive)
  let count = 0
  try {
    for await (const entry of unpack) {
      if (++count > limits.files) throw failure('PACKAGE_TOO_MANY_FILES', { limit: limits.files })
      const content = entry as unknown as Readable
      await visit({ ...describe(entry.header), content })
      content.resume()
    }
  } catch (error) {
    throw isFailure(error) ? error : failure('PACKAGE_ARCHIVE_DAMAGED', { detail: messageOf(error) }, error)
  } finally {
    gunzip.destroy()
    meter.destroy()
  }
}

/** Also the oldest form of archives is read, as Go reads it; the option is missing in the types. */
const extractOptions = { allowUnknownFormat: true } as object

/** Lets bytes through until they are too many. */
function meterOf({ unpackedBytes }: PackageLimits): Transform {
  let total = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      total += chunk.length
      if (total > unpackedBytes) done(failure('PACKAGE_TOO_LARGE', { limitBytes: unpackedBytes, isUnpacked: true }))
      else done(null, chunk)
    },
  })
}

const typeFlags: Record<string, string | undefined> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
  'contiguous-file': '7',
}

function describe({ name, type, mode, size }: Header): Omit<ArchiveEntry, 'content'> {
  // Old archives mark a folder by its slash only.
  const kind =
    type === 'directory' || (type === 'file' && name.endsWith('/')) ? 'folder' : type === 'file' ? 'file' : 'other'
  return {
    name,
    kind,
    typeFlag: (typeFlags[type] ?? '?').charCodeAt(0),
    mode: mode & 0o777,
    sizeBytes: size,
  }
}

/** The whole content of an entry. */
export async function contentOf(entry: ArchiveEntry): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of entry.content) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
