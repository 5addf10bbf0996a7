import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { curveOf } from '../../services/sign-low-s.js'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import { failure, messageOf } from '../errors.js'
import { readCertificate } from './read-certificate.js'
import { signLowS } from './signatures.js'
import type { SigningIdentity } from './types.js'

/** What a member's MSP folder holds to sign with. */
export interface MspCredentials {
  /** The certificate's file, byte for byte: these bytes are the identity. */
  certificate: Buffer
  privateKey: KeyObject
}

function readFiles(folder: string): { file: string; content: Buffer }[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
      .map((file) => ({ file, content: readFileSync(file) }))
  } catch (error) {
    throw failure('IDENTITY_FILE', { file: folder, detail: messageOf(error) }, error)
  }
}

function keyOf(certificate: X509Certificate, keystore: string): KeyObject {
  for (const { file, content } of readFiles(keystore)) {
    let key: KeyObject
    try {
      key = createPrivateKey(content)
    } catch (error) {
      throw failure('IDENTITY_FILE', { file, detail: `holds no private key (${messageOf(error)})` }, error)
    }
    if (certificate.checkPrivateKey(key)) return key
  }
  throw failure('IDENTITY_FILE', { file: keystore, detail: 'holds no key that fits the certificate' })
}

/**
 * Reads the first certificate of `signcerts`, and the key in `keystore` that fits it.
 * @throws ChaincodedError IDENTITY_FILE when either is missing, unreadable or not ECDSA on P-256 or P-384.
 */
export function readMspFolder(mspFolder: string): MspCredentials {
  const first = readFiles(join(mspFolder, 'signcerts'))[0]
  if (!first) {
    throw failure('IDENTITY_FILE', { file: join(mspFolder, 'signcerts'), detail: 'holds no certificate' })
  }
  const { file, content } = first
  let found: ReturnType<typeof readCertificate>
  try {
    found = readCertificate(content.toString('latin1'))
  } catch (error) {
    throw failure('IDENTITY_FILE', { file, detail: `holds no certificate (${messageOf(error)})` }, error)
  }
  if (!curveOf(found.publicKey)) {
    throw failure('IDENTITY_FILE', { file, detail: 'its key is not ECDSA on P-256 or P-384' })
  }
  return { certificate: content, privateKey: keyOf(found.certificate, join(mspFolder, 'keystore')) }
}

/**
 * The identity that signs with the certificate and key of an MSP folder.
 * @throws ChaincodedError IDENTITY_FILE as `readMspFolder`.
 */
export function loadSigningIdentity(mspFolder: string, mspId: string): SigningIdentity {
  const { certificate, privateKey } = readMspFolder(mspFolder)
  const serialized = Buffer.from(SerializedIdentity.encode({ mspid: mspId, idBytes: certificate }).finish())
  return { mspId, serialized, sign: (message) => signLowS(privateKey, message) }
}
