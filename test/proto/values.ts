import fc from 'fast-check'
import { enumNumbers, messageFacts, type FieldFacts, type MessageFacts } from './descriptors.js'

/**
 * What a message holds, by field name, in a form that belongs to neither library: bytes as Buffer, 64-bit integers as
 * bigint, enums as numbers, maps as pairs. An unset message or oneof is left out; a scalar never is.
 */
export type Fields = Record<string, unknown>

const nestingLimit = 3
const fewBytes = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes))
const text = fc.string({ unit: 'binary', maxLength: 12 })
// google-protobuf keeps 64-bit integers as Number; messages.test.ts takes the rest of their range through its reader.
const safe = BigInt(Number.MAX_SAFE_INTEGER)

function single(field: FieldFacts, depth: number): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'TYPE_STRING':
      return text
    case 'TYPE_BYTES':
      return fewBytes
    case 'TYPE_BOOL':
      return fc.boolean()
    case 'TYPE_INT32':
      return fc.integer()
    case 'TYPE_UINT32':
      return fc.integer({ min: 0, max: 0xffffffff })
    case 'TYPE_INT64':
      return fc.bigInt({ min: -safe, max: safe })
    case 'TYPE_UINT64':
      return fc.bigInt({ min: 0n, max: safe })
    case 'TYPE_ENUM':
      return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...enumNumbers(field.typeName)) }, fc.integer())
    case 'TYPE_MESSAGE':
      return fieldsOf(messageFacts(field.typeName), depth - 1)
    default:
      throw new Error(`no values are made for ${field.type} of ${field.name}`)
  }
}

function mapOf(key: FieldFacts, value: FieldFacts, depth: number): fc.Arbitrary<unknown> {
  // google-protobuf keeps maps in plain objects and loses this key; messages.test.ts has it for our side.
  const keys = single(key, depth).filter((candidate) => candidate !== '__proto__')
  return fc
    .uniqueArray(fc.tuple(keys, single(value, depth)), { selector: ([item]) => String(item), maxLength: 3 })
    .map((pairs) => pairs.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))
}

function valueOf(field: FieldFacts, depth: number): fc.Arbitrary<unknown> {
  if (field.map) {
    return field.map.value.type === 'TYPE_MESSAGE' && depth === 0
      ? fc.constant([])
      : mapOf(field.map.key, field.map.value, depth)
  }
  const tooDeep = field.type === 'TYPE_MESSAGE' && depth === 0
  if (field.repeated) return tooDeep ? fc.constant([]) : fc.array(single(field, depth), { maxLength: 3 })
  if (tooDeep) return fc.constant(undefined)
  return field.type === 'TYPE_MESSAGE' ? fc.option(single(field, depth), { nil: undefined }) : single(field, depth)
}

const known = new Map<string, fc.Arbitrary<Fields>>()

/** Values for a message, nested messages and all. */
export function fieldsOf(facts: MessageFacts, depth = nestingLimit): fc.Arbitrary<Fields> {
  const id = `${facts.fullName} ${depth}`
  const made = known.get(id)
  if (made) return made
  const parts: fc.Arbitrary<Fields>[] = []
  const choices = new Map<string, fc.Arbitrary<Fields>[]>()
  for (const field of facts.fields) {
    const part = valueOf(field, depth).map((value): Fields => (value === undefined ? {} : { [field.name]: value }))
    if (field.oneof) choices.set(field.oneof, [...(choices.get(field.oneof) ?? [fc.constant({})]), part])
    else parts.push(part)
  }
  for (const choice of choices.values()) parts.push(fc.oneof(...choice))
  const all = fc.tuple(...parts).map((some): Fields => Object.assign({}, ...some) as Fields)
  known.set(id, all)
  return all
}

/** A value that differs from the field's default, and is the same at every call. */
export function sample(field: FieldFacts, depth = nestingLimit): unknown {
  if (field.map) return [[sample(field.map.key, depth), sample(field.map.value, depth)]]
  const one =
    field.type === 'TYPE_MESSAGE' ? sampleOf(messageFacts(field.typeName), depth - 1) : scalarSamples[field.type]
  return field.repeated ? [one] : one
}

const scalarSamples: Record<string, unknown> = {
  TYPE_STRING: 'text',
  TYPE_BYTES: Buffer.from([0xff, 0x00]),
  TYPE_BOOL: true,
  TYPE_INT32: -7,
  TYPE_UINT32: 0xfffffff0,
  TYPE_INT64: -8n,
  TYPE_UINT64: 9_000_000_000n,
  TYPE_ENUM: 77,
}

/** The scalar types that our messages use. */
export const scalarTypes = Object.keys(scalarSamples)

/** A message with every field set to its sample, and the first member of every oneof. */
export function sampleOf(facts: MessageFacts, depth = nestingLimit): Fields {
  const fields: Fields = {}
  const chosen = new Set<string>()
  for (const field of facts.fields) {
    if (field.oneof !== undefined && chosen.has(field.oneof)) continue
    const tooDeep = depth === 0 && (field.map?.value ?? field).type === 'TYPE_MESSAGE'
    if (field.oneof !== undefined) chosen.add(field.oneof)
    if (!tooDeep) fields[field.name] = sample(field, depth)
    else if (field.repeated) fields[field.name] = []
  }
  return fields
}
