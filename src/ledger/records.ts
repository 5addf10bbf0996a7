/** The binary records behind the keys of the store. Numbers are big-endian; block numbers have 48 bits, others 32. */
import type { HistoryRow, StateRow } from './types.js'

const BLOCK_NUMBER_BYTES = 6
const VERSION_BYTES = BLOCK_NUMBER_BYTES + 4
const HASH_BYTES = 32

/** A row of the state. Rows are shared between readers: nobody may change one, or the bytes of its value. */
export interface VersionedRow extends StateRow {
  readonly namespace: string
  readonly key: string
  readonly value: Buffer
  /** Block and transaction that wrote it. */
  readonly blockNum: number
  readonly txNum: number
}

function withVersion(blockNum: number, txNum: number, tail: number): Buffer {
  const bytes = Buffer.allocUnsafe(VERSION_BYTES + tail)
  bytes.writeUIntBE(blockNum, 0, BLOCK_NUMBER_BYTES)
  bytes.writeUInt32BE(txNum, BLOCK_NUMBER_BYTES)
  return bytes
}

const blockNumOf = (bytes: Buffer): number => bytes.readUIntBE(0, BLOCK_NUMBER_BYTES)
const txNumOf = (bytes: Buffer): number => bytes.readUInt32BE(BLOCK_NUMBER_BYTES)

/** State record: version, value. */
export function encodeState(blockNum: number, txNum: number, value: Buffer): Buffer {
  const bytes = withVersion(blockNum, txNum, value.length)
  value.copy(bytes, VERSION_BYTES)
  return bytes
}

/** Reads a state record; the value is a view of `bytes`. */
export function decodeState(namespace: string, key: string, bytes: Buffer): VersionedRow {
  return { namespace, key, value: bytes.subarray(VERSION_BYTES), blockNum: blockNumOf(bytes), txNum: txNumOf(bytes) }
}

/** Where a transaction id occurs first, and the `protos.TxValidationCode` that it got. */
export interface TransactionEntry {
  readonly blockNum: number
  readonly txNum: number
  readonly code: number
}

/** Record of the transaction index: version, code. */
export function encodeTransaction(entry: TransactionEntry): Buffer {
  const bytes = withVersion(entry.blockNum, entry.txNum, 1)
  bytes.writeUInt8(entry.code, VERSION_BYTES)
  return bytes
}

/** Reads a record of the transaction index. */
export function decodeTransaction(bytes: Buffer): TransactionEntry {
  return { blockNum: blockNumOf(bytes), txNum: txNumOf(bytes), code: bytes.readUInt8(VERSION_BYTES) }
}

/** How far a channel has come. */
export interface Savepoint {
  /** Number of blocks. */
  readonly height: number
  /** Header hash of the last block; empty before block 0. */
  readonly lastHash: Buffer
  /** Commit hash of the last block; empty before block 1. */
  readonly commitHash: Buffer
}

/** Savepoint record: height, header hash, commit hash. */
export function encodeSavepoint(savepoint: Savepoint): Buffer {
  const head = Buffer.alloc(BLOCK_NUMBER_BYTES)
  head.writeUIntBE(savepoint.height, 0, BLOCK_NUMBER_BYTES)
  return Buffer.concat([head, savepoint.lastHash, savepoint.commitHash])
}

/** Reads a savepoint record. */
export function decodeSavepoint(bytes: Buffer): Savepoint {
  const hashes = bytes.subarray(BLOCK_NUMBER_BYTES)
  return {
    height: bytes.readUIntBE(0, BLOCK_NUMBER_BYTES),
    lastHash: hashes.subarray(0, HASH_BYTES),
    commitHash: hashes.subarray(HASH_BYTES),
  }
}

const IS_DELETE = 1
const HAS_TIMESTAMP = 2
const HISTORY_HEAD_BYTES = 15

/** History record: flags, timestamp, length of the transaction id, transaction id, value. */
export function encodeHistory(row: HistoryRow): Buffer {
  const idBytes = Buffer.byteLength(row.txId)
  const bytes = Buffer.allocUnsafe(HISTORY_HEAD_BYTES + idBytes + row.value.length)
  bytes.writeUInt8((row.isDelete ? IS_DELETE : 0) | (row.timestamp ? HAS_TIMESTAMP : 0), 0)
  bytes.writeBigInt64BE(row.timestamp?.seconds ?? 0n, 1)
  bytes.writeInt32BE(row.timestamp?.nanos ?? 0, 9)
  bytes.writeUInt16BE(idBytes, 13)
  bytes.write(row.txId, HISTORY_HEAD_BYTES)
  row.value.copy(bytes, HISTORY_HEAD_BYTES + idBytes)
  return bytes
}

/** Reads a history record; the value is a view of `bytes`. */
export function decodeHistory(bytes: Buffer): HistoryRow {
  const flags = bytes.readUInt8(0)
  const valueAt = HISTORY_HEAD_BYTES + bytes.readUInt16BE(13)
  return {
    txId: bytes.toString('utf8', HISTORY_HEAD_BYTES, valueAt),
    value: bytes.subarray(valueAt),
    isDelete: (flags & IS_DELETE) !== 0,
    timestamp:
      (flags & HAS_TIMESTAMP) === 0 ? undefined : { seconds: bytes.readBigInt64BE(1), nanos: bytes.readInt32BE(9) },
  }
}
