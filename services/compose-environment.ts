import type { TlsVariables } from './identity-files.js'

/** What the environment of a chaincode is made of. */
export interface EnvironmentFacts {
  /** The id to register with: `name:version`, or a package id. */
  ccid: string
  /** `host:port` of the chaincode listener. */
  address: string
  /** The MSP id of the peer. */
  mspId: string
  /** `chaincode.logging.level`; empty leaves the choice to the chaincode. */
  logLevel?: string
  /** `chaincode.logging.shim` */
  shimLogLevel?: string
  /** `chaincode.logging.format` */
  logFormat?: string
  /** What it proves itself with; without it, it connects in plain text. */
  tls?: TlsVariables | undefined
  /** The environment to inherit from: that of the daemon. */
  base: Readonly<Record<string, string | undefined>>
}

/**
 * Variables that are the daemon's own business: the peer's settings, what npm tells the scripts that it runs, and the
 * channel that Node opens to its parent (a Node chaincode would try to use it and fail).
 */
const OWN = /^(CORE_|npm_|INIT_CWD$|NODE_CHANNEL_|NODE_UNIQUE_ID$)/

/** What a process inherits from the daemon: PATH, HOME, proxies … and none of its own variables. */
export const inherited = (base: EnvironmentFacts['base']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined && !OWN.test(entry[0])),
  )

/**
 * The whole environment of a chaincode process: Fabric's variables as the peer's Docker launcher sets them,
 * in its order, and the address, which the peer only passes as an argument; over all that the daemon has inherited
 * (PATH, HOME, proxies, NODE_OPTIONS …) except its own variables.
 */
export function composeEnvironment(facts: EnvironmentFacts): Record<string, string> {
  return {
    ...inherited(facts.base),
    CORE_CHAINCODE_ID_NAME: facts.ccid,
    CORE_CHAINCODE_LOGGING_LEVEL: facts.logLevel ?? '',
    CORE_CHAINCODE_LOGGING_SHIM: facts.shimLogLevel ?? '',
    CORE_CHAINCODE_LOGGING_FORMAT: facts.logFormat ?? '',
    ...(facts.tls ?? { CORE_PEER_TLS_ENABLED: 'false' }),
    CORE_PEER_LOCALMSPID: facts.mspId,
    CORE_PEER_ADDRESS: facts.address,
  }
}
