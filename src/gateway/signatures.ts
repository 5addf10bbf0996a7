import { verify, type KeyObject } from 'node:crypto'
import { curveOf } from '../../services/sign-low-s.js'

export { signLowS } from '../../services/sign-low-s.js'

/** The magnitude of s in a DER ECDSA signature, without leading zeros; undefined where it is no such signature. */
function readS(signature: Uint8Array): Uint8Array | undefined {
  // Both curves stay below 128 bytes, so DER demands the short form of each length.
  if (signature[0] !== 0x30 || signature[1] !== signature.length - 2) return undefined
  const rLength = signature[3]
  if (signature[2] !== 0x02 || rLength === undefined) return undefined
  const sAt = 4 + rLength
  const sLength = signature[sAt + 1]
  if (signature[sAt] !== 0x02 || sLength === undefined || sAt + 2 + sLength !== signature.length) return undefined
  const digits = signature.subarray(sAt + 2)
  return digits[0] === 0 ? digits.subarray(1) : digits
}

/**
 * Verifies as Fabric does: ECDSA over SHA-256 (for P-384 too), DER, r and s positive, s at most half the group order.
 * False for anything else, also for a key on another curve; never throws.
 */
export function verifyLowS(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  const curve = curveOf(key)
  const s = readS(signature)
  if (!curve || !s || s.length > curve.byteLength) return false
  const padded = Buffer.alloc(curve.byteLength)
  padded.set(s, curve.byteLength - s.length)
  return padded.compare(curve.halfOrder) <= 0 && verify('sha256', message, { key, dsaEncoding: 'der' }, signature)
}
