import { ChaincodeMessage_Type } from '../../proto/gen/peer/chaincode-shim.js'
import { fieldSize, varintSize, WireReader, writeBytes, writeString, writeVarint } from './wire-format.js'

/**
 * Hand-written codecs of the messages that every transaction and state request pays for: sizes are computed first, so that
 * encoding allocates once, and what is decoded are views of the message. Everything else goes through proto/gen.
 */

/** The fields of a `protos.ChaincodeMessage` to send; empty ones are left out. */
export interface OutgoingMessage {
  /** A ChaincodeMessage.Type, 0 or more. */
  type: number
  payload?: Uint8Array
  txid?: string
  channelId?: string
  /** Marshalled `protos.SignedProposal`; an empty one is sent as a field that is there. */
  proposal?: Uint8Array
}

/** A `protos.ChaincodeMessage` as it came; all buffers are views of it. */
export interface DecodedMessage {
  /** A ChaincodeMessage.Type, or any other int32 that the chaincode sent. */
  type: number
  payload: Buffer
  txid: string
  channelId: string
  /** Marshalled `protos.SignedProposal`; undefined where the field is not there. */
  proposal: Buffer | undefined
  /** Marshalled `protos.ChaincodeEvent`; undefined where the field is not there. */
  chaincodeEvent: Buffer | undefined
}

const empty: Buffer = Buffer.alloc(0)

/** Fabric's name of a message type, or the number as text where it has none. */
export const messageTypeName = (type: number): string =>
  (type < 0 ? undefined : ChaincodeMessage_Type[type]) ?? String(type)

/** Marshals a `protos.ChaincodeMessage`. */
export function encodeMessage(message: OutgoingMessage): Buffer {
  const { type, payload = empty, txid = '', channelId = '', proposal } = message
  const txidLength = Buffer.byteLength(txid)
  const channelIdLength = Buffer.byteLength(channelId)
  const proposalSize = proposal === undefined ? 0 : 1 + varintSize(proposal.length) + proposal.length
  const buffer = Buffer.allocUnsafe(
    (type === 0 ? 0 : 1 + varintSize(type)) +
      fieldSize(payload.length) +
      fieldSize(txidLength) +
      proposalSize +
      fieldSize(channelIdLength),
  )
  let at = 0
  if (type !== 0) {
    buffer[at] = 0x08
    at = writeVarint(buffer, at + 1, type)
  }
  at = writeBytes(buffer, at, 0x1a, payload)
  at = writeString(buffer, at, 0x22, txid, txidLength)
  if (proposal !== undefined) {
    buffer[at] = 0x2a
    at = writeVarint(buffer, at + 1, proposal.length)
    buffer.set(proposal, at)
    at += proposal.length
  }
  writeString(buffer, at, 0x3a, channelId, channelIdLength)
  return buffer
}

/**
 * Unmarshals a `protos.ChaincodeMessage`; of a field that is there twice the last one counts. Throws a plain Error with Go's
 * text (`unexpected EOF`, `proto: cannot parse invalid wire-format data`, `string field contains invalid UTF-8`).
 */
export function decodeMessage(buffer: Buffer): DecodedMessage {
  const reader = new WireReader(buffer)
  let type = 0
  let payload = empty
  let txid = ''
  let channelId = ''
  let proposal: Buffer | undefined
  let chaincodeEvent: Buffer | undefined
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) type = reader.int32()
    else if (tag === 0x1a) payload = reader.bytes()
    else if (tag === 0x22) txid = reader.string()
    else if (tag === 0x2a) proposal = reader.bytes()
    else if (tag === 0x32) chaincodeEvent = reader.bytes()
    else if (tag === 0x3a) channelId = reader.string()
    else reader.skip(tag)
  }
  return { type, payload, txid, channelId, proposal, chaincodeEvent }
}

/** Unmarshals a `protos.GetState`, which is also what GET_PRIVATE_DATA_HASH carries. Throws like `decodeMessage`. */
export function decodeGetState(payload: Buffer): { key: string; collection: string } {
  const reader = new WireReader(payload)
  let key = ''
  let collection = ''
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) key = reader.string()
    else if (tag === 0x12) collection = reader.string()
    else reader.skip(tag)
  }
  return { key, collection }
}

