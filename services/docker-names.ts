import { createHash } from 'node:crypto'
import { DockerFailure } from './docker-failure.js'

/** Whose a container is, in Fabric's words. */
export interface PeerNames {
  /** `peer.networkId`; empty leaves it out. */
  networkId: string
  /** `peer.id`; empty leaves it out. */
  peerId: string
}

const IMAGE_NAME = /^[a-z0-9]+(([._-][a-z0-9]+)+)?$/

const baseName = (ccid: string, { networkId, peerId }: PeerNames): string =>
  [networkId, peerId, ccid].filter((part) => part !== '').join('-')

const sanitise = (name: string): string => name.replace(/[^a-zA-Z0-9\-_.]/g, '-')

/** The name of a chaincode's container: `dev-peer0-mycc-1.0`. Fabric's rule. */
export const containerName = (ccid: string, names: PeerNames): string => sanitise(baseName(ccid, names))

/** The name of a chaincode's image: Fabric's rule, with the hash over the name as it is. Throws BAD_NAME. */
export function imageName(ccid: string, names: PeerNames): string {
  const base = baseName(ccid, names).replaceAll(':', '-')
  const hash = createHash('sha256').update(base).digest('hex')
  const name = `${sanitise(base)}-${hash}`.toLowerCase()
  if (IMAGE_NAME.test(name)) return name
  throw new DockerFailure(
    'BAD_NAME',
    `Error constructing Docker VM Name. '${name}' breaks Docker's repository naming rules`,
    'use names without a separator at their ends and without two in a row (peer.networkId, peer.id, name, version)',
  )
}
