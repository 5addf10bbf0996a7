import { ChaincodedError, messageOf, type ErrorCode } from '../errors.js'

/** Exit codes of the command line. */
export const exitCodes = { done: 0, failed: 1, wrongUse: 2, noDaemon: 3 } as const

const wrongUse: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ARGUMENTS_INVALID',
  'CHAINCODE_ENDPOINT_INVALID',
  'CHAINCODE_NAME_ILLEGAL',
  'CHAINCODE_VERSION_ILLEGAL',
  'CHANNEL_NAME_ILLEGAL',
  'CONFIG_BAD_VALUE',
  'CONFIG_FILE_INVALID',
  'CONFIG_FILE_UNREADABLE',
  'CONFIG_UNKNOWN_KEY',
  'FOLDER_MISSING',
  'PACKAGE_FILE_UNREADABLE',
  'PACKAGE_FOLDER_UNREADABLE',
  'PACKAGE_LABEL_ILLEGAL',
  'PACKAGE_LANGUAGE_UNDETECTED',
  'PACKAGE_TYPE_UNKNOWN',
  'PACKAGE_UNKNOWN',
  'USER_UNKNOWN',
])
const noDaemon: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['NO_DAEMON', 'DAEMON_GONE', 'GATEWAY_UNREACHABLE'])

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof ChaincodedError)) return exitCodes.failed
  if (wrongUse.has(error.code)) return exitCodes.wrongUse
  return noDaemon.has(error.code) ? exitCodes.noDaemon : exitCodes.failed
}

/** The text that an error is shown with; a stack trace only when `verbose`. */
export function errorText(error: unknown, verbose: boolean): string {
  const text = error instanceof ChaincodedError ? error.explain() : messageOf(error)
  const lines = [`chaincoded: ${text}`]
  if (verbose) lines.push(...stacks(error))
  else if (!(error instanceof ChaincodedError)) lines.push('hint: --verbose shows where this comes from')
  return lines.join('\n')
}

/** The stack traces of an error and of what caused it. */
function* stacks(error: unknown): Generator<string> {
  for (let current = error; current instanceof Error; current = current.cause) yield current.stack ?? current.message
}
