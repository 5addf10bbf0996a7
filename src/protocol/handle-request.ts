import { failure, isFailure, messageOf } from '../errors.js'
import type { HistoryRow, StateRow } from '../ledger/types.js'
import { KV, KeyModification } from '../../proto/gen/ledger/query-result.js'
import {
  ChaincodeMessage_Type as Type,
  GetHistoryForKey,
  GetStateByRange,
  QueryStateClose,
  QueryStateNext,
} from '../../proto/gen/peer/chaincode-shim.js'
import { ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import { decodeDelState, decodeGetState, decodePutState, messageTypeName } from './message-codec.js'
import { type QueryLimits, closeQuery, nextBatch, openQuery } from './queries.js'
import type { Transaction } from './transaction.js'

/** What the handlers need besides the transaction. */
export interface RequestContext {
  limits: QueryLimits
  /** Runs another chaincode for `caller`; resolves to the callee's marshalled COMPLETED or ERROR message. */
  invokeChaincode: (caller: Transaction, spec: ChaincodeSpec) => Promise<Buffer>
}

type Handler = (transaction: Transaction, payload: Buffer, context: RequestContext) => Buffer | Promise<Buffer>

const EMPTY = Buffer.alloc(0)

/** Decodes with the text that a Fabric peer gives for bytes that do not decode. */
function unmarshal<T>(decode: (bytes: Buffer) => T, payload: Buffer): T {
  try {
    return decode(payload)
  } catch (error) {
    throw failure('UNMARSHAL_FAILED', {
      detail: error instanceof RangeError ? 'unexpected EOF' : messageOf(error),
    })
  }
}

const ledger = (transaction: Transaction) => {
  if (!transaction.simulator) throw failure('NO_LEDGER_CONTEXT', {})
  return transaction.simulator
}

/** Collections need a configuration; a chaincode without one is told so, as by a peer. */
function refuseCollection(transaction: Transaction, collection: string): void {
  if (collection === '') return
  if (transaction.isInit) throw failure('PRIVATE_DATA_IN_INIT', {})
  throw failure('NO_COLLECTION_CONFIG', { chaincode: transaction.namespace })
}

const encodeStateRow = (row: StateRow): Uint8Array =>
  KV.encode({ namespace: row.namespace, key: row.key, value: row.value }).finish()

const encodeHistoryRow = (row: HistoryRow): Uint8Array =>
  KeyModification.encode({
    txId: row.txId,
    value: row.value,
    isDelete: row.isDelete,
    timestamp: row.timestamp,
  }).finish()

/** One table: message type → what is done. Every answer is the payload of a RESPONSE. */
const handlers: Partial<Record<Type, Handler>> = {
  [Type.GET_STATE]: (transaction, payload) => {
    const { key, collection } = unmarshal(decodeGetState, payload)
    refuseCollection(transaction, collection)
    return ledger(transaction).getState(transaction.namespace, key) ?? EMPTY
  },
  [Type.PUT_STATE]: (transaction, payload) => {
    const { key, value, collection } = unmarshal(decodePutState, payload)
    refuseCollection(transaction, collection)
    ledger(transaction).setState(transaction.namespace, key, value)
    return EMPTY
  },
  [Type.DEL_STATE]: (transaction, payload) => {
    const { key, collection } = unmarshal(decodeDelState, payload)
    refuseCollection(transaction, collection)
    ledger(transaction).deleteState(transaction.namespace, key)
    return EMPTY
  },
  [Type.GET_STATE_BY_RANGE]: (transaction, payload, { limits }) => {
    const { startKey, endKey, collection, metadata } = unmarshal((bytes) => GetStateByRange.decode(bytes), payload)
    refuseCollection(transaction, collection)
    if (metadata.length > 0) throw failure('NOT_SUPPORTED_YET', { what: 'pagination' })
    const rows = ledger(transaction).getStateRange(transaction.namespace, startKey, endKey)
    return openQuery(transaction, rows, encodeStateRow, limits)
  },
  [Type.GET_HISTORY_FOR_KEY]: (transaction, payload, { limits }) => {
    const { key } = unmarshal((bytes) => GetHistoryForKey.decode(bytes), payload)
    return openQuery(
      transaction,
      ledger(transaction).getHistoryForKey(transaction.namespace, key),
      encodeHistoryRow,
      limits,
    )
  },
  [Type.QUERY_STATE_NEXT]: (transaction, payload) =>
    nextBatch(transaction, unmarshal((bytes) => QueryStateNext.decode(bytes), payload).id),
  [Type.QUERY_STATE_CLOSE]: (transaction, payload) =>
    closeQuery(transaction, unmarshal((bytes) => QueryStateClose.decode(bytes), payload).id),
  [Type.INVOKE_CHAINCODE]: (transaction, payload, { invokeChaincode }) =>
    invokeChaincode(
      transaction,
      unmarshal((bytes) => ChaincodeSpec.decode(bytes), payload),
    ),
}

const notYet = [
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
  if (!transaction || transaction.state !== 'executing' || !transaction.simulator)
    throw failure('NO_LEDGER_CONTEXT', {})
  return (handlers[type as Type] as Handler)(transaction, payload, context)
}

/** The payload of the ERROR that answers a request which failed (3.x form). */
export function errorPayload(type: number, txId: string, error: unknown): Buffer {
  // A defect in a handler must neither end the stream nor pass for an operating error.
  const text = isFailure(error) ? error.message : 'panic during execution'
  return Buffer.from(`${messageTypeName(type)} failed: transaction ID: ${txId}: ${text}`)
}
