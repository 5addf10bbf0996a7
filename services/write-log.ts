import { mkdir, open, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A log file that grows by whole lines. */
export interface LogWriter {
  /** Queues lines in order. `false`: the file is behind; hold the source back until `onDrain`. */
  append(lines: readonly string[]): boolean
  /** Resolves when everything queued is written, or was given up, and the file is closed. Append nothing after it. */
  close(): Promise<void>
}

/** Settings of a log file. */
export interface LogOptions {
  /** The file is renamed to `<file>.1`, in the place of an older one, when it passes this size. Default 16 MiB. */
  maxBytes?: number
  /** Queued bytes at which `append` says that the file is behind. Default 256 KiB. */
  highWaterBytes?: number
  /** The file caught up after `append` returned `false`. */
  onDrain?: () => void
  /** The file could not be written. The lines of this write are lost; the next one tries again. */
  onError?: (error: NodeJS.ErrnoException) => void
}

/** Opens a log file for appending, with its folder; the file itself is made by the first line. */
export function writeLog(file: string, options: LogOptions = {}): LogWriter {
  const { maxBytes = 16 * 1024 * 1024, highWaterBytes = 256 * 1024, onDrain, onError } = options
  let queue: Buffer[] = []
  let queuedBytes = 0
  let isBehind = false
  let handle: FileHandle | undefined
  let size = 0
  let writing: Promise<void> | undefined

  const openFile = async (): Promise<FileHandle> => {
    await mkdir(dirname(file), { recursive: true })
    const opened = await open(file, 'a')
    size = (await opened.stat()).size
    return opened
  }
  const closeFile = async (): Promise<void> => {
    const closing = handle
    handle = undefined
    await closing?.close()
  }
  const write = async (bytes: Buffer): Promise<void> => {
    try {
      handle ??= await openFile()
      await handle.appendFile(bytes)
      size += bytes.length
      if (size < maxBytes) return
      await closeFile()
      await rename(file, `${file}.1`)
    } catch (error) {
      await closeFile().catch(() => {})
      onError?.(error as NodeJS.ErrnoException)
    }
  }
  const writeQueue = async (): Promise<void> => {
    while (queue.length > 0) {
      const bytes = Buffer.concat(queue)
      queue = []
      await write(bytes)
      queuedBytes -= bytes.length
      if (isBehind && queuedBytes < highWaterBytes) {
        isBehind = false
        onDrain?.()
      }
    }
    writing = undefined
  }

  return {
    append(lines) {
      const bytes = Buffer.from(lines.join('\n') + '\n')
      queue.push(bytes)
      queuedBytes += bytes.length
      writing ??= writeQueue()
      isBehind ||= queuedBytes >= highWaterBytes
      return !isBehind
    },
    async close() {
      await writing
      await closeFile()
    },
  }
}
