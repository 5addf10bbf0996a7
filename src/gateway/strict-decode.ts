import { BinaryReader } from '@bufbuild/protobuf/wire'

/**
 * Decodes a whole message. The generated decoders stop without a word at a tag that cannot be one; Fabric refuses such
 * bytes, and so does this.
 * @throws Error when the bytes are not one message of that type.
 */
export function decodeStrict<T>(codec: { decode(input: BinaryReader): T }, bytes: Uint8Array): T {
  const reader = new BinaryReader(bytes)
  const message = codec.decode(reader)
  if (reader.pos !== reader.len) throw new Error(`undecodable from byte ${reader.pos} on`)
  return message
}
