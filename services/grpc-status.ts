import { constants, type OutgoingHttpHeaders } from 'node:http2'

/** How a gRPC call ends. */
export interface Status {
  code: number
  message: string
}

/** The codes of gRPC that the listeners give by themselves. */
export const statusCode = {
  ok: 0,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const

/** A longer text would not fit into the 8 KiB of headers that Netty, and so a Java chaincode, accepts. */
const messageLimitBytes = 6 * 1024

/** Headers of every answer to a gRPC call. */
export const responseHeaders: OutgoingHttpHeaders = {
  [constants.HTTP2_HEADER_STATUS]: 200,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
  'grpc-accept-encoding': 'identity',
}

/** The trailers that carry a status; a text over 6 KiB (percent-encoded) is cut. */
export function statusTrailers({ code, message }: Status): OutgoingHttpHeaders {
  return message === '' ? { 'grpc-status': code } : { 'grpc-status': code, 'grpc-message': percentEncode(message) }
}

function percentEncode(message: string): string {
  // Halves of surrogate pairs, which encodeURI throws on, become U+FFFD on the way through UTF-8.
  const text = Buffer.from(message.slice(0, messageLimitBytes)).toString()
  let encoded = encodeURI(text)
  if (encoded.length <= messageLimitBytes) return encoded
  encoded = ''
  for (const character of text) {
    const next = encodeURI(character)
    if (encoded.length + next.length > messageLimitBytes) break
    encoded += next
  }
  return encoded
}

/** gRPC's text for a message over the limit, as grpc-go words it. */
export const tooLargeText = (
  what: 'received message' | 'trying to send message',
  bytes: number,
  limit: number,
): string => `grpc: ${what} larger than max (${bytes} vs. ${limit})`
