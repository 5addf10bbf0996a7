import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { certificateHash } from './chaincode-authority.js'
import type { ListenerTls } from './stream-transport.js'

/** Who is at the other end of a connection. */
export interface ConnectionPeer {
  /** `host:port`, an IPv4 address in its usual form; empty when the connection is gone. */
  remoteAddress: string
  /** With TLS: SHA-256 of the client's certificate, hex. */
  certificateHash?: string
}

/** What becomes of the connections of a server. */
export interface ConnectionVerdicts {
  /** A connection that may speak HTTP/2. */
  connect: (socket: Socket, peer: ConnectionPeer) => void
  /** A connection that ended in the TLS handshake. */
  refuse: (remoteAddress: string, why: string) => void
}

/**
 * A server of plain connections, or with `tls` of such that have shown a certificate of the one authority. Both come
 * before the first byte of HTTP/2.
 */
export function connectionServer(
  tls: ListenerTls | undefined,
  handshakeTimeoutMs: number,
  { connect, refuse }: ConnectionVerdicts,
): Server {
  if (!tls) return createServer((socket) => connect(socket, { remoteAddress: addressOf(socket) }))
  const server = createTlsServer(
    {
      key: tls.key,
      cert: tls.certificate,
      ca: tls.root,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      handshakeTimeout: handshakeTimeoutMs,
    },
    (socket) => {
      const remoteAddress = addressOf(socket)
      if (socket.alpnProtocol === 'h2')
        return connect(socket, { remoteAddress, certificateHash: certificateHash(socket.getPeerCertificate().raw) })
      refuse(remoteAddress, 'a TLS client that does not offer HTTP/2 (ALPN h2)')
      socket.destroy()
    },
  )
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    refuse(addressOf(socket), explainHandshake(error, socket))
    socket.destroy()
  })
  return server
}

/** Words for what OpenSSL and Node call the reasons that a chaincode author meets. */
const handshakeReasons: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'a TLS client without a certificate',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'a TLS client that does not offer HTTP/2 (ALPN h2)',
  ERR_SSL_HTTP_REQUEST: 'an HTTP/1 client without TLS, but this port speaks TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'a client without TLS, but this port speaks TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'a client without TLS, but this port speaks TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'a TLS client that is older than TLS 1.2',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'no TLS handshake in time',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'a TLS client that does not trust the certificate of this port',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'a TLS client that does not trust the certificate of this port',
  CERT_HAS_EXPIRED: 'a TLS client whose certificate has expired',
  CERT_NOT_YET_VALID: 'a TLS client whose certificate is not valid yet',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'a TLS client with a certificate of another authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'a TLS client with a certificate of another authority',
  UNABLE_TO_GET_ISSUER_CERT: 'a TLS client with a certificate of another authority',
  CERT_SIGNATURE_FAILURE: 'a TLS client with a certificate of another authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'a TLS client with a certificate of its own making',
  SELF_SIGNED_CERT_IN_CHAIN: 'a TLS client with a certificate of another authority',
  INVALID_PURPOSE: 'a TLS client with a certificate that is not for clients',
}

function explainHandshake(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  // Node destroys a connection whose certificate it refuses, and tells why on the socket only.
  const refusal = socket.authorizationError as unknown as string | undefined
  const code = refusal ?? error.code ?? ''
  return handshakeReasons[code] ?? `the TLS handshake failed: ${refusal ?? error.message}`
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  if (remoteAddress === undefined) return ''
  const host = remoteAddress.replace(/^::ffff:/, '')
  return host.includes(':') ? `[${host}]:${remotePort}` : `${host}:${remotePort}`
}
