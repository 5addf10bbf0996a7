import { generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { curveOf } from '../../services/sign-low-s.js'
import { signLowS, verifyLowS } from '../../src/gateway/signatures.js'
import { makeAuthority } from './certificates.js'

/** Reads s of a DER signature that is known to be well formed. */
function sOf(der: Uint8Array): bigint {
  const at = 4 + der[3]!
  return BigInt(`0x${Buffer.from(der.subarray(at + 2, at + 2 + der[at + 1]!)).toString('hex')}`)
}

/** Writes INTEGER values as DER; the inverse of what the code under test reads. */
function der(...values: bigint[]): Buffer {
  const integers = values.map((value) => {
    const hex = value.toString(16)
    const digits = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
    const padded = digits[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

describe('Signatures', () => {
  const message = Buffer.from('a message')

  for (const curveName of ['prime256v1', 'secp384r1']) {
    describe(`on ${curveName}`, () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curveName })
      const { order } = curveOf(publicKey)!

      it('hold with s taken from the curve order too, which proves the order right', () => {
        const p1363 = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })
        const half = p1363.length / 2
        const [r, s] = [p1363.subarray(0, half), p1363.subarray(half)].map((part) =>
          BigInt(`0x${part.toString('hex')}`),
        )
        expect(verify('sha256', message, publicKey, der(r!, order - s!))).to.equal(true)
      })

      it('are low-S and hold, 50 times in a row', () => {
        for (let round = 0; round < 50; round++) {
          const text = Buffer.from(`message ${round}`)
          const signature = signLowS(privateKey, text)
          expect(sOf(signature) <= order / 2n, `s of round ${round}`).to.equal(true)
          expect(verify('sha256', text, publicKey, signature), 'by OpenSSL').to.equal(true)
          expect(verifyLowS(publicKey, text, signature), 'by verifyLowS').to.equal(true)
        }
      })

      it('are refused in their high-S form, which OpenSSL takes', () => {
        const signature = signLowS(privateKey, message)
        const r = BigInt(`0x${signature.subarray(4, 4 + signature[3]!).toString('hex')}`)
        const high = der(r, order - sOf(signature))
        expect(verify('sha256', message, publicKey, high)).to.equal(true)
        expect(verifyLowS(publicKey, message, high)).to.equal(false)
      })

      it('are refused for another message, another key, and when cut, extended or empty', () => {
        const signature = signLowS(privateKey, message)
        const other = generateKeyPairSync('ec', { namedCurve: curveName }).publicKey
        expect(verifyLowS(publicKey, Buffer.from('another'), signature)).to.equal(false)
        expect(verifyLowS(other, message, signature)).to.equal(false)
        expect(verifyLowS(publicKey, message, Buffer.concat([signature, Buffer.from([0])]))).to.equal(false)
        for (let length = 0; length < signature.length; length++) {
          expect(verifyLowS(publicKey, message, signature.subarray(0, length)), `${length} bytes`).to.equal(false)
        }
      })

      it('are refused when r or s is zero, negative, too large, or no integer', () => {
        const signature = signLowS(privateKey, message)
        const s = sOf(signature)
        const negative = Buffer.from(der(1n, 0x7fn))
        negative[negative.length - 1] = 0xff
        const wrong = [der(0n, s), der(s, 0n), der(1n, order), der(1n, order << 64n), der(s), der(s, s, s), negative]
        for (const bytes of wrong) expect(verifyLowS(publicKey, message, bytes), bytes.toString('hex')).to.equal(false)
        expect(verifyLowS(publicKey, message, Buffer.alloc(70, 0x30))).to.equal(false)
      })
    })
  }

  it('are not made or taken with keys of other kinds', () => {
    for (const { privateKey, publicKey } of [
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
    ]) {
      expect(() => signLowS(privateKey, message)).to.throw(TypeError, 'P-256')
      expect(verifyLowS(publicKey, message, Buffer.alloc(64))).to.equal(false)
    }
  })

  it('of issued certificates are low-S, 50 times in a row', () => {
    for (let round = 0; round < 50; round++) {
      const certificate = new X509Certificate(makeAuthority('ca').pem)
      const { order } = curveOf(certificate.publicKey)!
      // The signature is the last BIT STRING of the certificate; its SEQUENCE is 68 to 72 bytes long.
      const raw = certificate.raw
      const start = [68, 69, 70, 71, 72]
        .map((length) => raw.length - length)
        .find((at) => raw[at] === 0x30 && raw[at + 1] === raw.length - at - 2)!
      expect(sOf(raw.subarray(start)) <= order / 2n, `certificate ${round}`).to.equal(true)
    }
  })
})
