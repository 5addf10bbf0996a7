import { BitWriter } from './bit-writer.js'
import { type Token, matchToken, writeBlock, writeStored } from './deflate-block.js'
import { LONGEST_LENGTH } from './deflate-symbols.js'

const WINDOW = 1 << 15
const HASH_BITS = 17
/** Matches of three bytes, which the format knows too, are never looked for. */
const SHORTEST = 4
/** Bytes that have to be at hand before a position is decided upon, unless the input is at its end. */
const LOOKAHEAD = SHORTEST + LONGEST_LENGTH
const TOKENS_IN_BLOCK = 1 << 14
/** Beyond this distance, a match has to be longer than the shortest to be worth its bits. */
const NEAR = 4096

/** How hard it looks for matches: zlib's level 6. */
const LAZY_LENGTH = 16
const NICE_LENGTH = 128
const CHAIN = 128

/**
 * Compresses as compress/flate of Go 1.26 does at its default level, decision by decision, so that the result is
 * the same to the byte. The format leaves these decisions free, and zlib's are others; the id of a chaincode package is
 * a hash over the result. The window moves at the same points, too, because matches do not reach behind it.
 */
export class Deflate {
  private readonly out = new BitWriter()
  private readonly window = new Uint8Array(2 * WINDOW)
  /** Where the window begins in the input. All positions below are in the window. */
  private windowStart = 0
  private end = 0
  private position = 0
  /** Where the tokens of this block begin, in the input. */
  private blockStart = 0
  private tokens: Token[] = []
  /** Last position with a hash, and before each position the one with the same hash; in the input, plus 1. */
  private readonly newest = new Uint32Array(1 << HASH_BITS)
  private readonly older = new Uint32Array(WINDOW)
  /** The match at the position before, and whether that position still waits for a better one. */
  private length = SHORTEST - 1
  private distance = 0
  private isWaiting = false

  /** Adds input. Where its chunks end has an influence on rare inputs, as it has in Go. */
  write(chunk: Uint8Array): void {
    for (let taken = 0; taken < chunk.length;) {
      this.advance(false)
      this.moveWindow()
      const part = chunk.subarray(taken, taken + this.window.length - this.end)
      this.window.set(part, this.end)
      this.end += part.length
      taken += part.length
    }
  }

  /** Ends the input, and gives all that was compressed. */
  finish(): Buffer {
    this.advance(true)
    if (this.isWaiting) this.tokens.push(this.window[this.position - 1]!)
    if (this.tokens.length > 0) this.endBlock(this.position)
    writeStored(this.out, new Uint8Array(0), true)
    return this.out.result()
  }

  private moveWindow(): void {
    if (this.position < 2 * WINDOW - LOOKAHEAD) return
    this.window.copyWithin(0, WINDOW)
    this.windowStart += WINDOW
    this.position -= WINDOW
    this.end -= WINDOW
  }

  /** Decides on every position with enough input behind it; at the end of the input, on all. */
  private advance(isEnd: boolean): void {
    const needed = isEnd ? 1 : LOOKAHEAD
    while (this.end - this.position >= needed) {
      const { length: formerLength, distance: formerDistance } = this
      const candidate = this.remember(this.position)
      this.length = SHORTEST - 1
      this.distance = 0
      if (formerLength < LAZY_LENGTH && this.end - this.position > formerLength) this.findMatch(candidate)
      if (formerLength >= SHORTEST && this.length <= formerLength) this.takeMatch(formerLength, formerDistance)
      else this.takeLiteral()
    }
  }

  /** Writes the match that began one position before, because none that begins here is longer. */
  private takeMatch(length: number, distance: number): void {
    this.tokens.push(matchToken(length, distance))
    const next = this.position + length - 1
    for (let skipped = this.position + 1; skipped < next; skipped++) this.remember(skipped)
    this.position = next
    this.isWaiting = false
    this.length = SHORTEST - 1
    if (this.tokens.length === TOKENS_IN_BLOCK) this.endBlock(this.position)
  }

  /** Writes the byte before, if it waited, and lets the one here wait. */
  private takeLiteral(): void {
    if (this.isWaiting) {
      this.tokens.push(this.window[this.position - 1]!)
      if (this.tokens.length === TOKENS_IN_BLOCK) this.endBlock(this.position)
    }
    this.position++
    this.isWaiting = true
  }

  /** Enters a position under its hash, and gives the last one with the same hash; -1 where there is none. */
  private remember(position: number): number {
    if (position >= this.end - (SHORTEST - 1)) return -1
    const { window } = this
    const word =
      (window[position]! << 24) | (window[position + 1]! << 16) | (window[position + 2]! << 8) | window[position + 3]!
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const former = this.newest[hash]!
    this.older[position & (WINDOW - 1)] = former
    this.newest[hash] = this.windowStart + position + 1
    return former - 1 - this.windowStart
  }

  /** Looks for the longest match here, from the newest position on; the nearest of equally long ones wins. */
  private findMatch(candidate: number): void {
    const { window, position } = this
    const oldest = position - WINDOW
    if (candidate < Math.max(0, oldest)) return
    const most = Math.min(LONGEST_LENGTH, this.end - position)
    const nice = Math.min(NICE_LENGTH, most)
    let best = SHORTEST - 1
    for (let tries = CHAIN, at = candidate; tries > 0; tries--) {
      // A longer match agrees where the best one so far ends.
      if (window[at + best] === window[position + best]) {
        let length = 0
        while (length < most && window[at + length] === window[position + length]) length++
        if (length > best && (length > SHORTEST || position - at <= NEAR)) {
          best = length
          this.length = length
          this.distance = position - at
          if (length >= nice) return
        }
      }
      if (at === oldest) return
      at = this.older[at & (WINDOW - 1)]! - 1 - this.windowStart
      if (at < 0 || at < oldest) return
    }
  }

  private endBlock(end: number): void {
    const start = this.blockStart - this.windowStart
    writeBlock(this.out, this.tokens, start >= 0 ? this.window.subarray(start, end) : undefined)
    this.blockStart = this.windowStart + end
    this.tokens = []
  }
}
