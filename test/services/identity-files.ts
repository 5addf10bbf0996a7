import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The default organization. */
export const org = 'org1.example.com'
/** Folders of its members, below its own. */
export const peer = `peers/peer0.${org}`
export const user = `users/User1@${org}`
export const admin = `users/Admin@${org}`

const memberFiles = (folder: string, name: string, tls: string): string[] => [
  `${folder}/msp/admincerts/`,
  `${folder}/msp/cacerts/ca.${org}-cert.pem`,
  `${folder}/msp/config.yaml`,
  `${folder}/msp/keystore/key.pem`,
  `${folder}/msp/keystore/priv_sk`,
  `${folder}/msp/signcerts/${name}-cert.pem`,
  `${folder}/msp/signcerts/cert.pem`,
  `${folder}/msp/tlscacerts/tlsca.${org}-cert.pem`,
  `${folder}/tls/ca.crt`,
  `${folder}/tls/${tls}.crt`,
  `${folder}/tls/${tls}.key`,
]
/** What an organization's folder holds; empty folders have a slash at their end. */
export const layout = [
  `ca/ca.${org}-cert.pem`,
  'ca/priv_sk',
  'connection-org1.json',
  'connection-org1.yaml',
  'msp/admincerts/',
  `msp/cacerts/ca.${org}-cert.pem`,
  'msp/config.yaml',
  `msp/tlscacerts/tlsca.${org}-cert.pem`,
  ...memberFiles(peer, `peer0.${org}`, 'server'),
  `tlsca/tlsca.${org}-cert.pem`,
  'tlsca/priv_sk',
  ...memberFiles(user, `User1@${org}`, 'client'),
  ...memberFiles(admin, `Admin@${org}`, 'client'),
].sort()

/** What `root` holds, written as in `layout`. */
export function listFiles(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .map((path) => ({ path, isFolder: statSync(join(root, path)).isDirectory() }))
    .filter(({ path, isFolder }) => !isFolder || readdirSync(join(root, path)).length === 0)
    .map(({ path, isFolder }) => (isFolder ? `${path}/` : path))
    .sort()
}
