import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import { ChaincodedError, failure, messageOf, type ErrorCode } from '../errors.js'

/** Trailer that carries a ChaincodedError as JSON. */
const trailer = 'chaincoded-error-bin'

/** Headers of HTTP/2 end at 64 KiB in Node; a Base64 of this many bytes stays well below. */
const longestText = 8_000
const longestLine = 500
const mostLines = 20

interface WireError {
  code: string
  message: string
  hint?: string
  lastWords: readonly string[]
}

/** The gRPC status of anything that a method of the control service rejects with. */
export function toStatus(error: unknown): Partial<StatusObject> {
  const metadata = new Metadata()
  const message = cut(messageOf(error), longestText)
  if (!(error instanceof ChaincodedError)) return { code: status.INTERNAL, details: message, metadata }
  const wire: WireError = {
    code: error.code,
    message,
    hint: error.hint && cut(error.hint, longestText),
    lastWords: error.lastWords.slice(-mostLines).map((line) => cut(line, longestLine)),
  }
  metadata.set(trailer, Buffer.from(JSON.stringify(wire)))
  return { code: status.FAILED_PRECONDITION, details: cut(message, 1000), metadata }
}

/** The error that the other side rejected with; DAEMON_GONE or DAEMON_SILENT where it could not answer `what`. */
export function fromStatus(error: ServiceError, what: string, deadlineMs: number): Error {
  const wire = error.metadata?.get(trailer)[0]
  if (Buffer.isBuffer(wire)) {
    const { code, message, hint, lastWords } = JSON.parse(wire.toString()) as WireError
    return new ChaincodedError(code as ErrorCode, message, hint, { lastWords })
  }
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED)
    return failure('DAEMON_GONE', { what }, error)
  if (error.code === status.DEADLINE_EXCEEDED) return failure('DAEMON_SILENT', { what, afterMs: deadlineMs }, error)
  return new Error(error.details, { cause: error })
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text)
