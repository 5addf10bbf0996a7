import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'

/** Where a socket goes, and with what TLS. */
export interface SocketTarget {
  host: string
  port: number
  /** TLS; absent for plain text. All but the name are PEM texts. The key and certificate of the client come together. */
  tls?: { rootCert: string; clientCert?: string; clientKey?: string; serverName: string }
}

/**
 * Begins to connect. A TLS socket tells by `secureConnect` that the handshake is done, whether or not the certificate of
 * the other side is any good: that is the caller's to look at, in `authorized` and `authorizationError`.
 */
export function openSocket({ host, port, tls }: SocketTarget): Socket {
  const { serverName = '' } = tls ?? {}
  const socket = tls
    ? connectTls({
        host,
        port,
        ...(isIP(serverName) ? {} : { servername: serverName }),
        checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
        ca: tls.rootCert,
        ...(tls.clientCert === undefined ? {} : { cert: tls.clientCert, key: tls.clientKey }),
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.2',
        rejectUnauthorized: false,
        // As in Go, an intermediate certificate in root_cert is trusted. Node 20 before 20.18 asks for the root.
        ...{ allowPartialTrustChain: true },
      })
    : connectTcp({ host, port })
  return socket.setNoDelay(true)
}
