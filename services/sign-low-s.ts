import { sign, type KeyObject } from 'node:crypto'

/** A curve that Fabric accepts for identities. */
export interface Curve {
  /** Number of points of the curve's group (n). */
  order: bigint
  /** floor(n / 2), big-endian, `byteLength` bytes: the largest s of a low-S signature. */
  halfOrder: Buffer
  /** Length of r and of s, bytes. */
  byteLength: number
}

function curve(orderHex: string): Curve {
  const order = BigInt(`0x${orderHex}`)
  const byteLength = orderHex.length / 2
  return { order, byteLength, halfOrder: toBytes(order >> 1n, byteLength) }
}

function toBytes(value: bigint, byteLength: number): Buffer {
  return Buffer.from(value.toString(16).padStart(byteLength * 2, '0'), 'hex')
}

const curves: Readonly<Record<string, Curve>> = {
  prime256v1: curve('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  secp384r1: curve('ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'),
}

/** The curve of a key, or undefined where the key is not ECDSA on P-256 or P-384. */
export function curveOf(key: KeyObject): Curve | undefined {
  const name = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined
  return name === undefined ? undefined : curves[name]
}

function derInteger(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  const padding = digits[0]! >= 0x80 ? [0] : []
  return Buffer.from([0x02, digits.length + padding.length, ...padding, ...digits])
}

/**
 * Signs as Fabric demands: ECDSA over SHA-256 (for P-384 too), DER, with s in the lower half of the group order. OpenSSL
 * leaves s as it falls, and Fabric refuses the upper half (`Invalid S. Must be smaller than half the order`).
 * @throws TypeError when `key` is not on P-256 or P-384.
 */
export function signLowS(key: KeyObject, message: Uint8Array): Buffer {
  const keyCurve = curveOf(key)
  if (!keyCurve) throw new TypeError('only ECDSA keys on P-256 and P-384 can sign')
  const { order, halfOrder, byteLength } = keyCurve
  const signature = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })
  let s: Buffer = signature.subarray(byteLength)
  if (s.compare(halfOrder) > 0) s = toBytes(order - BigInt(`0x${s.toString('hex')}`), byteLength)
  const body = Buffer.concat([derInteger(signature.subarray(0, byteLength)), derInteger(s)])
  // 104 bytes at most on P-384, so the short form of the length always fits.
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}
