import { status as GrpcStatus } from '@grpc/grpc-js'
import type { StreamClosure } from '../../machines/index.js'
import type { ChaincodedError } from '../errors.js'

/** A gRPC status. */
export interface Status {
  code: number
  message: string
}

/**
 * The status that a chaincode meets at the end of its stream; undefined is OK. As with a Fabric peer it is UNKNOWN with
 * the text of the error. `explain` gives the error of a refusal.
 */
export function closingStatus(
  closure: StreamClosure,
  explain: (closure: StreamClosure) => ChaincodedError | undefined,
): Status | undefined {
  const unknown = (message: string): Status => ({ code: GrpcStatus.UNKNOWN, message })
  switch (closure.kind) {
    case 'closed':
      return undefined
    case 'ended':
      return unknown(closure.message || 'EOF')
    case 'unauthorized':
      return unknown(closure.text)
    case 'violation':
      return unknown(`error handling message, ending stream: ${closure.text}`)
    default:
      return unknown(explain(closure)?.message ?? '')
  }
}
