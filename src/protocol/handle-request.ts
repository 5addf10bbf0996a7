import { type ChaincodedError, failure, isFailure, messageOf } from '../errors.js'
import { UnreadableMessage, unmarshal } from '../gateway/unmarshal.js'
import type { HistoryRow, TxSimulator } from '../ledger/types.js'
import { KeyModification } from '../../proto/gen/ledger/query-result.js'
import { ChaincodeMessage_Type as Type, QueryMetadata } from '../../proto/gen/peer/chaincode-shim.js'
import { ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import {
  decodeDelState,
  decodeGetState,
  decodeGetStateByRange,
  decodeOneText,
  decodePutState,
  encodeKV,
  messageTypeName,
} from './message-codec.js'
import { type QueryLimits, closeQuery, nextBatch, openQuery } from './queries.js'
import type { Transaction } from './transaction.js'

/** What the handlers need besides the transaction. */
export interface RequestContext {
  limits: QueryLimits
  /** Whether the history of keys can be asked for; key `ledger.history.enableHistoryDatabase`. */
  historyEnabled: boolean
  /** Runs another chaincode for `caller`; resolves to the callee's marshalled COMPLETED or ERROR message. */
  invokeChaincode: (caller: Transaction, spec: ChaincodeSpec) => Promise<Buffer>
}

/** A transaction that has a ledger to work on. */
type LedgerTransaction = Transaction & { readonly simulator: TxSimulator }

type Handler = (transaction: LedgerTransaction, payload: Buffer, context: RequestContext) => Buffer | Promise<Buffer>

const EMPTY = Buffer.alloc(0)

/** Decodes, or fails with the text that a Fabric peer gives for bytes that do not decode. */
function decoded<T>(decode: (bytes: Buffer) => T, payload: Buffer): T {
  try {
    return decode(payload)
  } catch (error) {
    throw failure('UNMARSHAL_FAILED', {
      detail: error instanceof UnreadableMessage ? error.detail : messageOf(error),
    })
  }
}

/** Collections need a configuration; a chaincode without one is told so, as by a peer. */
function refuseCollection(transaction: Transaction, collection: string): void {
  if (collection === '') return
  if (transaction.isInit) throw failure('PRIVATE_DATA_IN_INIT', {})
  throw failure('NO_COLLECTION_CONFIG', { chaincode: transaction.namespace })
}

const encodeHistoryRow = (row: HistoryRow): Uint8Array =>
  KeyModification.encode({
    txId: row.txId,
    value: row.value,
    isDelete: row.isDelete,
    timestamp: row.timestamp,
  }).finish()

/** Whether the metadata of a query ask for a page of its rows; a shim may send them and ask for none. */
function asksForPage(metadata: Buffer): boolean {
  if (metadata.length === 0) return false
  const { pageSize, bookmark } = decoded((bytes) => unmarshal(QueryMetadata, bytes, 'QueryMetadata'), metadata)
  return pageSize !== 0 || bookmark !== ''
}

/** One table: message type → what is done. Every answer is the payload of a RESPONSE. */
const handlers: Partial<Record<Type, Handler>> = {
  [Type.GET_STATE]: (transaction, payload) => {
    const { key, collection } = decoded(decodeGetState, payload)
    refuseCollection(transaction, collection)
    return transaction.simulator.getState(transaction.namespace, key) ?? EMPTY
  },
  [Type.PUT_STATE]: (transaction, payload) => {
    const { key, value, collection } = decoded(decodePutState, payload)
    refuseCollection(transaction, collection)
    transaction.simulator.setState(transaction.namespace, key, value)
    return EMPTY
  },
  [Type.DEL_STATE]: (transaction, payload) => {
    const { key, collection } = decoded(decodeDelState, payload)
    refuseCollection(transaction, collection)
    transaction.simulator.deleteState(transaction.namespace, key)
    return EMPTY
  },
  [Type.GET_STATE_BY_RANGE]: (transaction, payload, { limits }) => {
    const { startKey, endKey, collection, metadata } = decoded(decodeGetStateByRange, payload)
    const isPaginated = asksForPage(metadata)
    refuseCollection(transaction, collection)
    if (isPaginated) throw failure('NOT_SUPPORTED_YET', { what: 'pagination' })
    const rows = transaction.simulator.getStateRange(transaction.namespace, startKey, endKey)
    return openQuery(transaction, rows, encodeKV, limits)
  },
  [Type.GET_HISTORY_FOR_KEY]: (transaction, payload, { limits, historyEnabled }) => {
    if (!historyEnabled) throw failure('HISTORY_DISABLED', {})
    const rows = transaction.simulator.getHistoryForKey(transaction.namespace, decoded(decodeOneText, payload))
    return openQuery(transaction, rows, encodeHistoryRow, limits)
  },
  [Type.QUERY_STATE_NEXT]: (transaction, payload) => nextBatch(transaction, decoded(decodeOneText, payload)),
  [Type.QUERY_STATE_CLOSE]: (transaction, payload) => closeQuery(transaction, decoded(decodeOneText, payload)),
  [Type.INVOKE_CHAINCODE]: (transaction, payload, { invokeChaincode }) =>
    invokeChaincode(
      transaction,
      decoded((bytes) => unmarshal(ChaincodeSpec, bytes, 'ChaincodeSpec'), payload),
    ),
}

const notYet: readonly Type[] = [
  Type.GET_QUERY_RESULT,
  Type.GET_STATE_METADATA,
  Type.PUT_STATE_METADATA,
  Type.GET_PRIVATE_DATA_HASH,
  Type.PURGE_PRIVATE_DATA,
  Type.WRITE_BATCH_STATE,
  Type.GET_STATE_MULTIPLE,
]
for (const type of notYet)
  handlers[type] = () => {
    throw failure('NOT_SUPPORTED_YET', { what: messageTypeName(type) })
  }

/** Whether `type` is a request that a chaincode may send in a transaction. */
export const isRequest = (type: number): boolean => handlers[type as Type] !== undefined

/** Whether `type` is a request that is done, not only known. */
export const isSupported = (type: Type): boolean => isRequest(type) && !notYet.includes(type)

/** What a request without ledger context is told. */
export const noContext = (type: number): ChaincodedError =>
  failure(type === Type.INVOKE_CHAINCODE ? 'NO_VALID_TRANSACTION' : 'NO_LEDGER_CONTEXT', {})

/**
 * Does what a request asks for. Throws, or rejects with, the operating error that the chaincode is to be told.
 * A transaction without ledger context is refused before its request is looked at.
 */
export function handleRequest(
  type: number,
  transaction: Transaction | undefined,
  payload: Buffer,
  context: RequestContext,
): Buffer | Promise<Buffer> {
  if (!transaction || transaction.state !== 'executing' || !transaction.simulator) throw noContext(type)
  return (handlers[type as Type] as Handler)(transaction as LedgerTransaction, payload, context)
}

/** The payload of the ERROR that answers a request which failed (3.x form). */
export function errorPayload(type: number, txId: string, error: unknown): Buffer {
  // A defect in a handler must neither end the stream nor pass for an operating error.
  const text = isFailure(error) ? error.message : 'panic during execution'
  return Buffer.from(`${messageTypeName(type)} failed: transaction ID: ${txId}: ${text}`)
}
