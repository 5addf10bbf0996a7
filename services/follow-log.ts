import { open, stat, type FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { LineSplitter } from './read-lines.js'

const CHUNK_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** Opens `file`; `undefined` where it does not exist. */
async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Where the last `count` lines of a file begin, and how many lines there are from there on. */
async function findTail(handle: FileHandle, count: number): Promise<{ position: number; lines: number }> {
  const { size } = await handle.stat()
  let found = 0
  for (let end = size; end > 0 && count > 0; end -= Math.min(end, CHUNK_BYTES)) {
    const from = Math.max(0, end - CHUNK_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - from), 0, end - from, from)
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The end of the last line is no beginning of another one.
      if (buffer[i] !== NEWLINE || from + i === size - 1) continue
      if (++found === count) return { position: from + i + 1, lines: count }
    }
  }
  return count > 0 ? { position: 0, lines: size > 0 ? found + 1 : 0 } : { position: size, lines: 0 }
}

/** Reads from `position` to the present end, delivers the lines, and returns the position reached. */
async function readOn(
  handle: FileHandle,
  position: number,
  splitter: LineSplitter,
  onLine: (line: string) => void | Promise<void>,
): Promise<number> {
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, position)
    if (bytesRead === 0) return position
    position += bytesRead
    for (const line of splitter.feed(buffer.subarray(0, bytesRead))) await onLine(line)
  }
}

/**
 * The last `count` lines of a log written by `writeLog`, oldest first; reaches into `<file>.1` where the file alone has
 * fewer. Empty where there is no log. Throws what the file system throws for a file that cannot be read.
 */
export async function readLogTail(file: string, count: number): Promise<string[]> {
  const lines: string[] = []
  for (const path of [file, `${file}.1`]) {
    const handle = await openIfThere(path)
    if (!handle) continue
    try {
      const tail = await findTail(handle, count - lines.length)
      const splitter = new LineSplitter()
      const older: string[] = []
      await readOn(handle, tail.position, splitter, (line) => void older.push(line))
      lines.unshift(...older, ...splitter.rest())
    } finally {
      await handle.close()
    }
  }
  return lines.slice(Math.max(0, lines.length - count))
}

/** Settings of a followed log. */
export interface FollowOptions {
  /** Lines that are already there and come first. Default 0. */
  lastLines?: number
  /** How often the end of the file is looked at, ms. Default 100. */
  pollMs?: number
}

/**
 * Delivers the lines that are appended to a log from now on, one at a time, through its rotations, and waits for a log
 * that does not exist yet. Resolves when `signal` aborts. Rejects with what `onLine` or the file system throws.
 */
export async function followLog(
  file: string,
  onLine: (line: string) => void | Promise<void>,
  signal: AbortSignal,
  options: FollowOptions = {},
): Promise<void> {
  const { lastLines = 0, pollMs = 100 } = options
  let handle = await openIfThere(file)
  let position = handle ? (await findTail(handle, lastLines)).position : 0
  let splitter = new LineSplitter()
  try {
    while (!signal.aborted) {
      if (handle) position = await readOn(handle, position, splitter, onLine)
      const [now, ours] = await Promise.all([stat(file).catch(() => undefined), handle?.stat()])
      if (now && (now.ino !== ours?.ino || now.size < position)) {
        // The writer may have gone on in the old file after our last read of it, until it renamed it.
        if (handle) await readOn(handle, position, splitter, onLine)
        await handle?.close()
        handle = await openIfThere(file)
        position = 0
        splitter = new LineSplitter()
        continue
      }
      await sleep(pollMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    await handle?.close()
  }
}
