import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import {
  issueCertificate,
  type CertificateRequest,
  type Issuer,
  type Subject,
} from '../../services/issue-certificate.js'

/** A CA made for a test. */
export interface Authority extends Issuer {
  pem: string
}

/** Fixed times, so that no test depends on when it runs. */
export const caNotBefore = new Date('2025-01-01T00:00:00Z')
export const caNotAfter = new Date('2035-01-01T00:00:00Z')

type Changes = Partial<CertificateRequest> & { curve?: string }

function keys(curve: string): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: curve })
}

/** A CA; self-signed, or below `parent`. */
export function makeAuthority(commonName: string, parent?: Issuer, changes: Changes = {}): Authority {
  const { publicKey, privateKey } = keys('prime256v1')
  const subject: Subject = [
    ['O', 'org1.example.com'],
    ['CN', commonName],
  ]
  const request: CertificateRequest = {
    subject,
    publicKey,
    notBefore: caNotBefore,
    notAfter: caNotAfter,
    isCa: true,
    keyUsage: ['keyCertSign', 'cRLSign'],
    ...changes,
  }
  return { subject, privateKey, pem: issueCertificate(request, parent ?? { subject, privateKey }) }
}

/** A certificate that `issuer` issued, with its key. */
export function issue(issuer: Issuer, units: readonly string[], changes: Changes = {}) {
  const { curve = 'prime256v1', ...rest } = changes
  const { publicKey, privateKey } = keys(curve)
  const subject: Subject = [...units.map((unit): Subject[number] => ['OU', unit]), ['CN', 'somebody']]
  const request = { subject, publicKey, notBefore: caNotBefore, notAfter: caNotAfter, isCa: false, ...rest }
  return { pem: issueCertificate(request, issuer), privateKey }
}

/** Marshals an identity. */
export const serialize = (mspId: string, pem: string | Buffer): Buffer =>
  Buffer.from(SerializedIdentity.encode({ mspid: mspId, idBytes: Buffer.from(pem) }).finish())

/** A new temporary folder with the CA certificates of an MSP. */
export function makeMspFolder(roots: readonly string[], intermediates: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'msp-'))
  const write = (name: string, pems: readonly string[]): void => {
    mkdirSync(join(folder, name))
    pems.forEach((pem, index) => writeFileSync(join(folder, name, `${index}-cert.pem`), pem))
  }
  write('cacerts', roots)
  if (intermediates.length > 0) write('intermediatecerts', intermediates)
  return folder
}
