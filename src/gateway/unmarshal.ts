import type { BinaryReader } from '@bufbuild/protobuf/wire'
import { decodeStrict } from './strict-decode.js'

/** Bytes that are no message of the awaited type. The text is Fabric's: `error unmarshalling Proposal: unexpected EOF`. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage'

  constructor(
    typeName: string,
    /** What is wrong with the bytes, in the words of Go's protobuf library. */
    readonly detail: string,
  ) {
    super(`error unmarshalling ${typeName}: ${detail}`)
  }
}

/**
 * Decodes a whole message; `typeName` enters the error text.
 * @throws UnreadableMessage where the bytes are cut short or are no protobuf.
 */
export function unmarshal<T>(codec: { decode(reader: BinaryReader): T }, bytes: Uint8Array, typeName: string): T {
  try {
    return decodeStrict(codec, bytes)
  } catch (error) {
    const cutShort = error instanceof RangeError
    throw new UnreadableMessage(typeName, cutShort ? 'unexpected EOF' : 'proto: cannot parse invalid wire-format data')
  }
}

/** What `encode().finish()` gives, seen as a Buffer without a copy. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
