import type { Failure } from '../machines/index.js'

/** What to do about a service that cannot be dialled, by the name of the reason. */
const hints: Record<string, (address: string) => string> = {
  ECONNREFUSED: (address) =>
    `start the chaincode's server and let it listen at ${address}; it is dialled again by itself`,
  ENOTFOUND: () => 'correct the host in the address, or make its name known on this machine',
  EAI_AGAIN: () => 'see whether the name server answers, or give an IP address',
  EHOSTUNREACH: () => 'see whether the host is up, and whether this machine has a route to it',
  ENETUNREACH: () => 'see whether this machine has a route to that network',
  ETIMEDOUT: () => 'look for a firewall in between, or give a longer "dial_timeout" in connection.json',
  CERT_OTHER_HOST: () =>
    'give one of these names as "domain" in connection.json, or issue the certificate for the host',
  CERT_UNTRUSTED: () => 'put the certificate of the authority that issued it into "root_cert" of connection.json',
  CERT_EXPIRED: () => 'issue a new certificate for the service',
  CERT_NOT_YET_VALID: () => 'set the clocks of both machines',
  CLIENT_CERT_DEMANDED: () =>
    'set "client_auth_required": true in connection.json, and give "client_cert" and "client_key"',
  CLIENT_CERT_REFUSED: () => 'give a "client_cert" that was issued by the authority which the service trusts',
  TLS_FAILED: () => 'see the log of the service; does it serve TLS, and trust the client certificate?',
  TLS_VERSION: () => 'let the service offer TLS 1.2 or 1.3',
  PLAIN_TEXT_PORT: () => 'set "tls_required": false in connection.json, or have the service serve TLS',
  TLS_PORT: () => 'set "tls_required": true in connection.json, and give "root_cert"',
  HTTP1: () => 'correct the address: another program listens there',
  NO_HTTP2: () => 'correct the address: what listens there is no gRPC server',
}

/** The hint for a failed dial; empty where nothing helpful is known. */
export const dialHint = (errno: string, address: string): { hint?: string } => {
  const say = hints[errno]
  return say ? { hint: say(address) } : {}
}

/** What became of the connection to a service: dialled in vain, or ended by it. The words around the reason are Fabric's. */
export function describeConnection(
  { state, errno, message }: Failure & { kind: 'runtimeFailed' },
  ccid: string,
  address: string,
): string {
  const reason = message === '' ? 'the service ended the stream' : message
  if (errno.startsWith('CONNECTION_INFO')) return `connection to ${ccid} failed: ${reason}`
  if (state === 'launching')
    return (
      `connection to ${ccid} failed: error cannot create connection for ${ccid}: ` +
      `error creating grpc connection to ${address}: failed to create new connection: ${reason}`
    )
  return state === 'awaitingRegister' || state === 'registered'
    ? `connection to ${ccid} failed: error handling chaincode stream for ${ccid}: ${reason}`
    : `connection to ${ccid} terminated: ${reason}`
}

/** What to do about a service that is there and does not register; undefined where nothing helpful is known. */
export function serviceHint(reason: Failure, ccid: string): string | undefined {
  if (reason.state !== 'awaitingRegister') return undefined
  return `let the service register as ${ccid}: CHAINCODE_ID=${ccid}, or --chaincode-id ${ccid} with fabric-chaincode-node server`
}
