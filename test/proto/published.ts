import { messageFacts, type FieldFacts, type MessageFacts } from './descriptors.js'
import { requireOwnCopy, requireTheirs } from './own-copy.js'
import { sample, type Fields } from './values.js'

const fabric = requireOwnCopy('@hyperledger/fabric-protos') as Record<string, Loose>

/** google-protobuf, whose reader and writer fabric-protos is built on. */
export const jspb = requireTheirs('google-protobuf') as {
  BinaryReader: new (bytes: Uint8Array) => {
    nextField(): boolean
    getFieldNumber(): number
    readUint64String(): string
  }
  BinaryWriter: {
    new (): { writeUint64String(field: number, value: string): void; getResultBuffer(): Uint8Array }
    prototype: Record<string, unknown>
  }
}

type Loose = Record<string, unknown>
type Accessor = (...values: unknown[]) => unknown
type TheirMessage = Record<string, Accessor> & { serializeBinary(): Uint8Array }

/** A message class of fabric-protos. */
export interface TheirClass {
  new (): TheirMessage
  deserializeBinary(bytes: Uint8Array): TheirMessage
  serializeBinaryToWriter(message: TheirMessage, writer: object): void
}

const exportsByPackage: Record<string, unknown[]> = {
  protos: [fabric.peer],
  // Fabric keeps principals in the package common but in a file of the folder msp.
  common: [fabric.common, fabric.msp],
  msp: [fabric.msp],
  gateway: [fabric.gateway],
  orderer: [fabric.orderer],
  rwset: [fabric.ledger?.rwset],
  kvrwset: [(fabric.ledger?.rwset as Loose | undefined)?.kvrwset],
  queryresult: [fabric.ledger?.queryresult],
  'google.rpc': [fabric.google?.rpc],
  'google.protobuf': ['any', 'timestamp'].map((name) =>
    requireOwnCopy(`google-protobuf/google/protobuf/${name}_pb.js`),
  ),
}

/** What fabric-protos exports under a name of ours (message, enum or service definition), or undefined. */
export function published(facts: { packageName: string; name: string }, suffix = ''): unknown {
  const path = `${facts.name}${suffix}`.split('.')
  for (const root of exportsByPackage[facts.packageName] ?? []) {
    const found = path.reduce<unknown>((at, part) => (at as Loose | undefined)?.[part], root)
    if (found !== undefined) return found
  }
  return undefined
}

/** The class of fabric-protos for a message of ours; throws when Fabric does not publish it. */
export function theirClass(facts: MessageFacts): TheirClass {
  const found = published(facts)
  if (typeof found !== 'function') throw new Error(`fabric-protos has no message ${facts.fullName}`)
  return found as TheirClass
}

/** How google-protobuf names the accessors of a field, without get and set. */
export function accessorName(field: FieldFacts): string {
  const words = field.name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
  // Every message of google-protobuf has a getExtension of its own.
  const reserved = field.name === 'extension' ? '$' : ''
  return words.join('') + reserved + (field.map ? 'Map' : field.repeated ? 'List' : '')
}

/** The getter that gives bytes; only fields of bytes have one. */
const bytesGetter = (field: FieldFacts) => `get${accessorName(field).replace('$', '')}_asU8`

function call(message: TheirMessage, accessor: string, ...values: unknown[]): unknown {
  const method = message[accessor]
  if (!method) throw new Error(`fabric-protos has no ${accessor}`)
  return method.apply(message, values)
}

function valueToTheirs(field: FieldFacts, value: unknown): unknown {
  if (field.type === 'TYPE_MESSAGE') return toTheirs(messageFacts(field.typeName), value as Fields)
  if (typeof value === 'bigint') return Number(value)
  return Buffer.isBuffer(value) ? new Uint8Array(value) : value
}

function toTheirs(facts: MessageFacts, fields: Fields): TheirMessage {
  const message = new (theirClass(facts))()
  for (const field of facts.fields) {
    const value = fields[field.name]
    if (value === undefined) continue
    const name = accessorName(field)
    if (field.map) {
      const map = call(message, `get${name}`) as Map<unknown, unknown>
      for (const [key, item] of value as [unknown, unknown][]) {
        map.set(valueToTheirs(field.map.key, key), valueToTheirs(field.map.value, item))
      }
    } else {
      const values = field.repeated
        ? (value as unknown[]).map((item) => valueToTheirs(field, item))
        : valueToTheirs(field, value)
      call(message, `set${name}`, values)
    }
  }
  return message
}

function valueFromTheirs(field: FieldFacts, value: unknown): unknown {
  if (field.type === 'TYPE_MESSAGE') return fromTheirs(messageFacts(field.typeName), value as TheirMessage)
  if (field.type === 'TYPE_INT64' || field.type === 'TYPE_UINT64') return BigInt(value as number)
  // Their map entries give '' for bytes that were not written, as empty ones may be.
  if (field.type === 'TYPE_BYTES') return Buffer.from(value as Uint8Array | '')
  return value
}

