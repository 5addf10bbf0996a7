import { createHash, randomBytes } from 'node:crypto'
import {
  Block,
  ChannelHeader,
  Envelope,
  type Header,
  HeaderType,
  Metadata,
  OrdererBlockMetadata,
  Payload,
  SignatureHeader,
  type BlockHeader,
} from '../../proto/gen/common/common.js'

const EMPTY = Buffer.alloc(0)

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** A DER element with a length below 128, which is all that a block header needs. */
const der = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.of(tag, content.length), content])

/** A DER INTEGER of a number that is not negative: the fewest bytes that keep the sign bit clear. */
function derInteger(value: bigint): Buffer {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return der(0x02, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]))
}

/** DER of a block header: SEQUENCE { INTEGER number, OCTET STRING previous hash, OCTET STRING data hash }. */
export function headerBytes(header: BlockHeader): Buffer {
  return der(
    0x30,
    Buffer.concat([derInteger(header.number), der(0x04, header.previousHash), der(0x04, header.dataHash)]),
  )
}

/** SHA-256 of the header's DER: the previous hash of the block behind. */
export const headerHash = (header: BlockHeader): Buffer => createHash('sha256').update(headerBytes(header)).digest()

/** SHA-256 of all envelopes of a block, one behind the other. */
export function dataHash(envelopes: readonly Buffer[]): Buffer {
  const hash = createHash('sha256')
  for (const envelope of envelopes) hash.update(envelope)
  return hash.digest()
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.of(...bytes, value)
}

/**
 * The next link of the commit hash chain: SHA-256 of the filter (behind its length as a varint), the marshalled read-write
 * sets of the valid transactions in order, and the commit hash before. Fabric hashes its own encoding of the updates in
 * the middle part; no client can tell.
 */
export function commitHash(filter: Buffer, validResults: readonly Buffer[], previous: Buffer): Buffer {
  const hash = createHash('sha256').update(varint(filter.length)).update(filter)
  for (const results of validResults) hash.update(results)
  return hash.update(previous).digest()
}

/** What a block is made of. */
export interface BlockParts {
  number: number
  previousHash: Buffer
  envelopes: readonly Buffer[]
  /** One `protos.TxValidationCode` a transaction. */
  codes: readonly number[]
  /** Absent in block 0. */
  commitHash?: Buffer
}

/**
 * The marshalled `common.Block` and the hash of its header. Its five metadata entries are those of `BlockMetadataIndex`.
 * There is no orderer here, and no client checks its signature, so the entry SIGNATURES holds its value only.
 */
export function makeBlock(parts: BlockParts): { bytes: Buffer; hash: Buffer } {
  const header: BlockHeader = {
    number: BigInt(parts.number),
    previousHash: parts.previousHash,
    dataHash: dataHash(parts.envelopes),
  }
  const metadata = (value: Uint8Array): Buffer =>
    bufferOf(Metadata.encode({ value: bufferOf(value), signatures: [] }).finish())
  const orderer = OrdererBlockMetadata.encode({ lastConfig: { index: 0n }, consenterMetadata: EMPTY }).finish()
  const block = Block.encode({
    header,
    data: { data: [...parts.envelopes] },
    metadata: {
      metadata: [
        metadata(orderer),
        EMPTY,
        Buffer.from(parts.codes),
        EMPTY,
        parts.commitHash ? metadata(parts.commitHash) : EMPTY,
      ],
    },
  }).finish()
  return { bytes: bufferOf(block), hash: headerHash(header) }
}

/** The channel header of an envelope, or undefined where it cannot be read. */
export function channelHeaderOf(envelope: Buffer): ChannelHeader | undefined {
  try {
    const { header } = Payload.decode(Envelope.decode(envelope).payload)
    return header && ChannelHeader.decode(header.channelHeader)
  } catch {
    return undefined
  }
}

/** The one envelope of block 0: CONFIG, unsigned, with a nonce and no creator, and without a configuration in it. */
export function genesisEnvelope(channelId: string): { envelope: Buffer; txId: string } {
  const nonce = randomBytes(24)
  const txId = createHash('sha256').update(nonce).digest('hex')
  const nowMs = Date.now()
  const channelHeader = ChannelHeader.encode(
    ChannelHeader.fromPartial({
      type: HeaderType.CONFIG,
      version: 1,
      timestamp: { seconds: BigInt(Math.floor(nowMs / 1000)), nanos: 0 },
      channelId,
      txId,
    }),
  ).finish()
  const signatureHeader = SignatureHeader.encode({ creator: EMPTY, nonce }).finish()
  const header: Header = { channelHeader: bufferOf(channelHeader), signatureHeader: bufferOf(signatureHeader) }
  const payload = Payload.encode({ header, data: EMPTY }).finish()
  const envelope = Envelope.encode({ payload: bufferOf(payload), signature: EMPTY }).finish()
  return { envelope: bufferOf(envelope), txId }
}
