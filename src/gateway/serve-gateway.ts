import { GatewayService } from '../../proto/gen/gateway/gateway.js'
import { EndorserService } from '../../proto/gen/peer/proposal.js'
import { serveGrpc } from '../../services/serve-grpc.js'
import { failure } from '../errors.js'
import type { LedgerProvider } from '../ledger/types.js'
import type { Logger } from '../log.js'
import type { ChaincodeExecutor } from '../protocol/types.js'
import { createEndorser } from './endorser.js'
import { createEndorserService } from './endorser-service.js'
import { createGatewayService } from './gateway-service.js'
import type { MembershipProvider, SigningIdentity } from './types.js'
import { CallLimit } from './unary-call.js'

/** Settings and parts of a peer's client port. */
export interface GatewayOptions {
  /** Where to listen (Fabric: `peer.listenAddress`). Port 0 lets the system choose. */
  host: string
  port: number
  /** PEM of `server.key` and `server.crt`; absent for plaintext (Fabric: `peer.tls.enabled`). */
  tls?: { key: Buffer; certificate: Buffer }
  /** host:port as the network knows the peer, shown in error details (Fabric: `peer.address`). */
  address: string
  ledgers: Pick<LedgerProvider, 'get'>
  executor: ChaincodeExecutor
  membership: MembershipProvider
  /** The peer's own identity; its organization is the gateway's. */
  signer: SigningIdentity
  log: Logger
  limits?: Partial<GatewayLimits>
  /** Milliseconds since the epoch; default the system's clock. */
  now?: () => number
}

/** Limits of a peer's client port, with Fabric's defaults. */
export interface GatewayLimits {
  /** Calls of `gateway.Gateway` at a time. `peer.limits.concurrency.gatewayService`, 500. */
  gatewayCalls: number
  /** Calls of `protos.Endorser` at a time. `peer.limits.concurrency.endorserService`, 2500. */
  endorserCalls: number
  /** Largest message in either direction, bytes. `peer.maxRecvMsgSize` and `peer.maxSendMsgSize`, 100 MiB. */
  maxMessageBytes: number
}

/** Fabric's limits. */
export const defaultGatewayLimits: Readonly<GatewayLimits> = {
  gatewayCalls: 500,
  endorserCalls: 2500,
  maxMessageBytes: 100 * 1024 * 1024,
}

/** A client port that serves. */
export interface RunningGateway {
  /** The address that was bound. */
  readonly host: string
  readonly port: number
  /**
   * Stops listening, ends the calls that wait for a commit, and gives the others `graceMs` (default 5,000) before their
   * connections are cut. Resolves when no connection is left; may be called more than once.
   */
  close(graceMs?: number): Promise<void>
}

/**
 * Serves `gateway.Gateway` and `protos.Endorser` of one logical peer.
 * @throws ChaincodedError PORT_IN_USE, LISTEN_FAILED
 */
export async function serveGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { host, port, tls, signer, log } = options
  const limits = { ...defaultGatewayLimits, ...options.limits }
  const { gatewayCalls, endorserCalls, maxMessageBytes } = limits
  const endorser = createEndorser(options)
  const gateway = createGatewayService({
    ...options,
    endorser,
    peer: { address: options.address, mspId: signer.mspId },
    limit: new CallLimit('gateway.Gateway', 'peer.limits.concurrency.gatewayService', gatewayCalls),
  })
  const endorserLimit = new CallLimit('protos.Endorser', 'peer.limits.concurrency.endorserService', endorserCalls)
  const services = [
    { definition: GatewayService, handlers: gateway.handlers },
    { definition: EndorserService, handlers: createEndorserService(endorser, endorserLimit, log) },
  ]
  const outcome = await serveGrpc({ host, port, tls, services, maxMessageBytes })
  if (!outcome.listening) {
    const { address, errno, message } = outcome
    const purpose = 'the gateway'
    if (errno === 'EADDRINUSE') throw failure('PORT_IN_USE', { address, purpose })
    throw failure('LISTEN_FAILED', { address, purpose, detail: message })
  }
  const { server } = outcome
  return {
    host: server.host,
    port: server.port,
    close(graceMs = 5_000) {
      const closed = server.close(graceMs)
      gateway.stopWaiting()
      return closed
    },
  }
}