/** Unmarshals a `protos.DelState`, which is also what PURGE_PRIVATE_DATA carries. Throws like `decodeMessage`. */
export const decodeDelState: (payload: Buffer) => { key: string; collection: string } = decodeGetState

/** Unmarshals a `protos.PutState`; the value is a view of the payload. Throws like `decodeMessage`. */
export function decodePutState(payload: Buffer): { key: string; value: Buffer; collection: string } {
  const reader = new WireReader(payload)
  let key = ''
  let value = empty
  let collection = ''
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) key = reader.string()
    else if (tag === 0x12) value = reader.bytes()
    else if (tag === 0x1a) collection = reader.string()
    else reader.skip(tag)
  }
  return { key, value, collection }
}

/** Unmarshals a `protos.GetStateByRange`; the metadata are a view of the payload. Throws like `decodeMessage`. */
export function decodeGetStateByRange(payload: Buffer): {
  startKey: string
  endKey: string
  collection: string
  /** Marshalled `protos.QueryMetadata`; empty where no page is asked for. */
  metadata: Buffer
} {
  const reader = new WireReader(payload)
  let startKey = ''
  let endKey = ''
  let collection = ''
  let metadata = empty
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) startKey = reader.string()
    else if (tag === 0x12) endKey = reader.string()
    else if (tag === 0x1a) collection = reader.string()
    else if (tag === 0x22) metadata = reader.bytes()
    else reader.skip(tag)
  }
  return { startKey, endKey, collection, metadata }
}

/**
 * Unmarshals the one text of a `protos.QueryStateNext`, `protos.QueryStateClose` (an id) or `protos.GetHistoryForKey` (a
 * key). Throws like `decodeMessage`.
 */
export function decodeOneText(payload: Buffer): string {
  const reader = new WireReader(payload)
  let text = ''
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x0a) text = reader.string()
    else reader.skip(tag)
  }
  return text
}

/** Unmarshals a `protos.Response`; its payload is a view of `bytes`. Throws like `decodeMessage`. */
export function decodeResponse(bytes: Buffer): { status: number; message: string; payload: Buffer } {
  const reader = new WireReader(bytes)
  let status = 0
  let message = ''
  let payload = empty
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 0x08) status = reader.int32()
    else if (tag === 0x12) message = reader.string()
    else if (tag === 0x1a) payload = reader.bytes()
    else reader.skip(tag)
  }
  return { status, message, payload }
}

/** Marshals a `queryresult.KV`, one row of a range or rich query. */
export function encodeKV(row: { namespace: string; key: string; value: Uint8Array }): Buffer {
  const { namespace, key, value } = row
  const namespaceLength = Buffer.byteLength(namespace)
  const keyLength = Buffer.byteLength(key)
  const buffer = Buffer.allocUnsafe(fieldSize(namespaceLength) + fieldSize(keyLength) + fieldSize(value.length))
  let at = writeString(buffer, 0, 0x0a, namespace, namespaceLength)
  at = writeString(buffer, at, 0x12, key, keyLength)
  writeBytes(buffer, at, 0x1a, value)
  return buffer
}

/**
 * Marshals a `protos.QueryResponse`.
 * @param rows marshalled `queryresult.KV` or `queryresult.KeyModification`, in order
 * @param metadata marshalled `protos.QueryResponseMetadata`, where a page was asked for
 */
export function encodeQueryResponse(
  rows: readonly Uint8Array[],
  hasMore: boolean,
  id: string,
  metadata: Uint8Array = empty,
): Buffer {
  const idLength = Buffer.byteLength(id)
  let size = (hasMore ? 2 : 0) + fieldSize(idLength) + fieldSize(metadata.length)
  for (const row of rows) {
    const inner = fieldSize(row.length)
    size += 1 + varintSize(inner) + inner
  }
  const buffer = Buffer.allocUnsafe(size)
  let at = 0
  for (const row of rows) {
    buffer[at] = 0x0a
    at = writeVarint(buffer, at + 1, fieldSize(row.length))
    at = writeBytes(buffer, at, 0x0a, row)
  }
  if (hasMore) {
    buffer[at++] = 0x10
    buffer[at++] = 1
  }
  at = writeString(buffer, at, 0x1a, id, idLength)
  writeBytes(buffer, at, 0x22, metadata)
  return buffer
}
