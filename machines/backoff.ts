/** How long a chaincode waits until it is started again. */
import type { ChaincodeInput } from './chaincode-facts.js'

/** A number from 0 up to 1 that spreads as chance does, and is the same for the same seed and text. */
function chance(seed: number, text: string): number {
  let hash = seed | 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** The delay before the start of that number in a row, ms: doubled with each, capped, and then shortened by chance. */
export function backoffDelayMs(
  { ccid, backoffMs, backoffLimitMs, jitter }: Pick<ChaincodeInput, 'ccid' | 'backoffMs' | 'backoffLimitMs' | 'jitter'>,
  restarts: number,
): number {
  const whole = Math.min(backoffMs * 2 ** (restarts - 1), backoffLimitMs)
  if (!jitter) return whole
  return Math.round(whole * (1 - jitter.share * chance(jitter.seed, `${ccid} ${restarts}`)))
}
