import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A hash of names and contents of all files below `folder`, and of `circumstances`: what else decides about the result of
 * a build. Folders of the names `ignored` are left out at every depth. Rejects as `fs` does.
 */
export async function hashSources(
  folder: string,
  ignored: readonly string[],
  circumstances: readonly string[],
): Promise<string> {
  const hash = createHash('sha256')
  for (const circumstance of circumstances) hash.update(`${circumstance.length}:${circumstance}`)
  for (const path of (await filesBelow(folder, '', new Set(ignored))).sort()) {
    // A link that leads nowhere is a file without content: no tool can read it either.
    const content = await readFile(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EISDIR') return Buffer.alloc(0)
      throw error
    })
    hash.update(`${path.length}:${path}${content.length}:`).update(content)
  }
  return hash.digest('hex')
}

async function filesBelow(folder: string, path: string, ignored: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(join(folder, path), { withFileTypes: true })
  const found = await Promise.all(
    entries.map((entry) => {
      const inner = join(path, entry.name)
      if (entry.isDirectory()) return ignored.has(entry.name) ? [] : filesBelow(folder, inner, ignored)
      return entry.isFile() || entry.isSymbolicLink() ? [inner] : []
    }),
  )
  return found.flat()
}
