import { camelCase, messageFacts, ours, type FieldFacts, type MessageFacts } from './descriptors.js'
import type { Fields } from './values.js'

interface Codec {
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): object
  fromPartial(object: object): object
}

type Loose = Record<string, unknown>

/** Everything that proto/gen exports, by .proto file. */
export const generatedModules = new Map<string, Loose>()
for (const file of ours.files) {
  generatedModules.set(file, (await import(`../../proto/gen/${file.replace(/\.proto$/, '.js')}`)) as Loose)
}

/** Our generated code for a message. */
export function codecOf(facts: MessageFacts): Codec {
  const codec = generatedModules.get(facts.file)?.[facts.name.replaceAll('.', '_')]
  if (!codec) throw new Error(`proto/gen has no code for ${facts.fullName}`)
  return codec as Codec
}

function valueToOurs(field: FieldFacts, value: unknown): unknown {
  return field.type === 'TYPE_MESSAGE' ? toOurs(messageFacts(field.typeName), value as Fields) : value
}

/** The fields as a message of our generated types. */
function toOurs(facts: MessageFacts, fields: Fields): object {
  const message = codecOf(facts).fromPartial({}) as Loose
  for (const field of facts.fields) {
    const value = fields[field.name]
    if (value === undefined) continue
    const map = field.map
    if (map) {
      message[field.property] = new Map(
        (value as [unknown, unknown][]).map(([key, item]) => [key, valueToOurs(map.value, item)]),
      )
    } else if (field.repeated) {
      message[field.property] = (value as unknown[]).map((item) => valueToOurs(field, item))
    } else if (field.oneof) {
      message[camelCase(field.oneof)] = { $case: field.property, [field.property]: valueToOurs(field, value) }
    } else message[field.property] = valueToOurs(field, value)
  }
  return message
}

function valueFromOurs(field: FieldFacts, value: unknown): unknown {
  return field.type === 'TYPE_MESSAGE' ? fromOurs(messageFacts(field.typeName), value as Loose) : value
}

/** What a message of our generated types holds, field by field. */
function fromOurs(facts: MessageFacts, message: Loose): Fields {
  const fields: Fields = {}
  for (const field of facts.fields) {
    const choice = field.oneof ? (message[camelCase(field.oneof)] as Loose | undefined) : undefined
    const value = field.oneof ? choice?.[field.property] : message[field.property]
    if (value === undefined) continue
    const map = field.map
    if (map)
      fields[field.name] = [...(value as Map<unknown, unknown>)].map(([k, v]) => [k, valueFromOurs(map.value, v)])
    else if (field.repeated) fields[field.name] = (value as unknown[]).map((item) => valueFromOurs(field, item))
    else fields[field.name] = valueFromOurs(field, value)
  }
  return fields
}

/** Encodes with proto/gen. */
export const encodeOurs = (facts: MessageFacts, fields: Fields) => codecOf(facts).encode(toOurs(facts, fields)).finish()

/** Decodes with proto/gen. */
export const decodeOurs = (facts: MessageFacts, bytes: Uint8Array) =>
  fromOurs(facts, codecOf(facts).decode(bytes) as Loose)
