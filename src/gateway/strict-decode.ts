import { BinaryReader } from '@bufbuild/protobuf/wire'

/**
 * Decodes a whole message. The generated decoders stop without a word at a tag that cannot be one; Fabric refuses such
 * bytes, and so does this.
 * @throws RangeError when the bytes are cut short, another Error when they are no message in another way.
 */
export function decodeStrict<T>(codec: { decode(input: BinaryReader): T }, bytes: Uint8Array): T {
  const fields = new BinaryReader(bytes)
  while (fields.pos < fields.len) {
    const [number, wireType] = fields.tag()
    fields.skip(wireType, number)
  }
  const reader = new BinaryReader(bytes)
  const message = codec.decode(reader)
  // A message inside this one may have stopped early.
  if (reader.pos !== reader.len) throw new Error(`undecodable from byte ${reader.pos} on`)
  return message
}
