import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { failure, isFailure, messageOf } from '../errors.js'
import type { PackageLimits } from './limits.js'
import { type ArchiveEntry, readArchive } from './read-archive.js'

/** What a code archive holds. */
export interface CodeSize {
  files: number
  codeBytes: number
}

/**
 * Checks a code archive without unpacking it. Rejects with PACKAGE_PATH_ESCAPES for a path that is absolute or leads out,
 * with PACKAGE_FILE_IRREGULAR for anything but files and folders (links and devices above all), and as readArchive does.
 */
export async function checkCode(code: Buffer, limits: PackageLimits): Promise<CodeSize> {
  const size: CodeSize = { files: 0, codeBytes: 0 }
  await readArchive(code, limits, (entry) => {
    checkEntry(entry)
    if (entry.kind === 'folder') return
    size.files++
    size.codeBytes += entry.sizeBytes
  })
  return size
}

/**
 * Unpacks a code archive into `folder`, which has to be empty: as it holds no link, no path can lead out of it. Folders
 * get mode 0700; files keep their permissions, and their owner can read and write them. Rejects as checkCode does, and
 * with PACKAGE_FILE_UNWRITABLE.
 */
export async function extractCode(code: Buffer, folder: string, limits: PackageLimits): Promise<void> {
  await readArchive(code, limits, async (entry) => {
    const { name, kind, mode } = entry
    checkEntry(entry)
    const target = join(folder, name)
    try {
      await mkdir(kind === 'folder' ? target : dirname(target), { recursive: true, mode: 0o700 })
      if (kind === 'file') await pipeline(entry.content, createWriteStream(target, { mode: mode | 0o600 }))
    } catch (error) {
      if (isFailure(error) || !(error as NodeJS.ErrnoException).syscall) throw error
      throw failure('PACKAGE_FILE_UNWRITABLE', { name, isFolder: kind === 'folder', detail: messageOf(error) }, error)
    }
  })
}

function checkEntry({ name, kind, typeFlag }: ArchiveEntry): void {
  const clean = posix.normalize(name)
  if (posix.isAbsolute(clean) || clean === '..' || clean.startsWith('../') || clean.includes('\0'))
    throw failure('PACKAGE_PATH_ESCAPES', { name })
  if (kind === 'other') throw failure('PACKAGE_FILE_IRREGULAR', { name, typeFlag })
}
