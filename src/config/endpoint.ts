import { failure, messageOf } from '../errors.js'
import type { Config } from './types.js'
import { joinHostPort, splitHostPort } from './values.js'

const unspecified = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])
const defaultPort = 7052

/**
 * The address that chaincodes are given, by Fabric's rules: `peer.chaincodeAddress`; else the listen address, with the
 * peer's host in place of an unspecified one. `boundPort` stands in for a listen port of 0. In dev mode a wrong setting
 * gives `0.0.0.0:7052` and a warning; else it throws CHAINCODE_ENDPOINT_INVALID.
 */
export function chaincodeEndpoint(config: Config, boundPort?: number): { address: string; warning?: string } {
  try {
    return { address: compute(config.peer, boundPort) }
  } catch (error) {
    if (config.chaincode.mode !== 'dev') throw error
    const address = joinHostPort('0.0.0.0', defaultPort)
    return {
      address,
      warning: `use ${address} as chaincode endpoint because of error in computeChaincodeEndpoint: ${messageOf(error)}`,
    }
  }
}

function compute(peer: Config['peer'], boundPort: number | undefined): string {
  if (peer.chaincodeAddress) {
    const { host } = split(peer.chaincodeAddress, 'peer.chaincodeAddress')
    if (unspecified.has(host)) throw invalid('peer.chaincodeAddress')
    return peer.chaincodeAddress
  }
  const listen = split(peer.chaincodeListenAddress, 'peer.chaincodeListenAddress')
  const port = listen.port === 0 ? (boundPort ?? 0) : listen.port
  if (!unspecified.has(listen.host)) return joinHostPort(listen.host, port)
  const { host } = split(peer.address, 'peer.address')
  if (unspecified.has(host)) throw invalid('peer.chaincodeAddress')
  return joinHostPort(host, port)
}

const invalid = (key: string) =>
  failure('CHAINCODE_ENDPOINT_INVALID', { detail: 'invalid endpoint for chaincode to connect', key })

function split(address: string, key: string): { host: string; port: number } {
  try {
    return splitHostPort(address)
  } catch (error) {
    throw failure('CHAINCODE_ENDPOINT_INVALID', { detail: messageOf(error), key }, error)
  }
}
