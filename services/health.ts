import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../proto/gen/grpc/health.js'
import { statusCode } from './grpc-status.js'
import type { AcceptStream, StreamTransport } from './stream-transport.js'

/** How often the status is looked at while somebody watches it, ms. */
const watchIntervalMs = 200

/** What may be asked about, as with a Fabric peer's chaincode listener: the server as a whole and each of its services. */
const services = new Set(['', 'grpc.health.v1.Health', 'protos.ChaincodeSupport'])

/** The methods of the standard gRPC health service, by path; they report SERVING while `isServing` says so. */
export function healthRoutes(isServing: () => boolean): Map<string, AcceptStream> {
  const statusOf = (service: string): ServingStatus => {
    if (!services.has(service)) return ServingStatus.SERVICE_UNKNOWN
    return isServing() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING
  }
  return new Map([
    ['/grpc.health.v1.Health/Check', (transport) => answerCheck(transport, statusOf)],
    ['/grpc.health.v1.Health/Watch', (transport) => answerWatch(transport, statusOf)],
  ] satisfies [string, AcceptStream][])
}

function answerCheck(transport: StreamTransport, statusOf: (service: string) => ServingStatus) {
  return {
    onMessage(message: Buffer) {
      const service = decodeService(message, transport)
      if (service === undefined) return
      const status = statusOf(service)
      if (status === ServingStatus.SERVICE_UNKNOWN) {
        return transport.close({ code: statusCode.notFound, message: 'unknown service' })
      }
      transport.send(HealthCheckResponse.encode({ status }).finish())
      transport.close()
    },
    onEnd() {},
  }
}

function answerWatch(transport: StreamTransport, statusOf: (service: string) => ServingStatus) {
  let timer: NodeJS.Timeout | undefined
  return {
    onMessage(message: Buffer) {
      const service = decodeService(message, transport)
      if (service === undefined || timer !== undefined) return
      let reported: ServingStatus | undefined
      const report = () => {
        const status = statusOf(service)
        if (status === reported) return
        reported = status
        transport.send(HealthCheckResponse.encode({ status }).finish())
      }
      report()
      timer = setInterval(report, watchIntervalMs).unref()
    },
    onHalfClose() {},
    onEnd() {
      clearInterval(timer)
    },
  }
}

/** The service that is asked about; undefined, and the stream closed, when the request does not decode. */
function decodeService(message: Buffer, transport: StreamTransport): string | undefined {
  try {
    return HealthCheckRequest.decode(message).service
  } catch {
    transport.close({ code: statusCode.internal, message: 'the HealthCheckRequest does not decode' })
    return undefined
  }
}
