import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the .proto files. */
export const protoDir = fileURLToPath(new URL('../../proto', import.meta.url))

/** What a .proto file says about a field. */
export interface FieldFacts {
  name: string
  number: number
  /** As descriptors name it, `TYPE_STRING` and so on. */
  type: string
  /** Full name of the message or enum that the field holds. */
  typeName?: string
  repeated: boolean
  /** Key and value of a map. */
  map?: { key: FieldFacts; value: FieldFacts }
  /** Name of the oneof that the field belongs to. */
  oneof?: string
  /** Name of the field in generated TypeScript. */
  property: string
}

/** What a .proto file says about a message; `name` is its name within the package, `Outer.Inner` when nested. */
export interface MessageFacts {
  fullName: string
  packageName: string
  name: string
  file: string
  fields: FieldFacts[]
}

/** What a .proto file says about an enum. */
export interface EnumFacts {
  fullName: string
  packageName: string
  name: string
  file: string
  numbers: Record<string, number>
}

/** What a .proto file says about a service. */
export interface ServiceFacts {
  fullName: string
  packageName: string
  name: string
  file: string
  methods: {
    name: string
    requestType: string
    responseType: string
    requestStream: boolean
    responseStream: boolean
  }[]
}

interface FieldJson {
  name: string
  number: number
  label: string
  type: string
  typeName?: string
  oneofIndex?: number
  jsonName: string
}

interface EnumJson {
  name: string
  value: { name: string; number: number }[]
}

interface MessageJson {
  name: string
  field?: FieldJson[]
  nestedType?: MessageJson[]
  enumType?: EnumJson[]
  oneofDecl?: { name: string }[]
  options?: { mapEntry?: boolean }
}

interface FileJson {
  name: string
  package: string
  messageType?: MessageJson[]
  enumType?: EnumJson[]
  service?: {
    name: string
    method: {
      name: string
      inputType: string
      outputType: string
      clientStreaming?: boolean
      serverStreaming?: boolean
    }[]
  }[]
}

const messages: MessageFacts[] = []
const enums: EnumFacts[] = []
const services: ServiceFacts[] = []

/** Name of a oneof in generated TypeScript. */
export const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

function fieldFacts(field: FieldJson, owner: MessageJson, ownerFullName: string): FieldFacts {
  const facts: FieldFacts = {
    name: field.name,
    number: field.number,
    type: field.type,
    repeated: field.label === 'LABEL_REPEATED',
    property: field.jsonName,
  }
  if (field.typeName !== undefined) facts.typeName = field.typeName.slice(1)
  if (field.oneofIndex !== undefined) facts.oneof = owner.oneofDecl?.[field.oneofIndex]?.name ?? ''
  const entry = owner.nestedType?.find((nested) => `${ownerFullName}.${nested.name}` === facts.typeName)
  const [key, value] = entry?.field ?? []
  if (entry?.options?.mapEntry && key && value) {
    facts.map = { key: fieldFacts(key, entry, ''), value: fieldFacts(value, entry, '') }
  }
  return facts
}

function addEnum(file: FileJson, name: string, json: EnumJson) {
  const numbers = Object.fromEntries(json.value.map((value) => [value.name, value.number]))
  enums.push({ fullName: `${file.package}.${name}`, packageName: file.package, name, file: file.name, numbers })
}

function addMessage(file: FileJson, name: string, json: MessageJson) {
  if (json.options?.mapEntry) return
  const fullName = `${file.package}.${name}`
  const fields = (json.field ?? []).map((field) => fieldFacts(field, json, fullName))
  messages.push({ fullName, packageName: file.package, name, file: file.name, fields })
  for (const nested of json.nestedType ?? []) addMessage(file, `${name}.${nested.name}`, nested)
  for (const nested of json.enumType ?? []) addEnum(file, `${name}.${nested.name}`, nested)
}

const buf = join(dirname(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json')), 'bin', 'buf')
const run = spawnSync(
  process.execPath,
  [buf, 'build', protoDir, '--as-file-descriptor-set', '--exclude-source-info', '-o', '-#format=json'],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
)
if (run.status !== 0) throw new Error(`buf build failed: ${run.stderr}`)
const files: string[] = []
for (const file of (JSON.parse(run.stdout) as { file: FileJson[] }).file) {
  files.push(file.name)
  for (const json of file.messageType ?? []) addMessage(file, json.name, json)
  for (const json of file.enumType ?? []) addEnum(file, json.name, json)
  for (const json of file.service ?? []) {
    services.push({
      fullName: `${file.package}.${json.name}`,
      packageName: file.package,
      name: json.name,
      file: file.name,
      methods: json.method.map((method) => ({
        name: method.name,
        requestType: method.inputType.slice(1),
        responseType: method.outputType.slice(1),
        requestStream: method.clientStreaming ?? false,
        responseStream: method.serverStreaming ?? false,
      })),
    })
  }
}

/** Everything that the .proto files of this repository define, as buf reads them. */
export const ours = { files, messages, enums, services }

/** The facts of one of our messages; throws when there is none of that name. */
export function messageFacts(fullName: string | undefined): MessageFacts {
  const facts = messages.find((message) => message.fullName === fullName)
  if (!facts) throw new Error(`no message ${fullName} in proto/`)
  return facts
}

/** The numbers of one of our enums; throws when there is none of that name. */
export function enumNumbers(fullName: string | undefined): number[] {
  const facts = enums.find((candidate) => candidate.fullName === fullName)
  if (!facts) throw new Error(`no enum ${fullName} in proto/`)
  return Object.values(facts.numbers)
}
