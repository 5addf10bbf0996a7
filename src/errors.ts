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
    (f) => `in dev mode the chaincode is started by hand: CORE_CHAINCODE_ID_NAME=${f.ccid} CORE_PEER_ADDRESS=${f.address}`,
  ),
  TOO_MANY_CALLERS: row(
    (f: { ccid: string; limit: number }) =>
      `chaincode ${f.ccid} is starting and ${f.limit} callers already wait for it (chaincoded.limits.waitingCallers)`,
  ),

  // Transactions
  TXID_EXISTS: row((f: { txId: string; channelId: string }) => `txid: ${f.txId}(${f.channelId}) exists`),
  EXECUTE_TIMEOUT: row(() => 'timeout expired while executing transaction'),
  STREAM_TERMINATED: row(() => 'chaincode stream terminated'),
  SIGNED_PROPOSAL_NIL: row(() => 'failed getting proposal context. Signed proposal is nil'),
  TOO_MANY_TRANSACTIONS: row(
    (f: { ccid: string; limit: number }) =>
      `chaincode ${f.ccid} already runs ${f.limit} transactions (chaincoded.limits.transactionsInFlight)`,
  ),
  CALL_CANCELLED: row(() => 'the caller went away before the transaction ended'),
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

/** The text of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
