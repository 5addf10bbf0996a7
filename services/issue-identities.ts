import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { writeConnectionProfiles } from './connection-profile.js'
import { IdentityFileError, peerFolder, readLayout, userFolder } from './identity-layout.js'

/** Which organization to issue, and what its connection profiles say. */
export interface IssueIdentitiesOptions {
  /** Port of the gateway, for the connection profiles. */
  gatewayPort: number
  /** Whether that port speaks TLS (`peer.tls.enabled`); the certificates are issued either way. Default true. */
  tlsEnabled?: boolean
  /** Default `org1.example.com`. */
  orgDomain?: string
  /** Default `Org1MSP`. */
  mspId?: string
  /** Host names and IP addresses of the TLS server certificate. Default: the peer's name, `peer0`, `localhost`, `127.0.0.1`. */
  tlsNames?: readonly string[]
}

/** Where the identities of an organization are, and the TLS material of its peer. */
export interface OrganizationIdentities {
  readonly mspId: string
  readonly orgDomain: string
  /** Host name of the peer, which clients override the TLS name with. */
  readonly peerName: string
  /** The organization's folder. */
  readonly folder: string
  /** The organization's MSP: what others verify its members with. */
  readonly mspFolder: string
  /** The peer's MSP: certificate and key to endorse with. */
  readonly peerMspFolder: string
  /** The MSPs of the users: what clients sign with. */
  readonly userMspFolders: { readonly User1: string; readonly Admin: string }
  /** TLS material of the peer, PEM. */
  readonly tls: { readonly caFile: string; readonly ca: Buffer; readonly certificate: Buffer; readonly key: Buffer }
  /** False where an existing folder was re-used. */
  readonly issued: boolean
  /** Writes the connection profiles anew, for a gateway whose port was not known before. */
  writeConnectionProfiles(gatewayPort: number, tlsEnabled?: boolean): Promise<void>
}

const temporaryPrefix = (orgDomain: string): string => `.${orgDomain}.`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Removes what a killed process left; its id is part of the folder's name. */
function removeLeftovers(parent: string, orgDomain: string): void {
  const prefix = temporaryPrefix(orgDomain)
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(prefix) ? /^(\d+)\.[0-9a-f]+\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(parent, name), { recursive: true, force: true })
  }
}

/** True when the folder was made here, false when another process was faster. */
async function issueInto(parent: string, orgDomain: string, tlsNames: readonly string[]): Promise<boolean> {
  // Loaded here only: it costs 60 ms, and every later start does without.
  const { issueLayout } = await import('./issue-layout.js')
  mkdirSync(parent, { recursive: true })
  removeLeftovers(parent, orgDomain)
  const name = `${temporaryPrefix(orgDomain)}${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  const temporary = join(parent, name)
  try {
    issueLayout(temporary, orgDomain, tlsNames)
    renameSync(temporary, join(parent, orgDomain))
    return true
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw error
  }
}

function checkNames(file: string, pem: string, names: readonly string[]): void {
  const certificate = new X509Certificate(pem)
  const missing = names.find((name) => !(isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)))
  if (missing !== undefined) throw new IdentityFileError(file, `is not valid for the name ${missing}`)
}

/**
 * Makes sure that `<folder>/peerOrganizations/<org domain>` holds the identities of one peer organization in the layout of
 * Fabric's cryptogen: CA, TLS CA, peer0, User1 and Admin, with connection profiles. The first call issues them, in one
 * rename, so that a kill leaves nothing or everything; later calls read and check what is there.
 * @throws IdentityFileError when the folder exists but a file of it is missing, unreadable or foreign.
 * @throws RangeError when the organization's domain or MSP id could not be a file name.
 * @throws the errors of node:fs when nothing can be written.
 */
export async function issueIdentities(
  folder: string,
  options: IssueIdentitiesOptions,
): Promise<OrganizationIdentities> {
  const { orgDomain = 'org1.example.com', mspId = 'Org1MSP' } = options
  for (const name of [orgDomain, mspId]) {
    if (!/^[A-Za-z0-9]([A-Za-z0-9-]|\.(?!\.))*$/.test(name))
      throw new RangeError(`not a name of an organization: ${name}`)
  }
  const peerName = `peer0.${orgDomain}`
  const tlsNames = options.tlsNames ?? [peerName, 'peer0', 'localhost', '127.0.0.1']
  const parent = join(folder, 'peerOrganizations')
  const root = join(parent, orgDomain)
  const issued = statSync(root, { throwIfNoEntry: false }) ? false : await issueInto(parent, orgDomain, tlsNames)
  const pairs = readLayout(root, orgDomain)
  const tlsFolder = join(root, peerFolder(orgDomain), 'tls')
  checkNames(join(tlsFolder, 'server.crt'), pairs.peerTls.certificate, tlsNames)
  const identities: OrganizationIdentities = {
    mspId,
    orgDomain,
    peerName,
    folder: root,
    mspFolder: join(root, 'msp'),
    peerMspFolder: join(root, peerFolder(orgDomain), 'msp'),
    userMspFolders: {
      User1: join(root, userFolder('User1', orgDomain), 'msp'),
      Admin: join(root, userFolder('Admin', orgDomain), 'msp'),
    },
    tls: {
      caFile: join(tlsFolder, 'ca.crt'),
      ca: Buffer.from(pairs.tlsca.certificate),
      certificate: Buffer.from(pairs.peerTls.certificate),
      key: Buffer.from(pairs.peerTls.privateKey),
    },
    issued,
    writeConnectionProfiles: (gatewayPort, tlsEnabled = options.tlsEnabled ?? true) =>
      writeConnectionProfiles(root, {
        mspId,
        orgDomain,
        ca: pairs.ca.certificate,
        tlsCa: pairs.tlsca.certificate,
        gatewayPort,
        tlsEnabled,
      }),
  }
  await identities.writeConnectionProfiles(options.gatewayPort)
  return identities
}
