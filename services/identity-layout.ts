import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The users of the organization; the first is a client, the second its administrator. */
export const users = ['User1', 'Admin'] as const

/** Whose key pair a file of the layout belongs to. The `Tls` ones are issued by `tlsca`, the others by `ca`. */
export const holders = ['ca', 'tlsca', 'peer', 'peerTls', 'User1', 'User1Tls', 'Admin', 'AdminTls'] as const
export type Holder = (typeof holders)[number]

/** PEM texts of one key pair. */
export interface KeyPair {
  certificate: string
  privateKey: string
}

/** A file of the layout: whose certificate or private key it holds, or the NodeOU configuration of an MSP. */
export type LayoutFile =
  { path: string; part: 'certificate' | 'privateKey'; of: Holder } | { path: string; part: 'nodeOus' }

/** A file of an existing identity folder is missing, unreadable, or does not fit the others. */
export class IdentityFileError extends Error {
  constructor(
    readonly file: string,
    /** What is wrong with it. */
    readonly problem: string,
  ) {
    super(`${file}: ${problem}`)
  }
}

function caFiles(folder: 'ca' | 'tlsca', orgDomain: string): LayoutFile[] {
  return [
    { path: `${folder}/${folder}.${orgDomain}-cert.pem`, part: 'certificate', of: folder },
    { path: `${folder}/priv_sk`, part: 'privateKey', of: folder },
  ]
}

function mspFiles(folder: string, orgDomain: string): LayoutFile[] {
  return [
    { path: `${folder}/cacerts/ca.${orgDomain}-cert.pem`, part: 'certificate', of: 'ca' },
    { path: `${folder}/tlscacerts/tlsca.${orgDomain}-cert.pem`, part: 'certificate', of: 'tlsca' },
    { path: `${folder}/config.yaml`, part: 'nodeOus' },
  ]
}

function memberFiles(folder: string, name: string, orgDomain: string, of: 'peer' | 'User1' | 'Admin'): LayoutFile[] {
  const tls = of === 'peer' ? 'server' : 'client'
  return [
    ...mspFiles(`${folder}/msp`, orgDomain),
    { path: `${folder}/msp/signcerts/${name}-cert.pem`, part: 'certificate', of },
    // Networks made with fabric-ca have these names, and some samples ask for them.
    { path: `${folder}/msp/signcerts/cert.pem`, part: 'certificate', of },
    { path: `${folder}/msp/keystore/priv_sk`, part: 'privateKey', of },
    { path: `${folder}/msp/keystore/key.pem`, part: 'privateKey', of },
    { path: `${folder}/tls/ca.crt`, part: 'certificate', of: 'tlsca' },
    { path: `${folder}/tls/${tls}.crt`, part: 'certificate', of: `${of}Tls` },
    { path: `${folder}/tls/${tls}.key`, part: 'privateKey', of: `${of}Tls` },
  ]
}

/** Folder of the peer below the organization's. */
export const peerFolder = (orgDomain: string): string => `peers/peer0.${orgDomain}`

/** Folder of a user below the organization's. */
export const userFolder = (user: (typeof users)[number], orgDomain: string): string => `users/${user}@${orgDomain}`

/** Every file that cryptogen writes for a peer organization, below the organization's folder. */
export function layoutFiles(orgDomain: string): LayoutFile[] {
  return [
    ...caFiles('ca', orgDomain),
    ...caFiles('tlsca', orgDomain),
    ...mspFiles('msp', orgDomain),
    ...memberFiles(peerFolder(orgDomain), `peer0.${orgDomain}`, orgDomain, 'peer'),
    ...users.flatMap((user) => memberFiles(userFolder(user, orgDomain), `${user}@${orgDomain}`, orgDomain, user)),
  ]
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new IdentityFileError(file, code === 'ENOENT' ? 'is missing' : `cannot be read: ${code ?? message}`)
  }
}

function parse<T>(file: string, what: string, make: () => T): T {
  try {
    return make()
  } catch {
    throw new IdentityFileError(file, `holds no ${what}`)
  }
}

/**
 * Reads an organization's folder and checks that its files are whole and fit each other.
 * @throws IdentityFileError naming the first file that is missing, unreadable, or foreign to the others.
 */
export function readLayout(root: string, orgDomain: string): Record<Holder, KeyPair> {
  const first = new Map<string, { path: string; text: string }>()
  const certificates = new Map<Holder, { file: string; certificate: X509Certificate }>()
  const keys = new Map<Holder, { file: string; key: KeyObject }>()
  for (const entry of layoutFiles(orgDomain)) {
    const file = join(root, entry.path)
    const text = readText(file)
    if (entry.part === 'nodeOus') continue
    const same = first.get(entry.part + entry.of)
    if (same && same.text !== text) throw new IdentityFileError(file, `differs from ${same.path}`)
    if (same) continue
    first.set(entry.part + entry.of, { path: entry.path, text })
    if (entry.part === 'certificate') {
      certificates.set(entry.of, { file, certificate: parse(file, 'certificate', () => new X509Certificate(text)) })
    } else {
      keys.set(entry.of, { file, key: parse(file, 'private key', () => createPrivateKey(text)) })
    }
  }
  for (const holder of holders) {
    const { file, certificate } = certificates.get(holder)!
    const issuer = holder.endsWith('Tls') || holder === 'tlsca' ? 'tlsca' : 'ca'
    if (!certificate.verify(certificates.get(issuer)!.certificate.publicKey)) {
      throw new IdentityFileError(file, `was not issued by the key of ${issuer}/`)
    }
    const { file: keyFile, key } = keys.get(holder)!
    if (!certificate.checkPrivateKey(key)) throw new IdentityFileError(keyFile, `does not fit ${file}`)
  }
  const textOf = (part: string, holder: Holder): string => first.get(part + holder)!.text
  const pairs = holders.map((holder): [Holder, KeyPair] => [
    holder,
    { certificate: textOf('certificate', holder), privateKey: textOf('privateKey', holder) },
  ])
  return Object.fromEntries(pairs) as Record<Holder, KeyPair>
}
