import { lookup } from 'node:dns/promises'
import { createServer, type AddressInfo, type Server as SocketServer, type Socket } from 'node:net'
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'

/** Settings of a gRPC server. */
export interface GrpcServerOptions {
  /** Name or address to bind; a name is bound at its first IPv4 address, else at its first address. */
  host: string
  /** 0 lets the system choose. */
  port: number
  /** PEM; absent for plaintext. */
  tls?: { key: Buffer; certificate: Buffer }
  services: readonly { definition: ServiceDefinition; handlers: UntypedServiceImplementation }[]
  /** Largest message in either direction, bytes. */
  maxMessageBytes: number
}

/** A gRPC server that listens. */
export interface GrpcServer {
  /** The address that was bound. */
  readonly host: string
  readonly port: number
  /**
   * Stops listening at once and tells clients to go; calls in work have `graceMs` to end, then every connection is cut.
   * Resolves when no connection is left. Further calls share the first one's outcome.
   */
  close(graceMs: number): Promise<void>
}

/** Either a server, or why there is none: `errno` is Node's (`EADDRINUSE`, `ENOTFOUND`, …), empty for unusable PEM. */
export type GrpcServerOutcome =
  { listening: true; server: GrpcServer } | { listening: false; address: string; errno: string; message: string }

/**
 * Starts a gRPC server. The socket is ours and connections are handed to grpc-js: its own `bindAsync` reports a port in use
 * as prose, binds what it can of several addresses, and leaves connections that never finish a TLS handshake behind.
 */
export async function serveGrpc(options: GrpcServerOptions): Promise<GrpcServerOutcome> {
  const { host, port, tls, services, maxMessageBytes } = options
  const refused = (error: unknown): GrpcServerOutcome => {
    const { code = '', message } = error as NodeJS.ErrnoException
    return { listening: false, address: `${host}:${port}`, errno: code, message }
  }
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.enable_channelz': 0,
  })
  for (const { definition, handlers } of services) server.addService(definition, handlers)
  try {
    const injector = server.createConnectionInjector(credentialsFrom(tls))
    const connections = new Set<Socket>()
    const sockets = createServer({ noDelay: true }, (socket) => {
      connections.add(socket)
      socket.once('close', () => connections.delete(socket))
      injector.injectConnection(socket)
    })
    const bound = await listen(sockets, host, port)
    let closing: Promise<void> | undefined
    const close = (graceMs: number) =>
      (closing ??= new Promise((resolve) => {
        const cut = setTimeout(() => {
          for (const socket of connections) socket.destroy()
        }, graceMs)
        sockets.close(() => {
          clearTimeout(cut)
          injector.destroy()
          resolve()
        })
        injector.drain(graceMs)
      }))
    return { listening: true, server: { host: bound.address, port: bound.port, close } }
  } catch (error) {
    return refused(error)
  }
}

const credentialsFrom = (tls: GrpcServerOptions['tls']): ServerCredentials =>
  tls === undefined
    ? ServerCredentials.createInsecure()
    : // No client has to show a certificate; but without a root Node would read its whole list of public ones.
      ServerCredentials.createSsl(tls.certificate, [{ private_key: tls.key, cert_chain: tls.certificate }])

async function listen(sockets: SocketServer, host: string, port: number): Promise<AddressInfo> {
  const { address } = await lookup(host, { verbatim: false })
  return new Promise((resolve, reject) => {
    sockets.once('error', reject)
    sockets.listen({ host: address, port }, () => {
      sockets.off('error', reject)
      resolve(sockets.address() as AddressInfo)
    })
  })
}
