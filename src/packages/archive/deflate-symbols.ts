/** The alphabets of DEFLATE (RFC 1951 §3.2.5): a match is written as codes for its length and its distance, with extra bits. */

/** The symbol that ends a block. */
export const END_OF_BLOCK = 256
/** Symbols of the literal and length alphabet that may occur. */
export const LITERAL_SYMBOLS = 286
/** Symbols of the distance alphabet. */
export const DISTANCE_SYMBOLS = 30
/** Shortest and longest match that the format knows. */
export const SHORTEST_LENGTH = 3
export const LONGEST_LENGTH = 258

/** Extra bits behind a length symbol, by symbol; 0 for literals. */
export const lengthExtraBits = new Uint8Array(LITERAL_SYMBOLS)
/** Extra bits behind a distance symbol. */
export const distanceExtraBits = new Uint8Array(DISTANCE_SYMBOLS)
/** The smallest length of a length symbol, by symbol. */
export const lengthBase = new Uint16Array(LITERAL_SYMBOLS)
/** The smallest distance of a distance symbol. */
export const distanceBase = new Uint16Array(DISTANCE_SYMBOLS)
/** The symbol of each length. */
export const lengthSymbol = new Uint16Array(LONGEST_LENGTH + 1)

for (let symbol = END_OF_BLOCK + 1, length = SHORTEST_LENGTH; symbol < LITERAL_SYMBOLS - 1; symbol++) {
  const step = symbol - (END_OF_BLOCK + 1)
  lengthExtraBits[symbol] = step < 8 ? 0 : (step >> 2) - 1
  lengthBase[symbol] = length
  const end = Math.min(LONGEST_LENGTH + 1, length + (1 << lengthExtraBits[symbol]!))
  while (length < end) lengthSymbol[length++] = symbol
}
// The longest match has a symbol of its own, without extra bits.
lengthSymbol[LONGEST_LENGTH] = LITERAL_SYMBOLS - 1
lengthBase[LITERAL_SYMBOLS - 1] = LONGEST_LENGTH

const nearDistanceSymbol = new Uint8Array(257)
const farDistanceSymbol = new Uint8Array(257)
for (let symbol = 0, distance = 1; symbol < DISTANCE_SYMBOLS; symbol++) {
  distanceExtraBits[symbol] = symbol < 4 ? 0 : (symbol >> 1) - 1
  distanceBase[symbol] = distance
  const end = distance + (1 << distanceExtraBits[symbol]!)
  // From 257 on, all distances of one block of 128 have the same symbol.
  for (; distance < end; distance += distance <= 256 ? 1 : 128) {
    if (distance <= 256) nearDistanceSymbol[distance] = symbol
    else farDistanceSymbol[(distance - 1) >> 7] = symbol
  }
}

/** The symbol of a distance from 1 to 32768. */
export const distanceSymbol = (distance: number): number =>
  distance <= 256 ? nearDistanceSymbol[distance]! : farDistanceSymbol[(distance - 1) >> 7]!
