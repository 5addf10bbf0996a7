import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a chaincode proves itself with, PEM. */
export interface ChaincodeIdentity {
  key: string
  certificate: string
  /** Certificate of the authority that the listener's own certificate comes from. */
  root: string
}

/** The variables that shims read, in the order in which a Fabric peer sets them. */
export interface TlsVariables {
  CORE_PEER_TLS_ENABLED: 'true'
  /** Base64 of the PEM: Node reads only these, and Java wants them set. */
  CORE_TLS_CLIENT_KEY_PATH: string
  CORE_TLS_CLIENT_CERT_PATH: string
  /** PEM: what Go prefers. */
  CORE_TLS_CLIENT_KEY_FILE: string
  CORE_TLS_CLIENT_CERT_FILE: string
  /** PEM. */
  CORE_PEER_TLS_ROOTCERT_FILE: string
}

/** The files of an identity by Fabric's names, with what they hold. */
export const identityFiles = ({ key, certificate, root }: ChaincodeIdentity): Readonly<Record<string, string>> => ({
  'client.key': Buffer.from(key).toString('base64'),
  'client.crt': Buffer.from(certificate).toString('base64'),
  'client_pem.key': key,
  'client_pem.crt': certificate,
  'peer.crt': root,
})

/** The variables for an identity whose files are in `folder`. */
export const tlsVariables = (folder: string): TlsVariables => ({
  CORE_PEER_TLS_ENABLED: 'true',
  CORE_TLS_CLIENT_KEY_PATH: join(folder, 'client.key'),
  CORE_TLS_CLIENT_CERT_PATH: join(folder, 'client.crt'),
  CORE_TLS_CLIENT_KEY_FILE: join(folder, 'client_pem.key'),
  CORE_TLS_CLIENT_CERT_FILE: join(folder, 'client_pem.crt'),
  CORE_PEER_TLS_ROOTCERT_FILE: join(folder, 'peer.crt'),
})

/**
 * Writes an identity into `folder` (mode 0700), which is made; every file can be read by its owner only. A file of an
 * earlier identity is replaced, and one that others could read does not stay readable. Throws the errors of node:fs.
 */
export function writeIdentity(folder: string, identity: ChaincodeIdentity): TlsVariables {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [name, content] of Object.entries(identityFiles(identity))) {
    const file = join(folder, name)
    rmSync(file, { force: true })
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
  }
  return tlsVariables(folder)
}
