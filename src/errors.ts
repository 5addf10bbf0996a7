/**
 * The one table of errors. A row assembles its message once, from facts: what happened, to whom, what was expected.
 * `hint` says what to do. The last words of a process travel in the fact `lastWords` and are shown below the message.
 * Texts that a Fabric client or chaincode can observe are Fabric's (3.x where the situation exists there, else 1.1).
 */

/** Facts that any error may carry besides those its message is made of. */
export interface CommonFacts {
  /** Last lines that the chaincode wrote to stderr, oldest first. */
  lastWords?: readonly string[]
  /** One suggested fix; takes the place of the row's own hint. */
  suggestion?: string
}

interface Row<F> {
  what: (facts: F) => string
  hint?: (facts: F) => string | undefined
}

const row = <F>(what: (facts: F) => string, hint?: (facts: F) => string | undefined): Row<F> => ({ what, hint })

/** A hash as Go prints bytes. */
const bytesAsGo = (hex: string): string => `[${[...Buffer.from(hex, 'hex')].join(' ')}]`

const table = {
  // Registration of a chaincode
  CHAINCODE_NAME_EMPTY: row(() => 'error in handling register chaincode, chaincodeID name is empty'),
  REGISTER_UNDECODABLE: row(
    (f: { detail: string }) => `Error in received REGISTER, could NOT unmarshal registration info: ${f.detail}`,
  ),
  EXTERNAL_CONNECTION: row(
    (f: { ccid: string }) => `peer will not accept external chaincode connection ${f.ccid} (except in dev mode)`,
  ),
  UNEXPECTED_CCID: row(
    (f: { ccid: string; expected: readonly string[] }) =>
      `chaincode registered as ${f.ccid}, but the id that is awaited is ${f.expected.join(' or ')}`,
    (f) => `start it with CORE_CHAINCODE_ID_NAME=${f.expected[0]}`,
  ),
  DUPLICATE_CHAINCODE: row((f: { ccid: string }) => `duplicate chaincodeID: ${f.ccid}`),
  REGISTER_NOT_FIRST: row(() => 'First message needs to be a register'),
  CERTIFICATE_NOT_SENT: row((f: { ccid: string }) => `TLS is active but chaincode ${f.ccid} didn't send certificate`),
  CERTIFICATE_UNKNOWN: row(
    (f: { ccid: string; hash: string }) =>
      `Chaincode ${f.ccid} with given certificate hash ${bytesAsGo(f.hash)} not found in registry`,
  ),
  CERTIFICATE_OF_ANOTHER: row(
    (f: { ccid: string; hash: string }) =>
      `Chaincode ${f.ccid} with given certificate hash ${bytesAsGo(f.hash)} belongs to a different chaincode`,
  ),
  OUTSIDER: row(
    (f: { ccid: string; pid: number }) =>
      `peer will not accept external chaincode connection ${f.ccid} (except in dev mode): ` +
      `it runs as process ${f.pid}, and another process has connected (chaincoded.registration)`,
  ),
  CERTIFICATE_NOT_NEEDED: row(
    (f: { name: string }) => `chaincode ${f.name} needs no certificate: chaincodes connect without TLS`,
    () => 'set chaincoded.chaincodeTls to true to have it',
  ),
  CERTIFICATE_IS_GIVEN: row(
    (f: { name: string }) => `chaincode ${f.name} is started by the daemon, which gives it a certificate at each start`,
    () => 'start the daemon with --peer-chaincodedev to start chaincodes by hand',
  ),
  CERTIFICATE_UNWRITABLE: row((f: { folder: string; detail: string }) => `cannot write to ${f.folder}: ${f.detail}`),
  REGISTER_TIMEOUT: row((f: { afterMs: number }) => `no REGISTER within ${f.afterMs} ms, closing the stream`),

  // Launch of a chaincode
  CHAINCODE_NAME_NOT_SET: row(() => 'chaincode name not set'),
  PREMATURE_LAUNCHING: row((f: { ccid: string }) => `premature execution - chaincode (${f.ccid}) is being launched`),
  PREMATURE_WAITING: row(
    (f: { ccid: string }) => `premature execution - chaincode (${f.ccid}) launched and waiting for registration`,
  ),
  LAUNCH_FAILED: row((f: { ccid: string; detail: string }) => `could not launch chaincode ${f.ccid}: ${f.detail}`),
  NOT_CONNECTED: row(
    (f: { ccid: string; address: string }) =>
      `could not launch chaincode ${f.ccid}: handler not found for chaincode ${f.ccid}`,
    (f) =>
      `in dev mode you start the chaincode: with CORE_CHAINCODE_ID_NAME=${f.ccid} in its environment and ` +
      `--peer.address ${f.address} as its arguments`,
  ),
  TOO_MANY_CHAINCODES: row(
    (f: { ccid: string; limit: number }) =>
      `chaincode ${f.ccid} is one too many: ${f.limit} are known (chaincoded.limits.chaincodes)`,
  ),
  CHAINCODE_UNDETECTED: row(
    (f: { detail: string; hint: string }) => f.detail,
    (f) => f.hint,
  ),
  STILL_RUNNING: row(
    (f: { ccid: string; pid: number }) => `chaincode ${f.ccid} would not stop: process ${f.pid} survives SIGKILL`,
  ),
  CONTAINER_REMAINS: row(
    (f: { ccid: string }) => `chaincode ${f.ccid} would not stop: its container engine does not remove its container`,
    () => 'see whether the engine answers (docker info); it is asked again until it does',
  ),
  CONTAINER_UNREMOVED: row(
    (f: { ccid: string; detail: string }) => `${f.ccid} is forgotten, but its image or container is left: ${f.detail}`,
    () => 'remove it by hand: docker images --filter label=chaincoded.ccid',
  ),
  TOO_MANY_CALLERS: row(
    (f: { ccid: string; limit: number }) =>
      `chaincode ${f.ccid} is starting and ${f.limit} callers already wait for it (chaincoded.limits.waitingCallers)`,
  ),

  // Chaincode as a service
  CONNECTION_INFO_UNREADABLE: row(
    (f: { file: string; detail: string }) => `could not read '${f.file}' for chaincode info: ${f.detail}`,
  ),
  CONNECTION_INFO_MALFORMED: row(
    (f: { file: string; detail: string }) => `malformed chaincode info at '${f.file}': ${f.detail}`,
  ),
  CONNECTION_INFO_INVALID: row(
    (f: { file: string; detail: string; hint?: string | undefined }) => `${f.detail} (${f.file})`,
    (f) => f.hint,
  ),

  DATA_FILE_UNREADABLE: row(
    (f: { file: string; detail: string }) => `${f.file} cannot be read: ${f.detail}`,
    () => 'repair or move the file away; it is made anew',
  ),

  DATA_FILE_UNWRITABLE: row(
    (f: { file: string; detail: string }) => `${f.file} cannot be written: ${f.detail}`,
    () => 'make room for it or make it writable, and do it again: until then it is not kept over a restart',
  ),

  // Transactions
  TXID_EXISTS: row((f: { txId: string; channelId: string }) => `txid: ${f.txId}(${f.channelId}) exists`),
  EXECUTE_TIMEOUT: row(() => 'timeout expired while executing transaction'),
  STREAM_TERMINATED: row(() => 'chaincode stream terminated'),
  TOO_MANY_TRANSACTIONS: row(
    (f: { ccid: string; limit: number }) =>
      `chaincode ${f.ccid} already runs ${f.limit} transactions (chaincoded.limits.transactionsInFlight)`,
  ),
  QUERY_NOT_FOUND: row(() => 'query iterator not found'),
  TOO_MANY_QUERIES: row(
    (f: { limit: number }) => `the transaction already holds ${f.limit} queries open (chaincoded.limits.openIterators)`,
  ),
  NO_LEDGER_CONTEXT: row(() => 'no ledger context'),
  UNMARSHAL_FAILED: row((f: { detail: string }) => `unmarshal failed: ${f.detail}`),
  NOT_SUPPORTED_YET: row((f: { what: string }) => `${f.what} is not supported yet`),
  PRIVATE_DATA_IN_INIT: row(() => 'private data APIs are not allowed in chaincode Init()'),
  NO_COLLECTION_CONFIG: row(
    (f: { chaincode: string }) =>
      `collection config not defined for chaincode [${f.chaincode}], pass the collection configuration upon chaincode definition/instantiation`,
  ),
  NO_SUCH_CHANNEL: row((f: { channelId: string }) => `Failed to get policy manager for channel [${f.channelId}]`),
  NO_CHAINCODE_INFO: row(
    (f: { channelId: string; name: string }) =>
      `[channel ${f.channelId}] failed to get chaincode container info for ${f.name}: chaincode ${f.name} not found`,
  ),
  INIT_NOT_REQUIRED: row(
    (f: { name: string }) => `chaincode '${f.name}' does not require initialization but called as init`,
  ),
  INIT_ALREADY_DONE: row((f: { name: string }) => `chaincode '${f.name}' is already initialized but called as init`),
  INIT_MISSING: row(
    (f: { name: string }) => `chaincode '${f.name}' has not been initialized for this version, must call as init first`,
  ),
  RESPONSE_UNDECODABLE: row(
    (f: { txId: string; detail: string }) => `failed to unmarshal response for transaction ${f.txId}: ${f.detail}`,
  ),
  CHAINCODE_ERROR_MESSAGE: row((f: { text: string }) => `transaction returned with failure: ${f.text}`),
  NO_VALID_TRANSACTION: row(() => 'could not get valid transaction'),
  HISTORY_DISABLED: row(() => 'history database is not enabled'),
  MESSAGE_TOO_LARGE: row(
    (f: { type: string; bytes: number; limitBytes: number }) =>
      `${f.type} of ${f.bytes} bytes is larger than the largest message, ${f.limitBytes} bytes (chaincoded.limits.messageBytes)`,
  ),
  UNREAD_MESSAGES: row(
    (f: { ccid: string; bufferedBytes: number; limitBytes: number }) =>
      `chaincode ${f.ccid} does not read: ${f.bufferedBytes} bytes wait for it, and ${f.limitBytes} may (twice chaincoded.limits.messageBytes)`,
  ),
  CALL_CANCELLED: row(() => 'the caller went away before the transaction ended'),

  // Configuration
  CONFIG_UNKNOWN_KEY: row(
    (f: { key: string; from: string; nearest?: string; known?: readonly string[] }) =>
      `there is no setting ${f.key} (${f.from})`,
    (f) =>
      f.nearest
        ? `did you mean ${f.nearest}?`
        : f.known?.length
          ? `the settings here are ${f.known.join(', ')}`
          : undefined,
  ),
  CONFIG_BAD_VALUE: row(
    (f: { key: string; value: unknown; from: string; allowed: string }) =>
      `${f.key} is ${JSON.stringify(f.value)} (${f.from}), but it has to be ${f.allowed}`,
  ),
  CONFIG_FILE_UNREADABLE: row(
    (f: { file: string; detail: string }) => `cannot read the configuration file ${f.file}: ${f.detail}`,
  ),
  CONFIG_FILE_INVALID: row((f: { from: string; detail: string }) => `${f.from}: ${f.detail}`),
  CHAINCODE_ENDPOINT_INVALID: row(
    (f: { detail: string; key: string }) => f.detail,
    (f) => `set ${f.key} to a host and port that a chaincode can reach, for example 127.0.0.1:7052`,
  ),

  // Data folder and control service
  DATA_FOLDER_UNUSABLE: row(
    (f: { path: string; detail: string }) => `cannot use the data folder ${f.path}: ${f.detail}`,
    () => 'name another one with --data',
  ),
  DATA_FOLDER_FOREIGN: row(
    (f: { path: string; found: string }) =>
      `${f.path} is no data folder of chaincoded, and it is not empty (it holds ${f.found})`,
    () => 'name an empty or new folder with --data; nothing was changed',
  ),
  DATA_FOLDER_NEWER: row(
    (f: { path: string; format: number; known: number; writtenBy: string }) =>
      `the data folder ${f.path} was written by chaincoded ${f.writtenBy} in format ${f.format}; this one knows ${f.known}`,
    () => 'update chaincoded, or name another folder with --data; nothing was changed',
  ),
  DATA_FOLDER_IN_USE: row(
    (f: { path: string; pid: number; address?: string }) =>
      `a daemon (pid ${f.pid}) already uses the data folder ${f.path}${f.address ? `, serving ${f.address}` : ''}`,
    (f) =>
      `use that one (chaincoded ps, chaincoded deploy DIR), stop it (kill ${f.pid}), or name another folder with --data`,
  ),
  NO_DAEMON: row(
    (f: { path: string }) => `no daemon serves the data folder ${f.path}`,
    () => 'start one with: chaincoded dev DIR (or: chaincoded start), or name its data folder with --data',
  ),
  DAEMON_SILENT: row(
    (f: { afterMs: number; what: string }) => `the daemon did not answer ${f.what} within ${f.afterMs} ms`,
  ),
  DAEMON_GONE: row(
    (f: { what: string }) => `the daemon went away during ${f.what}`,
    () => 'see whether it still serves with: chaincoded status',
  ),

  // Names, arguments and clients of the command line
  CHAINCODE_NAME_ILLEGAL: row(
    (f: { name: string; proposal?: string }) =>
      `"${f.name}" is no chaincode name: it has to match [a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*`,
    (f) => (f.proposal ? `"${f.proposal}" would do` : undefined),
  ),
  CHAINCODE_VERSION_ILLEGAL: row(
    (f: { version: string }) => `"${f.version}" is no chaincode version: it has to match [A-Za-z0-9_.+-]+`,
  ),
  CHANNEL_NAME_ILLEGAL: row(
    (f: { channel: string }) =>
      `"${f.channel}" is no channel name: it has to match [a-z][a-z0-9.-]* and have at most 249 characters`,
  ),
  CHAINCODE_UNKNOWN: row(
    (f: { name: string; nearest?: string; known: readonly string[] }) => `there is no chaincode "${f.name}"`,
    (f) =>
      f.nearest
        ? `did you mean "${f.nearest}"?`
        : f.known.length > 0
          ? `there ${f.known.length === 1 ? 'is only' : 'are'} ${f.known.join(', ')}`
          : 'none is deployed yet; deploy one with: chaincoded deploy DIR',
  ),
  FOLDER_MISSING: row(
    (f: { path: string; detail: string }) => `cannot deploy ${f.path}: ${f.detail}`,
    () => 'name the folder that holds the chaincode',
  ),
  ARGUMENTS_INVALID: row(
    (f: { detail: string; hint?: string }) => f.detail,
    (f) => f.hint,
  ),
  USER_UNKNOWN: row(
    (f: { user: string; nearest?: string; known: readonly string[]; path: string }) =>
      `there is no user "${f.user}" in ${f.path}`,
    (f) =>
      f.nearest ? `did you mean "${f.nearest}"?` : f.known.length ? `there are ${f.known.join(', ')}` : undefined,
  ),
  TRANSACTION_FAILED: row(
    (f: { detail: string; hint?: string }) => f.detail,
    (f) => f.hint,
  ),
  TRANSACTION_INVALID: row(
    (f: { txId: string; status: string; blockNumber: bigint }) =>
      `transaction ${f.txId} is in block ${f.blockNumber}, but it was not committed: ${f.status}`,
    (f) =>
      f.status.includes('READ_CONFLICT') ? 'another transaction changed what it had read; send it again' : undefined,
  ),
  GATEWAY_UNREACHABLE: row(
    (f: { address: string; detail: string }) => `the gateway at ${f.address} does not answer: ${f.detail}`,
    () => 'see whether the daemon serves with: chaincoded status',
  ),

  // Listening
  PORT_IN_USE: row(
    (f: { address: string; purpose: string }) =>
      `cannot listen on ${f.address} for ${f.purpose}: the port is already in use`,
    (f) =>
      'stop the program that uses it, or choose another port with ' +
      (f.purpose === 'chaincodes'
        ? '--chaincode-listen (peer.chaincodeListenAddress)'
        : '--gateway (peer.listenAddress)') +
      '; 0 lets the system choose',
  ),
  LISTEN_FAILED: row(
    (f: { address: string; purpose: string; detail: string }) =>
      `cannot listen on ${f.address} for ${f.purpose}: ${f.detail}`,
  ),

  // Packages
  PACKAGE_LABEL_ILLEGAL: row(
    (f: { label: string }) =>
      `invalid label '${f.label}'. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics`,
  ),
  PACKAGE_NOT_GZIP: row(
    (f: { detail: string }) => `error reading as gzip stream: ${f.detail}`,
    () => 'make a package with: chaincoded package DIR (or: peer lifecycle chaincode package)',
  ),
  PACKAGE_ARCHIVE_DAMAGED: row((f: { detail: string }) => `error inspecting next tar header: ${f.detail}`),
  PACKAGE_ENTRY_IRREGULAR: row(
    (f: { name: string; typeFlag: number }) => `tar entry ${f.name} is not a regular file, type ${f.typeFlag}`,
    () => 'a package holds metadata.json and code.tar.gz and nothing else',
  ),
  PACKAGE_METADATA_UNREADABLE: row((f: { detail: string }) => `could not unmarshal metadata.json as json: ${f.detail}`),
  PACKAGE_METADATA_MISSING: row(() => 'did not find any package metadata (missing metadata.json)'),
  PACKAGE_CODE_MISSING: row(() => 'did not find a code package inside the package'),
  PACKAGE_SPEC_INVALID: row((f: { detail: string }) => `invalid deployment spec : ${f.detail}`),
  PACKAGE_PATH_ESCAPES: row((f: { name: string }) => `tar contains the absolute or escaping path '${f.name}'`),
  PACKAGE_FILE_IRREGULAR: row(
    (f: { name: string; typeFlag: number }) =>
      `invalid file type '${f.typeFlag}' contained in archive for file '${f.name}'`,
    () => 'put a file in the place of the link or device, and package it again',
  ),
  PACKAGE_FILE_UNWRITABLE: row((f: { name: string; isFolder: boolean; detail: string }) =>
    f.isFolder
      ? `could not create directory '${f.name}': ${f.detail}`
      : `could not create file '${f.name}': ${f.detail}`,
  ),
  PACKAGE_TOO_LARGE: row((f: { limitBytes: number; isUnpacked?: boolean }) =>
    f.isUnpacked
      ? `the package unpacks to more than ${f.limitBytes} bytes (chaincoded.limits.packageUnpackedBytes)`
      : `the package has more than ${f.limitBytes} bytes (chaincoded.limits.packageBytes)`,
  ),
  PACKAGE_TOO_MANY_FILES: row(
    (f: { limit: number }) => `the package holds more than ${f.limit} files (chaincoded.limits.packageFiles)`,
  ),
  PACKAGE_FILE_UNREADABLE: row(
    (f: { file: string; detail: string }) => `cannot read the package ${f.file}: ${f.detail}`,
  ),
  PACKAGE_EXISTS: row(
    (f: { packageId: string }) => `chaincode ${f.packageId} exists`,
    (f) => `another package of this name and version is installed; remove it with: chaincoded uninstall ${f.packageId}`,
  ),
  PACKAGE_UNKNOWN: row(
    (f: { packageId: string; nearest?: string | undefined; known: readonly string[] }) =>
      `chaincode install package '${f.packageId}' not found`,
    (f) =>
      f.nearest
        ? `did you mean ${f.nearest}?`
        : f.known.length > 0
          ? 'see what is installed with: chaincoded packages'
          : 'none is installed yet; install one with: chaincoded install FILE',
  ),
  PACKAGE_DAMAGED: row(
    (f: { packageId: string; file: string; detail: string }) =>
      `the stored package ${f.packageId} is damaged: ${f.detail} (${f.file})`,
    (f) => `remove it with: chaincoded uninstall ${f.packageId}, and install it again`,
  ),
  PACKAGE_IN_USE: row(
    (f: { packageId: string; names: readonly string[] }) =>
      `package ${f.packageId} is in use: ${f.names.join(', ')} ${f.names.length > 1 ? 'run' : 'runs'} from it`,
    (f) => `remove what uses it first: chaincoded rm ${f.names[0]}`,
  ),
  PACKAGE_STORE_UNUSABLE: row(
    (f: { folder: string; detail: string }) => `cannot keep packages in ${f.folder}: ${f.detail}`,
    () => 'make room in it, or make it writable',
  ),
  PACKAGE_TYPE_UNKNOWN: row(
    (f: { type: string }) => `unknown chaincodeType: ${f.type}`,
    () => 'name one with --lang: node, golang or java',
  ),
  PACKAGE_LANGUAGE_UNDETECTED: row(
    (f: { path: string }) =>
      `cannot tell the language of ${f.path}: there is no package.json, go.mod, pom.xml or build.gradle`,
    () => 'name it with --lang: node, golang or java',
  ),
  PACKAGE_NO_SOURCES: row((f: { path: string }) => `no source files found in '${f.path}'`),
  PACKAGE_GO_MODULE_MISSING: row(
    (f: { path: string }) => `${f.path} belongs to no Go module: there is no go.mod in it or above it`,
    () => 'make it a module with: go mod init NAME && go mod tidy',
  ),
  PACKAGE_INDEX_FILE: row(
    (f: { file: string; detail: string }) => f.detail,
    (f) => `correct or remove ${f.file}; META-INF holds index definitions and nothing else`,
  ),
  PACKAGE_FOLDER_UNREADABLE: row((f: { path: string; detail: string }) => `cannot package ${f.path}: ${f.detail}`),

  // Ledger
  LEDGER_LOCKED: row(
    (f: { folder: string }) => `the ledger in ${f.folder} is in use by another process`,
    () => 'stop the daemon that has it open, or name another folder with --data',
  ),
  LEDGER_UNREADABLE: row(
    (f: { folder: string; detail: string }) => `cannot read the ledger in ${f.folder}: ${f.detail}`,
  ),
  LEDGER_CORRUPT: row(
    (f: { folder: string; detail: string }) => `the ledger in ${f.folder} is damaged: ${f.detail}`,
    () => 'restore the folder from a copy, or remove it to start with an empty ledger',
  ),
  LEDGER_FOREIGN: row(
    (f: { folder: string; detail: string }) => `${f.folder} does not hold a ledger of chaincoded: ${f.detail}`,
    () => 'name another folder with --data; nothing was changed',
  ),
  LEDGER_WRITE_FAILED: row(
    (f: { folder: string; detail: string }) => `cannot write to the ledger in ${f.folder}: ${f.detail}`,
    () => 'nothing more is committed until a restart; look for a full or broken disk first',
  ),
  LEDGER_CLOSED: row(() => 'the ledger is closed'),
  COMMIT_QUEUE_FULL: row(
    (f: { channelId: string; limit: number }) =>
      `channel ${f.channelId}: ${f.limit} transactions already wait for their commit (maxWaiting of the ledger)`,
  ),
  // Identities
  IDENTITY_FILE: row(
    (f: { file: string; detail: string }) => `identity file ${f.file}: ${f.detail}`,
    () => 'restore the file, or remove the peerOrganizations folder that it is in to have new identities issued',
  ),
} as const

