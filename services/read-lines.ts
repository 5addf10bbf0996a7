import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Bytes of a line that are kept unless told otherwise; the rest is replaced by a mark. */
export const MAX_LINE_BYTES = 64 * 1024

const NEWLINE = 0x0a

/**
 * Turns chunks of bytes into lines. Lines are split before they are decoded, so a character whose bytes arrive in two
 * chunks stays whole. A line over the limit is cut at a character and ends in a mark that says how long it is, so
 * that output without line ends costs no memory. One carriage return before the line end is part of the line end.
 */
export class LineSplitter {
  #pieces: Buffer[] = []
  #keptBytes = 0
  #droppedBytes = 0

  constructor(private readonly maxLineBytes = MAX_LINE_BYTES) {}

  /** The lines that `chunk` completes, in order. */
  feed(chunk: Buffer): string[] {
    const lines: string[] = []
    const first = chunk.indexOf(NEWLINE)
    if (first !== -1) {
      this.#keep(chunk.subarray(0, first))
      lines.push(this.#take())
    }
    const last = chunk.lastIndexOf(NEWLINE)
    if (last > first) {
      const whole = chunk.subarray(first + 1, last)
      // No line of a chunk within the limit can pass it, so the common case is one decode and one split.
      if (whole.length <= this.maxLineBytes) for (const line of whole.toString().split('\n')) lines.push(chomp(line))
      else
        for (let from = first + 1; from <= last;) {
          const to = chunk.indexOf(NEWLINE, from)
          this.#keep(chunk.subarray(from, to))
          lines.push(this.#take())
          from = to + 1
        }
    }
    this.#keep(chunk.subarray(last + 1))
    return lines
  }

  /** What was fed after the last line end, and forgets it: call it when the input has ended. */
  rest(): string[] {
    return this.#keptBytes > 0 ? [this.#take()] : []
  }

  /** What was fed after the last line end; empty where there is nothing. */
  unfinished(): string {
    return new StringDecoder().write(Buffer.concat(this.#pieces))
  }

  #keep(piece: Buffer): void {
    const kept = piece.subarray(0, this.maxLineBytes - this.#keptBytes)
    if (kept.length > 0) this.#pieces.push(kept)
    this.#keptBytes += kept.length
    this.#droppedBytes += piece.length - kept.length
  }

  #take(): string {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
    // The decoder holds back a character that the cut left incomplete.
    const line =
      this.#droppedBytes > 0
        ? `${new StringDecoder().write(bytes)} … [cut: the line has ${bytes.length + this.#droppedBytes} bytes]`
        : chomp(bytes.toString())
    this.#pieces = []
    this.#keptBytes = 0
    this.#droppedBytes = 0
    return line
  }
}

const chomp = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

/** A stream that is being read line by line. */
export interface LineReader {
  /** What came after the last line end so far. */
  unfinished(): string
  /** Resolves when the stream ended, failed or was destroyed, and its last line was delivered. */
  readonly ended: Promise<void>
}

/** Reads `stream` to its end and delivers the lines of each chunk together; never delivers an empty batch. */
export function readLines(stream: Readable, onLines: (lines: string[]) => void): LineReader {
  const splitter = new LineSplitter()
  const deliver = (lines: string[]) => {
    if (lines.length > 0) onLines(lines)
  }
  const ended = new Promise<void>((resolve) => {
    const finish = () => {
      deliver(splitter.rest())
      resolve()
    }
    stream.once('end', finish).once('close', finish)
  })
  // A broken pipe tells nothing that its end does not.
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => deliver(splitter.feed(chunk)))
  return { unfinished: () => splitter.unfinished(), ended }
}
