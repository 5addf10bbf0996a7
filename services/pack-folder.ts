import { createHash } from 'node:crypto'
import { readFile, readdir, readlink, stat } from 'node:fs/promises'
import { join, posix, relative, resolve, sep } from 'node:path'
import { pack } from 'tar-stream'

/** A chaincode's code as one archive, and the hash that tells whether it is the same as before. */
export interface CodeArchive {
  /** tar, or gzip over it. */
  archive: Buffer
  /** SHA-256, hex. */
  hash: string
}

/** Bytes of an archive at most: it passes through memory. */
const MAX_BYTES = 512 * 1024 * 1024
/** What a build makes anew, and what is nobody's code. */
const LEFT_OUT = new Set(['node_modules', '.git', '.chaincoded', '.gradle', '.DS_Store'])

/**
 * Packs a chaincode's folder in the layout of Fabric's code packages: `src/…`, and `META-INF/…` beside it. The same
 * content gives the same bytes. Throws an Error that names the file which cannot be packed.
 */
export async function packFolder(folder: string): Promise<CodeArchive> {
  const root = resolve(folder)
  const tar = pack()
  const chunks: Buffer[] = []
  let bytes = 0
  tar.on('data', (chunk: unknown) => chunks.push(chunk as Buffer))
  const ended = new Promise<void>((done, fail) => tar.once('end', done).once('error', fail))

  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      if (LEFT_OUT.has(entry.name)) continue
      const from = join(path, entry.name)
      const inside = relative(root, from).split(sep).join('/')
      const name = inside === 'META-INF' || inside.startsWith('META-INF/') ? inside : posix.join('src', inside)
      const common = { name, mtime: new Date(0), uid: 0, gid: 0 }
      if (entry.isDirectory()) {
        tar.entry({ ...common, type: 'directory', mode: 0o755 })
        await visit(from)
      } else if (entry.isSymbolicLink()) {
        const linkname = await readlink(from)
        const target = resolve(path, linkname)
        if (linkname.startsWith('/') || !`${target}${sep}`.startsWith(`${root}${sep}`))
          throw new Error(`${from} is a link to ${linkname}, outside of the chaincode's folder`)
        tar.entry({ ...common, type: 'symlink', linkname })
      } else if (entry.isFile()) {
        const { size, mode } = await stat(from)
        bytes += size
        if (bytes > MAX_BYTES) throw new Error(`${root} holds more than ${MAX_BYTES / 1024 / 1024} MiB of code`)
        tar.entry({ ...common, mode: mode & 0o111 ? 0o755 : 0o644 }, await readFile(from))
      } else throw new Error(`${from} is neither a file nor a folder`)
    }
  }
  await visit(root)
  tar.finalize()
  await ended
  return archiveOf(Buffer.concat(chunks))
}

/** A code archive that exists already: the `code.tar.gz` of a package. */
export async function readArchive(file: string): Promise<CodeArchive> {
  return archiveOf(await readFile(file))
}

/** One file as an archive: that of a CAR. */
export async function packFile(file: string, name: string): Promise<CodeArchive> {
  return archiveOf(await packFiles([{ name, content: await readFile(file), mode: 0o644 }]))
}

/** Some files, in memory, as an archive; a name that ends in a slash is a folder. */
export async function packFiles(files: readonly { name: string; content?: Buffer; mode: number }[]): Promise<Buffer> {
  const tar = pack()
  for (const { name, content, mode } of files) {
    const common = { name, mode, mtime: new Date(0) }
    if (name.endsWith('/')) tar.entry({ ...common, type: 'directory' })
    else tar.entry(common, content ?? Buffer.alloc(0))
  }
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const archiveOf = (archive: Buffer): CodeArchive => ({
  archive,
  hash: createHash('sha256').update(archive).digest('hex'),
})
