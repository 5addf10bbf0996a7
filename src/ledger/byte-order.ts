/** Where a UTF-16 code unit stands in UTF-8 order: surrogates (U+10000 and above) come behind U+FFFF. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/**
 * Compares two strings by their UTF-8 bytes, as Fabric orders keys and namespaces. JavaScript's own order differs beyond
 * the Basic Multilingual Plane. Negative, zero or positive, as `Array.prototype.sort` wants it.
 */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Position of the first of `count` ordered items that `isBehind` holds for; `count` where there is none. */
export function firstIndex(count: number, isBehind: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBehind(middle)) high = middle
    else low = middle + 1
  }
  return low
}
