import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { SocketTarget } from './open-socket.js'

/** Why a service could not be dialled: the system's error name or one of those below, and one sentence. */
export interface DialFailure {
  errno: string
  message: string
}

/** What is dialled, as far as a sentence needs it. */
export interface DialTarget extends SocketTarget {
  /** `host:port`, as people gave it. */
  address: string
}

/** Says why there is no TCP connection. */
export function explainConnectError(error: NodeJS.ErrnoException, { host, address }: DialTarget): DialFailure {
  // Where a name has several addresses, Node gives the errors of all.
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined) : undefined
  const errno = error.code ?? first?.code ?? 'UNKNOWN'
  const known: Record<string, string> = {
    ECONNREFUSED: `connection refused: nothing listens at ${address}`,
    ENOTFOUND: `there is no host ${host}`,
    EAI_AGAIN: `the name ${host} cannot be resolved now`,
    EHOSTUNREACH: `there is no way to the host ${host}`,
    ENETUNREACH: `there is no way to the network of ${host}`,
    ETIMEDOUT: `${address} does not answer`,
  }
  const message = known[errno] ?? error.message
  return { errno, message: `${message} (${errno})` }
}

/**
 * Says why the TLS handshake failed, or why the service ended the connection after it: a TLS 1.3 server judges the client's
 * certificate only then. Undefined where the error tells nothing that the close does not.
 */
export function explainTlsError(
  error: NodeJS.ErrnoException,
  { address, tls }: DialTarget,
  stage: 'tls' | 'http2',
): DialFailure | undefined {
  const text = `${error.code ?? ''} ${error.message}`.replaceAll('_', ' ').toLowerCase()
  const say = (errno: string, message: string): DialFailure => ({ errno, message })
  if (/wrong version number|packet length too long|http request/.test(text))
    return say('PLAIN_TEXT_PORT', `${address} speaks no TLS: it is a plain text port`)
  if (/no application protocol/.test(text)) return noHttp2(address)
  if (/alert protocol version|unsupported protocol/.test(text))
    return say('TLS_VERSION', `${address} speaks neither TLS 1.2 nor TLS 1.3`)
  if (/alert/.test(text)) return clientRefused(address, tls?.clientCert !== undefined, alertOf(text))
  if (stage === 'http2') return undefined
  const suspicion = tls?.clientCert === undefined ? '' : '; it may not accept the client certificate'
  return say('TLS_FAILED', `${address} ended the connection during the TLS handshake: ${error.message}${suspicion}`)
}

/** Says that the service ended the connection after the handshake, before its first HTTP/2 frame. */
export const explainTlsClose = ({ address, tls }: DialTarget): DialFailure =>
  clientRefused(address, tls?.clientCert !== undefined, 'it closed the connection right after the TLS handshake')

const noHttp2 = (address: string): DialFailure => ({
  errno: 'NO_HTTP2',
  message: `${address} speaks TLS, but not HTTP/2`,
})

const alertOf = (text: string): string => `alert ${/alert (?:number )?([a-z ]+)/.exec(text)?.[1]?.trim() ?? ''}`

function clientRefused(address: string, isShown: boolean, how: string): DialFailure {
  return isShown
    ? { errno: 'CLIENT_CERT_REFUSED', message: `${address} does not accept the client certificate (${how})` }
    : { errno: 'CLIENT_CERT_DEMANDED', message: `${address} demands a client certificate, and there is none (${how})` }
}

/** The names that a certificate holds; its common name where it has no others. */
export const namesOf = (certificate: PeerCertificate): string[] =>
  certificate.subjectaltname?.split(', ').map((name) => name.replace(/^(?:DNS|IP Address|URI|email):/, '')) ??
  [certificate.subject?.CN].flat().filter((name) => name !== undefined)

/** Says what is wrong with a service that TLS has been set up with: its certificate, or that it speaks no HTTP/2. */
export function explainTlsPeer(socket: TLSSocket, { address, tls }: DialTarget): DialFailure | undefined {
  const certificate = socket.getPeerCertificate()
  const code = String(socket.authorizationError ?? '')
  const who = `the certificate of ${address}`
  if (socket.authorized) return socket.alpnProtocol === 'h2' ? undefined : noHttp2(address)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = namesOf(certificate)
    const has = names.length > 0 ? `it has ${names.join(', ')}` : 'it has no names'
    return { errno: 'CERT_OTHER_HOST', message: `${who} is not for ${tls?.serverName}: ${has}` }
  }
  if (code === 'CERT_HAS_EXPIRED')
    return {
      errno: 'CERT_EXPIRED',
      message: `${who} (or its issuer's) has expired: valid until ${certificate.valid_to}`,
    }
  if (code === 'CERT_NOT_YET_VALID')
    return { errno: 'CERT_NOT_YET_VALID', message: `${who} is not valid yet: from ${certificate.valid_from} on` }
  if (/SELF_SIGNED|ISSUER|VERIFY|SIGNATURE|UNTRUSTED|INVALID_CA/.test(code)) {
    const issuer = [certificate.issuer?.CN ?? certificate.issuer?.O ?? 'nobody it names'].flat()[0]
    return {
      errno: 'CERT_UNTRUSTED',
      message: `${who} is not trusted: issued by ${issuer}, not by root_cert (${code})`,
    }
  }
  return { errno: 'CERT_REFUSED', message: `${who} is not accepted: ${code}` }
}
