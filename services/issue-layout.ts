import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { id_kp_clientAuth, id_kp_serverAuth } from '@peculiar/asn1-x509'
import { issueCertificate, type CertificateRequest, type Issuer, type Subject } from './issue-certificate.js'
import { layoutFiles, peerFolder, userFolder, users, type Holder, type KeyPair } from './identity-layout.js'

/** Fabric's NodeOUs: the organizational unit of a certificate gives its role. */
function nodeOus(orgDomain: string): string {
  const roles = ['Client', 'Peer', 'Admin', 'Orderer'].flatMap((role) => [
    `  ${role}OUIdentifier:`,
    `    Certificate: cacerts/ca.${orgDomain}-cert.pem`,
    `    OrganizationalUnitIdentifier: ${role.toLowerCase()}`,
  ])
  return ['NodeOUs:', '  Enable: true', ...roles, ''].join('\n')
}

function issueAll(orgDomain: string, tlsNames: readonly string[]): Record<Holder, KeyPair> {
  const notBefore = new Date(Date.now() - 5 * 60_000)
  const notAfter = new Date(notBefore)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + 10)
  const place: Subject = [
    ['C', 'US'],
    ['ST', 'California'],
    ['L', 'San Francisco'],
  ]
  const bothPurposes = [id_kp_serverAuth, id_kp_clientAuth]

  type Rest = Pick<CertificateRequest, 'isCa' | 'keyUsage' | 'extendedKeyUsage' | 'names'>
  function issue(subject: Subject, rest: Rest, issuer?: Issuer): KeyPair & { asIssuer: Issuer } {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    const asIssuer: Issuer = { subject, privateKey }
    const certificate = issueCertificate({ subject, publicKey, notBefore, notAfter, ...rest }, issuer ?? asIssuer)
    return { certificate, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), asIssuer }
  }
  const authority = (commonName: string) =>
    issue([...place, ['O', orgDomain], ['CN', commonName]], {
      isCa: true,
      keyUsage: ['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign'],
      extendedKeyUsage: bothPurposes,
    })
  const ca = authority(`ca.${orgDomain}`)
  const tlsca = authority(`tlsca.${orgDomain}`)
  // No extended key usage: Fabric's chain check takes none for any, but refuses clientAuth alone.
  const identity = (unit: string, commonName: string): KeyPair =>
    issue([...place, ['OU', unit], ['CN', commonName]], { isCa: false, keyUsage: ['digitalSignature'] }, ca.asIssuer)
  const tls = (commonName: string, names?: readonly string[]): KeyPair =>
    issue(
      [...place, ['CN', commonName]],
      { isCa: false, keyUsage: ['digitalSignature', 'keyEncipherment'], extendedKeyUsage: bothPurposes, names },
      tlsca.asIssuer,
    )
  return {
    ca,
    tlsca,
    peer: identity('peer', `peer0.${orgDomain}`),
    peerTls: tls(`peer0.${orgDomain}`, tlsNames),
    User1: identity('client', `User1@${orgDomain}`),
    User1Tls: tls(`User1@${orgDomain}`),
    Admin: identity('admin', `Admin@${orgDomain}`),
    AdminTls: tls(`Admin@${orgDomain}`),
  }
}

/** Every folder of the layout, parents first. The `admincerts` stay empty, since the admin unit gives that role. */
function layoutFolders(orgDomain: string, paths: readonly string[]): string[] {
  const members = [peerFolder(orgDomain), ...users.map((user) => userFolder(user, orgDomain))]
  const leaves = [...paths.map(dirname), ...['.', ...members].map((member) => join(member, 'msp/admincerts'))]
  const folders = new Set<string>()
  for (let folder of leaves) for (; folder !== '.'; folder = dirname(folder)) folders.add(folder)
  return [...folders].sort()
}

/** Issues all certificates of a peer organization and writes them below `root`, which must not exist yet. */
export function issueLayout(root: string, orgDomain: string, tlsNames: readonly string[]): void {
  const pairs = issueAll(orgDomain, tlsNames)
  const files = layoutFiles(orgDomain)
  const secret = new Set(files.filter((file) => file.part === 'privateKey').map((file) => dirname(file.path)))
  mkdirSync(root)
  const paths = files.map((file) => file.path)
  for (const folder of layoutFolders(orgDomain, paths)) {
    mkdirSync(join(root, folder), { mode: secret.has(folder) ? 0o700 : 0o777 })
  }
  for (const file of files) {
    const content = file.part === 'nodeOus' ? nodeOus(orgDomain) : pairs[file.of][file.part]
    writeFileSync(join(root, file.path), content, { mode: file.part === 'privateKey' ? 0o600 : 0o666, flag: 'wx' })
  }
}
