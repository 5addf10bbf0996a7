import { createHash, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { generate as generateCertificate } from 'selfsigned'

const DAY_MS = 24 * 60 * 60 * 1000
/** Clocks of containers may be behind ours; Fabric allows them as much. */
const CLOCK_SKEW_MS = DAY_MS
const AUTHORITY_YEARS = 10

/** A certificate and its private key, PEM. */
export interface KeyPairPem {
  key: string
  certificate: string
}

/** The certificate authority of one daemon run: only what it has issued may connect as a chaincode. */
export interface ChaincodeAuthority {
  /** Its own certificate, PEM: what both sides trust. */
  readonly root: string
  /** A certificate for the listener under these host names and IP addresses. */
  issueServer(names: readonly string[]): Promise<KeyPairPem>
  /** A certificate that a chaincode shows, valid for at least `lifetimeMs` from now. */
  issueClient(lifetimeMs: number): Promise<KeyPairPem>
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generateCertificate>[1]>['extensions']>

/** SHA-256 over the DER of a certificate, in hex; takes PEM or DER. */
export function certificateHash(certificate: string | Uint8Array): string {
  const der =
    typeof certificate === 'string'
      ? Buffer.from(certificate.replace(/-----[^-]+-----/g, ''), 'base64')
      : Buffer.from(certificate)
  return createHash('sha256').update(der).digest('hex')
}

/** Makes an authority (ECDSA on P-256). Its private key stays in memory, so no earlier or later run can be taken for it. */
export async function createChaincodeAuthority(): Promise<ChaincodeAuthority> {
  // Loaded here only: it costs a start 60 ms, and most do without.
  const { generate } = await import('selfsigned')
  const notBeforeDate = new Date(Date.now() - CLOCK_SKEW_MS)
  const lastDate = new Date(notBeforeDate)
  lastDate.setUTCFullYear(lastDate.getUTCFullYear() + AUTHORITY_YEARS)

  async function issue(
    commonName: string,
    notAfterDate: Date,
    extensions: Extensions,
    ca?: { key: string; cert: string },
  ): Promise<KeyPairPem> {
    const made = await generate([{ name: 'commonName', value: commonName }], {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      notBeforeDate,
      notAfterDate,
      extensions,
      ...(ca ? { ca } : {}),
    })
    return { key: made.private, certificate: made.cert }
  }

  // A name of its own: a certificate of another run is then seen to have another issuer.
  const own = await issue(`chaincode CA ${randomBytes(4).toString('hex')}`, lastDate, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
  ])
  const ca = { key: own.key, cert: own.certificate }
  const leaf = (purpose: 'serverAuth' | 'clientAuth'): Extensions => [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', [purpose]: true },
  ]
  return {
    root: own.certificate,
    issueServer(names) {
      const altNames = names.map((name) =>
        isIP(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
      )
      return issue(
        'chaincode listener',
        lastDate,
        [...leaf('serverAuth'), ...(altNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames }] : [])],
        ca,
      )
    },
    issueClient(lifetimeMs) {
      const notAfter = Math.min(Date.now() + DAY_MS + lifetimeMs, lastDate.getTime())
      return issue('chaincode', new Date(notAfter), leaf('clientAuth'), ca)
    },
  }
}
