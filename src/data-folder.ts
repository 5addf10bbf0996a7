import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { failure, messageOf } from './errors.js'

/** Format that this program writes and reads. A change that an older program would damage raises it. */
export const dataFormat = 1

/** File whose presence makes a folder a data folder; it names the format. */
const markerName = 'chaincoded.json'

/** What may lie in a folder before it becomes a data folder: a configuration, and what tools leave behind. */
const harmless = new Set(['core.yaml', '.gitignore', '.gitkeep', '.DS_Store', 'lost+found'])

/** Where things lie in a data folder. */
export interface DataFolder {
  /** Absolute path. */
  readonly path: string
  /** Identities in cryptogen's layout. */
  readonly organizationsDir: string
  readonly ledgerDir: string
  /** One log file for each chaincode. */
  readonly logsDir: string
  /** What chaincodes prove themselves with, while they run. */
  readonly tlsDir: string
  /** Installed chaincode packages. */
  readonly packagesDir: string
}

/** The parts of the data folder at `path`, whether it exists or not. */
export function dataFolderAt(path: string): DataFolder {
  const root = resolve(path)
  return {
    path: root,
    organizationsDir: join(root, 'organizations'),
    ledgerDir: join(root, 'ledger'),
    logsDir: join(root, 'logs'),
    tlsDir: join(root, 'tls'),
    packagesDir: join(root, 'packages'),
  }
}

/**
 * Opens the data folder at `path`, and makes it (mode 0700) where there is none. `version` is the program's, for the
 * marker. Throws DATA_FOLDER_FOREIGN, DATA_FOLDER_NEWER or DATA_FOLDER_UNUSABLE, having changed nothing.
 */
export function openDataFolder(path: string, version: string): DataFolder {
  const folder = dataFolderAt(path)
  const marker = join(folder.path, markerName)
  const entries = entriesOf(folder.path)
  if (entries?.includes(markerName)) {
    checkMarker(
      folder.path,
      attempt(folder.path, () => readFileSync(marker, 'utf8')),
    )
  } else {
    const foreign = entries?.find((name) => !harmless.has(name))
    if (foreign !== undefined) throw failure('DATA_FOLDER_FOREIGN', { path: folder.path, found: foreign })
    attempt(folder.path, () => {
      mkdirSync(folder.path, { recursive: true, mode: 0o700 })
      chmodSync(folder.path, 0o700)
      const content = { format: dataFormat, createdBy: version, createdAt: new Date().toISOString() }
      // It holds private keys and often lies in a repository.
      if (!entries?.includes('.gitignore')) writeFileSync(join(folder.path, '.gitignore'), '*\n')
      writeFileSync(marker, `${JSON.stringify(content)}\n`, { mode: 0o600 })
    })
  }
  attempt(folder.path, () => mkdirSync(folder.logsDir, { recursive: true, mode: 0o700 }))
  return folder
}

/** The names in the folder; undefined where there is no folder. */
function entriesOf(path: string): string[] | undefined {
  return attempt(path, () => {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (!stats) return undefined
    if (!stats.isDirectory()) throw new Error('it is a file, not a folder')
    return readdirSync(path)
  })
}

function checkMarker(path: string, text: string): void {
  let marker: { format?: unknown; createdBy?: unknown }
  try {
    marker = JSON.parse(text) as typeof marker
  } catch (error) {
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail: `${markerName} in it is damaged` }, error)
  }
  const format = marker?.format
  if (typeof format !== 'number' || !Number.isInteger(format) || format < 1) {
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail: `${markerName} in it names no format` })
  }
  if (format > dataFormat) {
    throw failure('DATA_FOLDER_NEWER', { path, format, known: dataFormat, writtenBy: String(marker.createdBy) })
  }
}

const plainReasons: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const detail = plainReasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail }, error)
  }
}
