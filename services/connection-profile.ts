import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The facts that a connection profile is made of. */
export interface ProfileFacts {
  mspId: string
  orgDomain: string
  /** Certificate of the CA, PEM. */
  ca: string
  /** Certificate of the TLS CA, PEM. */
  tlsCa: string
  gatewayPort: number
  /** Whether the gateway's port speaks TLS. */
  tlsEnabled: boolean
}

function profile({ mspId, orgDomain, ca, tlsCa, gatewayPort, tlsEnabled }: ProfileFacts): object {
  const organization = mspId.replace(/MSP$/, '') || mspId
  const peer = `peer0.${orgDomain}`
  const authority = `ca.${orgDomain}`
  const tls = {
    tlsCACerts: { pem: tlsCa },
    grpcOptions: { 'ssl-target-name-override': peer, hostnameOverride: peer },
  }
  return {
    name: `chaincoded-${organization.toLowerCase()}`,
    version: '1.0.0',
    client: { organization, connection: { timeout: { peer: { endorser: '300' } } } },
    organizations: { [organization]: { mspid: mspId, peers: [peer], certificateAuthorities: [authority] } },
    peers: { [peer]: { url: `grpc${tlsEnabled ? 's' : ''}://localhost:${gatewayPort}`, ...(tlsEnabled ? tls : {}) } },
    certificateAuthorities: {
      [authority]: {
        url: 'https://localhost:7054',
        caName: `ca-${organization.toLowerCase()}`,
        tlsCACerts: { pem: [ca] },
        httpOptions: { verify: false },
      },
    },
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, file)
}

/**
 * Brings `connection-org1.json` and `.yaml` (named after the MSP id) in `folder` up to date. They are derived from the
 * facts, so whatever else stands in them is replaced.
 */
export async function writeConnectionProfiles(folder: string, facts: ProfileFacts): Promise<void> {
  const content = profile(facts)
  const base = join(folder, `connection-${(facts.mspId.replace(/MSP$/, '') || facts.mspId).toLowerCase()}`)
  const json = `${JSON.stringify(content, undefined, 2)}\n`
  if (readIfThere(`${base}.json`) === json && readIfThere(`${base}.yaml`) !== undefined) return
  const { stringify } = await import('yaml')
  replace(`${base}.yaml`, stringify(content))
  replace(`${base}.json`, json)
}
