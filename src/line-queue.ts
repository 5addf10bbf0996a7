import type { LogLine } from './control/types.js'

/** Lines that one side pushes and the other takes; bounded by the taker's pace only as far as people read logs. */
export class LineQueue implements AsyncIterable<LogLine> {
  private lines: LogLine[] = []
  private ended = false
  private wake: () => void = () => undefined

  push(line: LogLine): void {
    this.lines.push(line)
    this.wake()
  }

  end(): void {
    this.ended = true
    this.wake()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<LogLine> {
    for (;;) {
      const taken = this.lines
      this.lines = []
      yield* taken
      if (this.lines.length > 0) continue
      if (this.ended) return
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }
}
