import type { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure, messageOf } from '../errors.js'
import { readCertificate } from './read-certificate.js'

/** What a look for the issuer of a certificate found. */
export type ChainCheck = { verified: true; refusal: string | undefined } | { verified: false; detail: string }

/** The CA certificates of one MSP, and Fabric's rules for a chain that ends in them. */
export interface CertificateAuthorities {
  /**
   * Whether exactly one chain leads from `certificate` to a root. `refusal` says why a certificate that verifies is no
   * identity all the same. Nothing of this depends on the current time.
   */
  check(certificate: X509Certificate): ChainCheck
}

const serverAuth = '1.3.6.1.5.5.7.3.1'
const anyPurpose = '2.5.29.37.0'

/** Go verifies for server authentication unless told otherwise, and Fabric does not tell otherwise. */
function mayServe(certificate: X509Certificate): boolean {
  // Node calls the extended key usage `keyUsage`, and leaves it out where there is no such extension.
  const purposes: readonly string[] | undefined = certificate.keyUsage
  return !purposes || purposes.includes(serverAuth) || purposes.includes(anyPurpose)
}

const isValidAt = (certificate: X509Certificate, timeMs: number): boolean =>
  Date.parse(certificate.validFrom) <= timeMs && timeMs <= Date.parse(certificate.validTo)

const isSigner = (authority: X509Certificate, certificate: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey)

function readFolder(folder: string, isOptional: boolean): X509Certificate[] {
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    if (isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw failure('IDENTITY_FILE', { file: folder, detail: messageOf(error) }, error)
  }
  return names.map((name) => {
    const file = join(folder, name)
    let certificate: X509Certificate
    try {
      certificate = readCertificate(readFileSync(file, 'latin1')).certificate
    } catch (error) {
      throw failure('IDENTITY_FILE', { file, detail: `holds no certificate (${messageOf(error)})` }, error)
    }
    if (!certificate.ca) throw failure('IDENTITY_FILE', { file, detail: 'is not the certificate of a CA' })
    return certificate
  })
}

/**
 * Reads `cacerts` and `intermediatecerts` of an MSP folder.
 * @throws ChaincodedError IDENTITY_FILE when there is no CA certificate, or a file that holds none.
 */
export function readCertificateAuthorities(mspFolder: string): CertificateAuthorities {
  const roots = readFolder(join(mspFolder, 'cacerts'), false)
  if (roots.length === 0) {
    throw failure('IDENTITY_FILE', { file: join(mspFolder, 'cacerts'), detail: 'holds no CA certificate' })
  }
  const intermediates = readFolder(join(mspFolder, 'intermediatecerts'), true)
  const authorities = [...roots, ...intermediates]

  /** Every chain of authorities above `certificate`, nearest first. */
  function chainsOf(certificate: X509Certificate, below: readonly X509Certificate[]): X509Certificate[][] {
    return authorities
      .filter((authority) => !below.includes(authority) && isSigner(authority, certificate))
      .flatMap((authority) =>
        roots.includes(authority)
          ? [[authority]]
          : chainsOf(authority, [...below, authority]).map((chain) => [authority, ...chain]),
      )
  }

  return {
    check(certificate) {
      if (authorities.some((authority) => authority.raw.equals(certificate.raw))) {
        return { verified: true, refusal: 'the certificate of a CA is no identity' }
      }
      const chains = chainsOf(certificate, [])
      const chain = chains[0]
      if (!chain || chains.length > 1) {
        return { verified: false, detail: `${chains.length} chains lead to a root of the MSP, expected 1` }
      }
      // Fabric's instant: a second into the certificate's life, so that expiry is left to others.
      const timeMs = Date.parse(certificate.validFrom) + 1000
      const path = [certificate, ...chain]
      const outside = path.find((link) => !isValidAt(link, timeMs))
      if (outside) {
        return { verified: false, detail: `${outside.subject} is not valid a second after ${certificate.validFrom}` }
      }
      if (!path.every(mayServe)) return { verified: false, detail: 'the extended key usage lacks serverAuth' }
      const isParent = intermediates.some((authority) => isSigner(chain[0]!, authority))
      return { verified: true, refusal: isParent ? 'the issuer is a CA that only issues to other CAs' : undefined }
    },
  }
}
