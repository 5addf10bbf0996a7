import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { ErrorDetail } from '../../proto/gen/gateway/gateway.js'
import { Status } from '../../proto/gen/google/rpc/status.js'
import { bufferOf } from './unmarshal.js'
import type { EndorserOutcome } from './endorser.js'

/** Longest text of a status, UTF-8 bytes. Node's HTTP/2 takes 64 KiB of trailers, and each byte may be escaped as three. */
const maxStatusTextBytes = 6 * 1024
/** Longest text of one error detail, UTF-8 bytes. */
const maxDetailTextBytes = 20 * 1024

/** A call that ends with a gRPC status other than OK, and why, node by node. */
export class CallError extends Error {
  override readonly name = 'CallError'

  constructor(
    readonly code: status,
    message: string,
    readonly details: readonly ErrorDetail[] = [],
  ) {
    super(message)
  }
}

/** What grpc-js answers a call with; details travel as `google.rpc.Status` in the trailer `grpc-status-details-bin`. */
export function toServiceError({ code, message, details }: CallError): Partial<ServiceError> {
  const text = clip(message, maxStatusTextBytes)
  if (details.length === 0) return { code, details: text }
  const packed = details.map((detail) => ({
    typeUrl: 'type.googleapis.com/gateway.ErrorDetail',
    value: bufferOf(ErrorDetail.encode({ ...detail, message: clip(detail.message, maxDetailTextBytes) }).finish()),
  }))
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', bufferOf(Status.encode({ code, message: text, details: packed }).finish()))
  return { code, details: text, metadata }
}

/** Why an endorser's answer is no success: the code that Evaluate reports, its text, and whether another peer could help. */
export interface EndorserFailure {
  code: status
  message: string
  /** False where every peer would answer the same. */
  retry: boolean
}

/** Sorts an endorser's answer; undefined is success (200 to 399). */
export function classify({ grpcError, proposalResponse }: EndorserOutcome): EndorserFailure | undefined {
  if (grpcError !== undefined) {
    return proposalResponse === undefined
      ? { code: status.UNAVAILABLE, message: grpcError, retry: true }
      : { code: status.FAILED_PRECONDITION, message: grpcError, retry: false }
  }
  const { response, payload } = proposalResponse
  const { status: answered, message } = response ?? { status: 0, message: '' }
  if (answered >= 200 && answered < 400) return undefined
  // Only the peer itself answers 500 without a payload; a chaincode's 500 comes with its result.
  if (answered === 500 && payload.length === 0) return { code: status.ABORTED, message, retry: true }
  return { code: status.UNKNOWN, message: `chaincode response ${answered}, ${message}`, retry: false }
}

/** Fabric's text for a channel that the gateway does not know. */
export const unknownChannel = (channelId: string): string =>
  `failed to get config for channel [${channelId}]: could not get last config for channel ${channelId}`

/** Cuts a text to `limit` bytes of UTF-8 and says so; trailers have a limit of their own, beyond which a call breaks. */
function clip(text: string, limit: number): string {
  const bytes = Buffer.byteLength(text)
  if (bytes <= limit) return text
  // A character that the cut went through becomes U+FFFD, which is dropped.
  const kept = Buffer.from(text)
    .subarray(0, limit)
    .toString()
    .replace(/\uFFFD$/, '')
  return `${kept}… (${bytes - Buffer.byteLength(kept)} more bytes)`
}
