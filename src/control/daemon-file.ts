import { linkSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { failure, messageOf } from '../errors.js'

/** What a serving daemon tells about itself in its data folder. */
export interface DaemonFacts {
  /** Host and port of the client API, as bound. */
  gatewayAddress: string
  gatewayTls: boolean
  /** Host and port that chaincodes connect to. */
  chaincodeAddress: string
  mspId: string
  defaultChannel: string
  version: string
  /** ISO 8601. */
  startedAt: string
}

/** The content of `<data>/daemon.json`. It exists from the claim on; the facts are in it while the daemon serves. */
export interface DaemonFile {
  pid: number
  /** Path of the Unix socket of the control service. */
  controlSocket: string
  /** Absent until the daemon serves. */
  facts?: DaemonFacts
}

/** The right to run the daemon of a data folder. */
export interface DataFolderClaim {
  /** Path to serve the control service on. */
  readonly controlSocket: string
  /** Makes the daemon findable. */
  publish(facts: DaemonFacts): void
  /** Gives the folder free. Idempotent. */
  release(): void
}

const fileName = 'daemon.json'
const shortSocketPrefix = 'chaincoded-'

/** Longest path of a Unix socket in bytes: macOS holds 104, Linux 108, both with a final zero byte. */
const longestSocketPath = 103

/** Claims of this process: its own pid in a file does not tell whether the file is a leftover. */
const claimed = new Set<string>()

/**
 * Claims the data folder at `path` (absolute) for this process. A file that a dead daemon left is taken over. Rejects
 * with DATA_FOLDER_IN_USE or DATA_FOLDER_UNUSABLE.
 */
export async function claimDataFolder(path: string): Promise<DataFolderClaim> {
  const file = join(path, fileName)
  const content: DaemonFile = { pid: process.pid, controlSocket: socketPathFor(path) }
  try {
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      if (writeNew(path, file, content)) {
        claimed.add(file)
        return claimOf(path, file, content)
      }
      const found = readDaemonFile(path)
      if (found && (await isInUse(file, found))) {
        throw failure('DATA_FOLDER_IN_USE', { path, pid: found.pid, address: found.facts?.gatewayAddress })
      }
      removeLeftover(path, file, found)
    }
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail: `${fileName} of a daemon that is gone cannot be removed` })
  } catch (error) {
    removeShortFolder(content.controlSocket)
    throw error
  }
}

/** The daemon file of the data folder at `path`; undefined where there is none that can be read. */
export function readDaemonFile(path: string): DaemonFile | undefined {
  return readFile(join(path, fileName))
}

function readFile(file: string): DaemonFile | undefined {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as DaemonFile
    return typeof content.pid === 'number' && typeof content.controlSocket === 'string' ? content : undefined
  } catch {
    return undefined
  }
}

/** Whether somebody listens on the Unix socket at `path`. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function claimOf(path: string, file: string, content: DaemonFile): DataFolderClaim {
  return {
    controlSocket: content.controlSocket,
    publish(facts) {
      const next = `${file}.next`
      writeFileSync(next, `${JSON.stringify({ ...content, facts }, null, 2)}\n`, { mode: 0o600 })
      // A reader sees the old file or the new one, never half of it.
      renameSync(next, file)
    },
    release() {
      if (!claimed.delete(file)) return
      rmSync(file, { force: true })
      removeSocket(path, content.controlSocket)
    },
  }
}

/** Creates the file, complete at once, unless it exists; false where it does. */
function writeNew(path: string, file: string, content: DaemonFile): boolean {
  const draft = `${file}.${process.pid}.draft`
  try {
    writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 })
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail: messageOf(error) }, error)
  } finally {
    rmSync(draft, { force: true })
  }
}

async function isInUse(file: string, found: DaemonFile): Promise<boolean> {
  if (claimed.has(file)) return true
  if (await answers(found.controlSocket)) return true
  // A daemon that starts has no socket yet; its process tells that it is there.
  return found.facts === undefined && found.pid !== process.pid && isAlive(found.pid)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Takes a dead daemon's file away, unless another process has replaced it meanwhile. */
function removeLeftover(path: string, file: string, found: DaemonFile | undefined): void {
  const aside = `${file}.${process.pid}.old`
  try {
    renameSync(file, aside)
    const moved = readFile(aside)
    const unchanged = moved?.pid === found?.pid && moved?.controlSocket === found?.controlSocket
    if (!unchanged) linkSync(aside, file)
    else if (moved) removeSocket(path, moved.controlSocket)
  } catch {
    // Whatever another process did to the file meanwhile, the next attempt meets it.
  } finally {
    rmSync(aside, { force: true })
  }
}

const socketInFolder = (path: string): string => join(path, 'control.sock')

function socketPathFor(path: string): string {
  const inFolder = socketInFolder(path)
  if (Buffer.byteLength(inFolder) <= longestSocketPath) return inFolder
  const short = join(mkdtempSync(join(tmpdir(), shortSocketPrefix)), 's')
  if (Buffer.byteLength(short) > longestSocketPath) {
    removeShortFolder(short)
    throw failure('DATA_FOLDER_UNUSABLE', { path, detail: `no room for a Unix socket: ${short} is too long as well` })
  }
  return short
}

/** Removes a socket of ours; a path that is neither in the data folder nor a short one is left alone. */
function removeSocket(path: string, socket: string): void {
  if (socket === socketInFolder(path)) rmSync(socket, { force: true })
  else removeShortFolder(socket)
}

/** Removes the folder that was made for a short socket path. */
function removeShortFolder(socket: string): void {
  const folder = dirname(socket)
  const isOurs = dirname(folder) === tmpdir() && basename(folder).startsWith(shortSocketPrefix)
  if (isOurs && basename(socket) === 's') rmSync(folder, { recursive: true, force: true })
}
