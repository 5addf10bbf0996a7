/** Bytes that are the same in every run: of an alphabet of so many letters, the generator being a linear congruence. */
export function letters(count: number, length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = Math.floor((state / 2 ** 32) * count)
  }
  return bytes
}
