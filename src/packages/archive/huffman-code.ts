/** A prefix code: for each symbol its code, as the bits are written (lowest first), and how many bits it has. */
export interface HuffmanCode {
  readonly bits: Uint16Array
  /** 0 for a symbol that does not occur. */
  readonly lengths: Uint8Array
}

/**
 * The code for symbols that occur `frequencies[symbol]` times, with at most `longest` bits for each. There are several
 * codes of the same quality; this chooses as Go's compress/flate does: symbols by frequency and then by number, and, in
 * the package-merge algorithm, a package before a single symbol of the same weight.
 */
export function huffmanCode(frequencies: Uint32Array, longest: number): HuffmanCode {
  const symbols = [...frequencies.keys()].filter((symbol) => frequencies[symbol] !== 0)
  const lengths = new Uint8Array(frequencies.length)
  if (symbols.length <= 2) for (const symbol of symbols) lengths[symbol] = 1
  else {
    symbols.sort((a, b) => frequencies[a]! - frequencies[b]! || a - b)
    const weights = symbols.map((symbol) => frequencies[symbol]!)
    leavesByLevel(weights, Math.min(longest, symbols.length - 1)).forEach((leaves) => {
      // Every level that a symbol is chosen on makes its code one bit longer.
      for (let index = 0; index < leaves; index++) lengths[symbols[index]!]!++
    })
  }
  return canonicalCode(lengths)
}

/** How many symbols, counted from the lightest, each level of the package-merge algorithm chooses. */
function leavesByLevel(weights: readonly number[], levels: number): number[] {
  const rows: { weight: number; isLeaf: boolean }[][] = []
  for (let level = 0; level < levels; level++) {
    const below = rows.at(-1) ?? []
    const row: { weight: number; isLeaf: boolean }[] = []
    let leaf = 0
    for (let pair = 0; pair + 1 < below.length; pair += 2) {
      const weight = below[pair]!.weight + below[pair + 1]!.weight
      while (leaf < weights.length && weights[leaf]! < weight) row.push({ weight: weights[leaf++]!, isLeaf: true })
      row.push({ weight, isLeaf: false })
    }
    while (leaf < weights.length) row.push({ weight: weights[leaf++]!, isLeaf: true })
    rows.push(row)
  }
  const chosen: number[] = []
  let taken = 2 * weights.length - 2
  for (const row of rows.reverse()) {
    const leaves = row.slice(0, taken).filter(({ isLeaf }) => isLeaf).length
    chosen.push(leaves)
    taken = 2 * (taken - leaves)
  }
  return chosen
}

/** Assigns codes to lengths as RFC 1951 §3.2.2 prescribes. */
export function canonicalCode(lengths: Uint8Array): HuffmanCode {
  const bits = new Uint16Array(lengths.length)
  let code = 0
  for (let length = 1; length <= 15; length++) {
    code <<= 1
    for (let symbol = 0; symbol < lengths.length; symbol++)
      if (lengths[symbol] === length) bits[symbol] = reversed(code++, length)
  }
  return { bits, lengths }
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let bit = 0; bit < length; bit++) if (code & (1 << bit)) result |= 1 << (length - 1 - bit)
  return result
}

/** Bits that `code` takes for symbols that occur so often. */
export function codedBits(code: HuffmanCode, frequencies: Uint32Array): number {
  let total = 0
  frequencies.forEach((count, symbol) => (total += count * code.lengths[symbol]!))
  return total
}