/** Every code of the table. */
export type ErrorCode = keyof typeof table

/** The facts that the message of code `C` is made of. */
export type FactsOf<C extends ErrorCode> = Parameters<(typeof table)[C]['what']>[0]

/** An operating error: expected, handled, and told to whoever asked. Programmer errors are plain `Error`s and crash. */
export class ChaincodedError extends Error {
  override readonly name = 'ChaincodedError'

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** What to do about it, one sentence; absent where nothing helpful is known. */
    readonly hint: string | undefined,
    readonly facts: Readonly<Record<string, unknown>>,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
  }

  /** Last lines that the chaincode wrote to stderr, oldest first; empty where there are none. */
  get lastWords(): readonly string[] {
    return (this.facts['lastWords'] as readonly string[] | undefined) ?? []
  }

  /** The whole text for people: the message, the last words, and what to do. */
  explain(): string {
    const words = this.lastWords.map((line) => `  | ${line}`)
    return [this.message, ...words, ...(this.hint ? [`hint: ${this.hint}`] : [])].join('\n')
  }
}

/** Makes the error of `code` from its facts. The caller throws it, or hands it on as a value. */
export function failure<C extends ErrorCode>(
  code: C,
  facts: FactsOf<C> extends undefined ? CommonFacts : FactsOf<C> & CommonFacts,
  cause?: unknown,
): ChaincodedError {
  const { what, hint } = table[code] as Row<unknown>
  const suggestion = (facts as CommonFacts).suggestion
  return new ChaincodedError(code, what(facts), suggestion ?? hint?.(facts), facts as Record<string, unknown>, cause)
}

/** Whether `error` is an operating error of the table, and, where `code` is given, of that code. */
export function isFailure(error: unknown, code?: ErrorCode): error is ChaincodedError {
  return error instanceof ChaincodedError && (code === undefined || error.code === code)
}

/** The same failure, seen from one call further out: its message gets `prefix` and a colon in front. */
export function prefixed(prefix: string, error: unknown): ChaincodedError {
  if (!isFailure(error)) throw error
  return new ChaincodedError(error.code, `${prefix}: ${error.message}`, error.hint, error.facts, error)
}

/** The text of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