function fromTheirs(facts: MessageFacts, message: TheirMessage): Fields {
  const fields: Fields = {}
  for (const field of facts.fields) {
    const name = accessorName(field)
    if (!(`get${name}` in message)) continue
    const present =
      !field.repeated && (field.type === 'TYPE_MESSAGE' || field.oneof) ? call(message, `has${name}`) : true
    if (present !== true) continue
    const value = call(message, field.type === 'TYPE_BYTES' ? bytesGetter(field) : `get${name}`)
    const map = field.map
    if (map) {
      const pairs: [unknown, unknown][] = []
      const entries = value as Map<unknown, unknown>
      entries.forEach((v, k) => pairs.push([valueFromTheirs(map.key, k), valueFromTheirs(map.value, v)]))
      fields[field.name] = pairs.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
    } else if (field.repeated) {
      fields[field.name] = (value as unknown[]).map((item) => valueFromTheirs(field, item))
    } else fields[field.name] = valueFromTheirs(field, value)
  }
  return fields
}

/** Encodes with fabric-protos. */
export const encodeTheirs = (facts: MessageFacts, fields: Fields) => toTheirs(facts, fields).serializeBinary()

/** Decodes with fabric-protos. */
export const decodeTheirs = (facts: MessageFacts, bytes: Uint8Array) =>
  fromTheirs(facts, theirClass(facts).deserializeBinary(bytes))

/** How google-protobuf writes a field: number, the writer's method, and for messages the one that writes their inside. */
interface Written {
  number: unknown
  methods: string[]
  inside: unknown
}

/** What the code of fabric-protos does with a writer when only this field is set; empty when it does not write it. */
function theirWriting(facts: MessageFacts, field: FieldFacts): Written[] {
  const found: Written[] = []
  const message = toTheirs({ ...facts, fields: [field] }, { [field.name]: sample(field) })
  // The library is minified and keeps short names of the same functions beside the public ones.
  const writers = Object.entries(jspb.BinaryWriter.prototype).filter(([name]) => name.startsWith('write'))
  const nameOf = (method: unknown) => writers.find(([, candidate]) => candidate === method)?.[0] ?? 'unknown'
  if (field.map) {
    const serializeBinary = (number: unknown, _writer: unknown, key: unknown, value: unknown, inside: unknown) =>
      found.push({ number, methods: [nameOf(key), nameOf(value)], inside })
    message[`get${accessorName(field)}`] = () => ({ getLength: () => 1, serializeBinary })
  }
  const record = (method: string) => (number: unknown, _value: unknown, inside: unknown) =>
    found.push({ number, methods: [method], inside })
  theirClass(facts).serializeBinaryToWriter(message, new Proxy({}, { get: (_, method) => record(String(method)) }))
  return found
}

/** What `theirWriting` gives for a field that is as our facts say. */
function expectedWriting(field: FieldFacts): Written {
  const method = ({ type }: FieldFacts) => type.charAt(5) + type.slice(6).toLowerCase()
  const { map } = field
  const methods = map
    ? [`write${method(map.key)}`, `write${method(map.value)}`]
    : [`write${field.repeated ? 'Repeated' : ''}${method(field)}`]
  const holder = map?.value ?? field
  const inside =
    holder.type === 'TYPE_MESSAGE' ? theirClass(messageFacts(holder.typeName)).serializeBinaryToWriter : undefined
  return { number: field.number, methods, inside }
}

/**
 * What our facts of a message say otherwise than fabric-protos does: fields missing on either side, other numbers, other
 * types. Theirs are read off the calls that their code makes to a writer. Empty when all agree.
 */
export function differences(facts: MessageFacts): string[] {
  const found: string[] = []
  const getters = Object.getOwnPropertyNames(theirClass(facts).prototype).filter((name) => /^get\w+\$?$/.test(name))
  // getTypeName is a convenience of Any; the others are further forms of a field, or tell which of a oneof is set.
  const helpers = getters.filter((name) => /(_asB64|_asU8|Case)$/.test(name) || name === 'getTypeName')
  const accessors = new Set(getters.filter((name) => !helpers.includes(name)).map((name) => name.slice(3)))
  for (const field of facts.fields) {
    if (!accessors.delete(accessorName(field))) {
      found.push(`${facts.fullName}.${field.name}: fabric-protos has no such field`)
      continue
    }
    const expected = expectedWriting(field)
    const say = (one: Written | undefined) => (one ? `${one.number} ${one.methods.join(' ')}` : 'nothing')
    let theirs: string
    let inside: unknown
    try {
      const [written] = theirWriting(facts, field)
      theirs = say(written)
      inside = written?.inside
    } catch (error) {
      // Their setters refuse some values of a wrong type.
      theirs = String(error)
    }
    if (theirs !== say(expected) || inside !== expected.inside) {
      found.push(`${facts.fullName}.${field.name}: ours is ${say(expected)}, theirs ${theirs}`)
    }
  }
  for (const name of accessors) found.push(`${facts.fullName}: fabric-protos also has ${name}`)
  return found
}
