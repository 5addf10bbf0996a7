import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Identity, type Signer, signers } from '@hyperledger/fabric-gateway'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import { issueCertificate, type Subject } from '../../services/issue-certificate.js'
import type { OrganizationIdentities } from '../../services/issue-identities.js'

/** Somebody who can sign: a certificate with its key, in the forms that the SDK and the raw messages want. */
export interface Member {
  privateKey: KeyObject
  identity: Identity
  signer: Signer
  /** Marshalled `msp.SerializedIdentity`. */
  serialized: Buffer
}

/** A member from PEM texts. */
export function memberOf(mspId: string, certificate: Buffer | string, key: KeyObject): Member {
  const credentials = Buffer.from(certificate)
  return {
    privateKey: key,
    identity: { mspId, credentials },
    signer: signers.newPrivateKeySigner(key),
    serialized: Buffer.from(SerializedIdentity.encode({ mspid: mspId, idBytes: credentials }).finish()),
  }
}

/** The member whose MSP folder this is. */
export function memberIn(mspFolder: string, mspId: string): Member {
  const key = createPrivateKey(readFileSync(join(mspFolder, 'keystore/key.pem')))
  return memberOf(mspId, readFileSync(join(mspFolder, 'signcerts/cert.pem')), key)
}

/** A new member whose certificate the organization's own CA issues. */
export function issueMember(
  organization: OrganizationIdentities,
  { unit = 'client', notBefore = new Date(), notAfter = new Date(Date.now() + 3_600_000) } = {},
): Member {
  const { orgDomain, folder, mspId } = organization
  const place: Subject = [
    ['C', 'US'],
    ['ST', 'California'],
    ['L', 'San Francisco'],
  ]
  const issuer = {
    subject: [...place, ['O', orgDomain], ['CN', `ca.${orgDomain}`]] as Subject,
    privateKey: createPrivateKey(readFileSync(join(folder, 'ca/priv_sk'))),
  }
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const subject: Subject = [...place, ['OU', unit], ['CN', `somebody@${orgDomain}`]]
  const request = { subject, publicKey, notBefore, notAfter, isCa: false, keyUsage: ['digitalSignature'] as const }
  return memberOf(mspId, issueCertificate(request, issuer), privateKey)
}

/** Order of the curve P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A DER integer of a positive number. */
function derInteger(number: bigint): Buffer {
  const hex = number.toString(16)
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const content = magnitude[0]! < 0x80 ? magnitude : Buffer.concat([Buffer.of(0), magnitude])
  return Buffer.concat([Buffer.of(2, content.length), content])
}

/** Signs as an SDK must not: with the upper of the two values of s that verify. */
export function signHighS(key: KeyObject, message: Uint8Array): Buffer {
  const halves = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }).toString('hex')
  const [r, s] = [BigInt(`0x${halves.slice(0, 64)}`), BigInt(`0x${halves.slice(64)}`)]
  const body = Buffer.concat([derInteger(r), derInteger(s > order / 2n ? s : order - s)])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}
