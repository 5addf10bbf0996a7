/** The last lines of some output, bounded in number and in total length, so that a flood of output costs no memory. */
export class LineBuffer {
  #lines: string[] = []
  #characters = 0

  constructor(
    private readonly maxLines: number,
    private readonly maxCharacters = 1024 * 1024,
  ) {}

  /** Adds `lines`, oldest first, and forgets the oldest ones over the limits; the newest line is always kept. */
  push(lines: readonly string[]): void {
    for (const line of lines.slice(-this.maxLines)) {
      this.#lines.push(line)
      this.#characters += line.length
    }
    let surplus = Math.max(0, this.#lines.length - this.maxLines)
    for (let i = 0; i < surplus; i++) this.#characters -= this.#lines[i]!.length
    while (this.#characters > this.maxCharacters && surplus < this.#lines.length - 1)
      this.#characters -= this.#lines[surplus++]!.length
    if (surplus > 0) this.#lines.splice(0, surplus)
  }

  /** The last `count` lines, oldest first. */
  last(count = this.maxLines): string[] {
    return count > 0 ? this.#lines.slice(-count) : []
  }
}
