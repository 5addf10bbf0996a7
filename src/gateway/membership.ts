import type { X509Certificate } from 'node:crypto'
import { curveOf } from '../../services/sign-low-s.js'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import { messageOf } from '../errors.js'
import { readCertificateAuthorities, type CertificateAuthorities } from './certificate-authorities.js'
import { readCertificate } from './read-certificate.js'
import { verifyLowS } from './signatures.js'
import { decodeStrict } from './strict-decode.js'
import type { IdentityCheck, MembershipProvider, Role } from './types.js'

/** An organization of the network. */
export interface Organization {
  mspId: string
  /** Its MSP folder (`cacerts`, `intermediatecerts`). */
  mspFolder: string
}

/** Settings of the membership. */
export interface MembershipOptions {
  /** Milliseconds since 1970; expiry is told by it. Default `Date.now`. */
  now?: () => number
  /** How many identities are remembered. Default 1,000. */
  cacheLimit?: number
}

/** Larger identities are checked each time, so that the cache stays bounded in bytes too. */
const maxCachedBytes = 16_384

const roles: ReadonlySet<string> = new Set<Role>(['client', 'peer', 'admin', 'orderer'])

type Refused = IdentityCheck & { ok: false }
type Known = { expiresAtMs: number; check: IdentityCheck & { ok: true } }

/** Organizational units with a role in their name; Fabric demands exactly one (NodeOUs). */
function rolesOf(certificate: X509Certificate): Role[] {
  const units = (certificate.toLegacyObject().subject as { OU?: string | string[] }).OU ?? []
  return [units].flat().filter((unit): unit is Role => roles.has(unit))
}

function examine(
  serializedIdentity: Buffer,
  organizations: ReadonlyMap<string, CertificateAuthorities>,
): Known | Refused {
  const refused = (reason: Refused['reason'], mspId: string, detail: string): Refused => ({
    ok: false,
    reason,
    mspId,
    detail,
  })
  let mspId = ''
  let found: ReturnType<typeof readCertificate>
  try {
    const identity = decodeStrict(SerializedIdentity, serializedIdentity)
    mspId = identity.mspid
    found = readCertificate(identity.idBytes.toString('latin1'))
  } catch (error) {
    return refused('malformed', mspId, `no certificate: ${messageOf(error)}`)
  }
  const authorities = organizations.get(mspId)
  if (!authorities) return refused('malformed', mspId, `MSP ${mspId} is unknown`)
  const { certificate, publicKey } = found
  if (!curveOf(publicKey)) return refused('malformed', mspId, 'the key is not ECDSA on P-256 or P-384')
  const chain = authorities.check(certificate)
  if (!chain.verified) return refused('malformed', mspId, chain.detail)
  if (chain.refusal !== undefined) return refused('invalid', mspId, chain.refusal)
  const [role, ...more] = rolesOf(certificate)
  if (!role || more.length > 0) {
    return refused(
      'invalid',
      mspId,
      'the subject must have exactly one of the organizational units client, peer, admin and orderer',
    )
  }
  const verify = (message: Buffer, signature: Buffer): boolean => verifyLowS(publicKey, message, signature)
  return { expiresAtMs: Date.parse(certificate.validTo), check: { ok: true, mspId, role, expired: false, verify } }
}

/**
 * Checks identities by the rules of Fabric's X.509 MSP with NodeOUs under their usual names (client, peer, admin,
 * orderer). As there, expiry is told but refuses nothing; revocation lists are not read.
 * @throws ChaincodedError IDENTITY_FILE when the CA certificates of an organization cannot be read.
 */
export function createMembership(
  organizations: readonly Organization[],
  options: MembershipOptions = {},
): MembershipProvider {
  const { now = Date.now, cacheLimit = 1000 } = options
  const byMspId = new Map(organizations.map(({ mspId, mspFolder }) => [mspId, readCertificateAuthorities(mspFolder)]))
  /** By bytes, least recently used first. Refused identities stay out: anybody can make any number of them. */
  const known = new Map<string, Known>()

  return {
    mspIds: [...byMspId.keys()],
    check(serializedIdentity) {
      const key = serializedIdentity.toString('latin1')
      let entry = known.get(key)
      if (entry) {
        known.delete(key)
      } else {
        const examined = examine(serializedIdentity, byMspId)
        if (!('check' in examined)) return examined
        entry = examined
      }
      if (serializedIdentity.length <= maxCachedBytes) {
        if (known.size >= cacheLimit) known.delete(known.keys().next().value!)
        known.set(key, entry)
      }
      return now() > entry.expiresAtMs ? { ...entry.check, expired: true } : entry.check
    },
  }
}
