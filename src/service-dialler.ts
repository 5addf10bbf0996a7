import { type DialledService, dialService } from '../services/dial-service.js'
import type { AcceptStream } from '../services/stream-transport.js'
import type { ServiceEvent } from '../machines/index.js'
import { type ConnectionInfo, findConnectionInfo, plainConnection, readConnectionInfo } from './connection-info.js'
import type { Deployment } from './definitions.js'
import { type ChaincodedError, failure, isFailure } from './errors.js'
import { dialHint } from './service-failure.js'

/** Fabric's times of a peer that is the client of a chaincode. */
const PING_INTERVAL_MS = 60_000
const PING_TIMEOUT_MS = 20_000
/** Time that a service has to end its side of the stream when it is hung up. */
const CLOSE_TIMEOUT_MS = 1000

/** What a dialler works with. */
export interface ServiceDiallerOptions {
  maxMessageBytes: number
  deployment: (ccid: string) => Deployment | undefined
  /** Takes the stream of a service that has to register as `ccid`. */
  accept: (ccid: string) => AcceptStream
}

/**
 * How a deployed service is reached, from its connection.json as it is now. Throws CONNECTION_INFO_UNREADABLE,
 * CONNECTION_INFO_MALFORMED or CONNECTION_INFO_INVALID.
 */
export function connectionOf({ address, path }: Pick<Deployment, 'address' | 'path'>): ConnectionInfo {
  return address ? plainConnection(address) : readConnectionInfo(findConnectionInfo(path) ?? `${path}/connection.json`)
}

/** The same for what may be no service: undefined where it has neither an address nor a connection.json. */
export const serviceOf = (deployed: Pick<Deployment, 'address' | 'path'>): ConnectionInfo | undefined =>
  deployed.address || findConnectionInfo(deployed.path) ? connectionOf(deployed) : undefined

/** Where a service is dialled; empty where its connection.json does not tell. */
export function serviceAddress(deployment: Pick<Deployment, 'address' | 'path'>): string {
  try {
    return connectionOf(deployment).address
  } catch {
    return ''
  }
}

/** Dials the chaincodes that run as services. */
export class ServiceDialler {
  constructor(private readonly options: ServiceDiallerOptions) {}

  /** Dials a chaincode; what becomes of it is told to `notify`, never before this has returned. */
  dial(ccid: string, notify: (event: ServiceEvent) => void): DialledService {
    let info: ConnectionInfo
    try {
      const deployment = this.options.deployment(ccid)
      if (!deployment) throw failure('CHAINCODE_UNKNOWN', { name: ccid, known: [] })
      info = connectionOf(deployment)
    } catch (error) {
      if (!isFailure(error)) throw error
      setImmediate(notify, failed(error))
      return { hangUp: () => undefined }
    }
    const { address, dialTimeoutMs } = info
    setImmediate(notify, { type: 'DIALLING', address, dialTimeoutMs })
    const { accept, maxMessageBytes } = this.options
    return dialService(
      {
        ...info,
        accept: accept(ccid),
        maxMessageBytes,
        pingIntervalMs: PING_INTERVAL_MS,
        pingTimeoutMs: PING_TIMEOUT_MS,
        closeTimeoutMs: CLOSE_TIMEOUT_MS,
      },
      (event) => notify(event.type === 'DIAL_FAILED' ? { ...event, ...dialHint(event.errno, address) } : event),
    )
  }
}

const failed = ({ code, message, hint }: ChaincodedError): ServiceEvent => ({
  type: 'DIAL_FAILED',
  errno: code,
  message,
  ...(hint === undefined ? {} : { hint }),
})
