import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { LineBuffer } from './keep-lines.js'
import { readLines } from './read-lines.js'
import { writeLog, type LogOptions } from './write-log.js'

/** Characters of a line that last words keep: they travel in error messages, and those in gRPC trailers. */
const LAST_WORDS_LINE_LENGTH = 500

/** Where a line came from. */
export type OutputSource = 'stdout' | 'stderr'

/** What is kept of a process's output, and where it goes. */
export interface CaptureOptions {
  /** Lines of stdout and stderr together that are kept in memory. Default 1,000. */
  bufferedLines?: number
  /** Lines of stderr that EXITED carries. Default 20. */
  lastWordsCount?: number
  /** Lines of stdout and stderr together that EXITED carries for the diagnosis. Default 100. */
  outputCount?: number
  /** Called for each line, before it is in the log file. */
  onLine?: (source: OutputSource, text: string) => void
  /** Rotation of the log file, and what to do when it cannot be written. */
  log?: Pick<LogOptions, 'maxBytes' | 'onError'>
}

/** The output of a process that is being read. */
export interface Capture {
  /** Resolves when both pipes were read to their ends. */
  readonly ended: Promise<unknown>
  /** The last lines, oldest first, with the terminal's control codes. */
  recentLines(): string[]
  /** What EXITED tells: see there. Without control codes, long lines shortened. */
  lastWords(): { lastWords: string[]; output: string[] }
  /** Reads on whether the log is behind or not (`true`), or holds the pipes back again where it is (`false`). */
  hurry(isHurried: boolean): void
  /** Stops reading, also pipes that somebody still holds open; resolves when the log file is closed. */
  close(): Promise<void>
}

/**
 * Reads the two pipes of a process into a bounded buffer and a log file. Where the file is behind, both pipes are held
 * back: a flood makes the program that writes it wait, and costs nobody memory.
 */
export function captureOutput(
  pipes: Record<OutputSource, Readable>,
  logFile: string,
  { bufferedLines = 1000, lastWordsCount = 20, outputCount = 100, onLine, log: logOptions }: CaptureOptions,
): Capture {
  const recent = new LineBuffer(bufferedLines)
  let isHurried = false
  const resume = () => {
    pipes.stdout.resume()
    pipes.stderr.resume()
  }
  const log = writeLog(logFile, { ...logOptions, onDrain: resume })

  const read = (source: OutputSource) => {
    const own = new LineBuffer(lastWordsCount)
    const reader = readLines(pipes[source], (lines) => {
      recent.push(lines)
      own.push(lines)
      if (onLine) for (const line of lines) onLine(source, line)
      if (log.append(lines) || isHurried) return
      pipes.stdout.pause()
      pipes.stderr.pause()
    })
    const lastLines = () => {
      const unfinished = reader.unfinished()
      return unfinished === '' ? own.last() : [...own.last(), unfinished].slice(-lastWordsCount)
    }
    return { ended: reader.ended, lastLines }
  }
  const stdout = read('stdout')
  const stderr = read('stderr')
  const ended = Promise.all([stdout.ended, stderr.ended])

  return {
    ended,
    recentLines: () => recent.last(),
    lastWords() {
      // Fabric's Node shim reports its errors on stdout.
      const words = [stderr.lastLines(), stdout.lastLines()].find((lines) => lines.length > 0) ?? []
      return { lastWords: words.map(plain), output: recent.last(outputCount).map(plain) }
    },
    hurry(value) {
      isHurried = value
      if (isHurried) resume()
    },
    async close() {
      pipes.stdout.destroy()
      pipes.stderr.destroy()
      await ended
      await log.close()
    },
  }
}

/** A line without control codes, short enough for an error message. */
function plain(line: string): string {
  const text = stripVTControlCharacters(line)
  return text.length > LAST_WORDS_LINE_LENGTH ? `${text.slice(0, LAST_WORDS_LINE_LENGTH)} …` : text
}
