import { type BitWriter } from './bit-writer.js'
import {
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LITERAL_SYMBOLS,
  distanceBase,
  distanceExtraBits,
  distanceSymbol,
  lengthBase,
  lengthExtraBits,
  lengthSymbol,
} from './deflate-symbols.js'
import { type HuffmanCode, canonicalCode, codedBits, huffmanCode } from './huffman-code.js'

/** A literal byte, or a match as `length << 16 | distance`, whose distance is never 0. Distances end at 32768. */
export type Token = number

/** Makes the token of a match. */
export const matchToken = (length: number, distance: number): Token => (length << 16) | distance

const fixedLiterals = canonicalCode(
  Uint8Array.from({ length: LITERAL_SYMBOLS + 2 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  ),
)
const fixedDistances = canonicalCode(new Uint8Array(DISTANCE_SYMBOLS).fill(5))

/** The order in which the lengths of the code for code lengths are written (RFC 1951 §3.2.7). */
const lengthsOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** One item of a description of code lengths: a length or a repetition, and the extra bits behind it. */
interface LengthItem {
  symbol: number
  extra: number
  extraBits: number
}

/**
 * Writes one block that is not the last in the form that takes the fewest bits: dynamic, fixed or stored; the fixed form
 * where it is no larger than the dynamic, and stored only where it is smaller than both. `input` are the bytes that the
 * tokens stand for; undefined where they are out of reach, and the block cannot be stored.
 */
export function writeBlock(out: BitWriter, tokens: readonly Token[], input: Uint8Array | undefined): void {
  const literalCounts = new Uint32Array(LITERAL_SYMBOLS)
  const distanceCounts = new Uint32Array(DISTANCE_SYMBOLS)
  let extraBits = 0
  for (const token of tokens) {
    if (token < 256) literalCounts[token]!++
    else {
      const length = lengthSymbol[token >> 16]!
      const distance = distanceSymbol(token & 0xffff)
      literalCounts[length]!++
      distanceCounts[distance]!++
      extraBits += lengthExtraBits[length]! + distanceExtraBits[distance]!
    }
  }
  literalCounts[END_OF_BLOCK] = 1
  // The dynamic form describes at least one distance.
  if (distanceCounts.every((count) => count === 0)) distanceCounts[0] = 1
  const literals = huffmanCode(literalCounts, 15)
  const distances = huffmanCode(distanceCounts, 15)
  const header = describeCodes(used(literals, END_OF_BLOCK + 1), used(distances, 1))
  const dynamicBits =
    header.bits + codedBits(literals, literalCounts) + codedBits(distances, distanceCounts) + extraBits
  const fixedBits = 3 + codedBits(fixedLiterals, literalCounts) + codedBits(fixedDistances, distanceCounts) + extraBits
  if (input && input.length <= 0xffff && (input.length + 5) * 8 < Math.min(dynamicBits, fixedBits)) {
    writeStored(out, input, false)
  } else if (dynamicBits < fixedBits) {
    header.write(out)
    writeTokens(out, tokens, literals, distances)
  } else {
    out.bits(0b010, 3)
    writeTokens(out, tokens, fixedLiterals, fixedDistances)
  }
}

/** Writes bytes as they are, at most 65535. */
export function writeStored(out: BitWriter, input: Uint8Array, isLast: boolean): void {
  out.bits(isLast ? 1 : 0, 3)
  out.alignToByte()
  out.bits(input.length, 16)
  out.bits(~input.length & 0xffff, 16)
  out.bytes(input)
}

/** The lengths up to the last symbol that occurs, and at least `least` of them. */
function used({ lengths }: HuffmanCode, least: number): Uint8Array {
  let end = lengths.length
  while (end > least && lengths[end - 1] === 0) end--
  return lengths.subarray(0, end)
}

/** The header of a dynamic block: its size in bits, and how to write it. */
function describeCodes(literals: Uint8Array, distances: Uint8Array): { bits: number; write(out: BitWriter): void } {
  const items = lengthItems(Uint8Array.from([...literals, ...distances]))
  const counts = new Uint32Array(lengthsOrder.length)
  for (const { symbol } of items) counts[symbol]!++
  const code = huffmanCode(counts, 7)
  let written = lengthsOrder.length
  while (written > 4 && counts[lengthsOrder[written - 1]!] === 0) written--
  const extraBits = items.reduce((sum, item) => sum + item.extraBits, 0)
  return {
    bits: 3 + 5 + 5 + 4 + 3 * written + codedBits(code, counts) + extraBits,
    write(out) {
      out.bits(0b100, 3)
      out.bits(literals.length - (END_OF_BLOCK + 1), 5)
      out.bits(distances.length - 1, 5)
      out.bits(written - 4, 4)
      for (const symbol of lengthsOrder.slice(0, written)) out.bits(code.lengths[symbol]!, 3)
      for (const item of items) {
        out.bits(code.bits[item.symbol]!, code.lengths[item.symbol]!)
        out.bits(item.extra, item.extraBits)
      }
    },
  }
}

/** Code lengths with their repetitions shortened: zeros by 18 and 17, others by 16, as greedily as it goes. */
function lengthItems(lengths: Uint8Array): LengthItem[] {
  const items: LengthItem[] = []
  const plain = (symbol: number) => items.push({ symbol, extra: 0, extraBits: 0 })
  for (let start = 0; start < lengths.length;) {
    const length = lengths[start]!
    let end = start + 1
    while (end < lengths.length && lengths[end] === length) end++
    let left = end - start
    start = end
    if (length === 0) {
      for (; left >= 11; left -= Math.min(left, 138)) {
        items.push({ symbol: 18, extra: Math.min(left, 138) - 11, extraBits: 7 })
      }
      if (left >= 3) {
        items.push({ symbol: 17, extra: left - 3, extraBits: 3 })
        left = 0
      }
    } else {
      plain(length)
      for (left--; left >= 3; left -= Math.min(left, 6)) {
        items.push({ symbol: 16, extra: Math.min(left, 6) - 3, extraBits: 2 })
      }
    }
    while (left-- > 0) plain(length)
  }
  return items
}

function writeTokens(out: BitWriter, tokens: readonly Token[], literals: HuffmanCode, distances: HuffmanCode): void {
  for (const token of tokens) {
    if (token < 256) {
      out.bits(literals.bits[token]!, literals.lengths[token]!)
      continue
    }
    const length = token >> 16
    const distance = token & 0xffff
    const lengthCode = lengthSymbol[length]!
    const distanceCode = distanceSymbol(distance)
    out.bits(literals.bits[lengthCode]!, literals.lengths[lengthCode]!)
    out.bits(length - lengthBase[lengthCode]!, lengthExtraBits[lengthCode]!)
    out.bits(distances.bits[distanceCode]!, distances.lengths[distanceCode]!)
    out.bits(distance - distanceBase[distanceCode]!, distanceExtraBits[distanceCode]!)
  }
  out.bits(literals.bits[END_OF_BLOCK]!, literals.lengths[END_OF_BLOCK]!)
}
