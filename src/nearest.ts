import { closest, distance } from 'fastest-levenshtein'

/** The candidate that `name` was probably meant to be, or undefined where none is near. Upper and lower case count alike. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined
  const lower = name.toLowerCase()
  const best = closest(
    lower,
    candidates.map((candidate) => candidate.toLowerCase()),
  )
  // A third of the letters may differ: more than that is another word.
  if (distance(lower, best) > Math.max(1, Math.ceil(name.length / 3))) return undefined
  return candidates.find((candidate) => candidate.toLowerCase() === best)
}
