import { failure } from '../errors.js'

const places = [
  /^META-INF\/statedb\/couchdb\/indexes\/.*\.json/,
  /^META-INF\/statedb\/couchdb\/collections\/[A-Za-z0-9_-]+\/indexes\/.*\.json/,
]

/**
 * Throws PACKAGE_INDEX_FILE unless the file `name` of META-INF is an index definition of CouchDB at its place: the only
 * thing that Fabric lets META-INF hold. The texts are Fabric's.
 */
export function checkIndexFile(name: string, content: Buffer): void {
  const detail = places.some((place) => place.test(name)) ? problemOfIndex(name, content) : problemOfPlace(name)
  if (detail) throw failure('PACKAGE_INDEX_FILE', { file: name, detail })
}

function problemOfPlace(name: string): string {
  const folder = name.slice(0, name.lastIndexOf('/') + 1)
  const parts = folder.split('/').filter(Boolean)
  if (!name.startsWith('META-INF/statedb'))
    return `metadata file path must begin with META-INF/statedb, found: ${folder}`
  if (parts.length < 4) return `metadata file path must include a database and index directory: ${folder}`
  if (parts[2] !== 'couchdb') return `database name [${parts[2]}] is not supported, valid options: [couchdb]`
  if (parts.length === 4 && parts[3] !== 'indexes')
    return `metadata file path does not have an indexes directory: ${folder}`
  if (parts.length !== 6)
    return `metadata file path for collections must include a collections and index directory: ${folder}`
  if (parts[3] !== 'collections' || parts[5] !== 'indexes')
    return `metadata file path for collections must have a collections and indexes directory: ${folder}`
  if (!/^[A-Za-z0-9_-]+/.test(parts[4]!)) return `collection name is not valid: ${parts[4]}`
  const file = name.slice(folder.length)
  return file.includes('.json')
    ? `metadata file path or name is not supported: ${folder}`
    : `artifact file name is not valid: ${file}`
}

function problemOfIndex(name: string, content: Buffer): string | undefined {
  let definition: unknown
  try {
    definition = JSON.parse(content.toString())
  } catch {
    definition = undefined
  }
  if (!isObject(definition)) return `Index metadata file [${name}] is not a valid JSON`
  const problem = problemOfDefinition(definition)
  return problem && `Index metadata file [${name}] is not a valid index definition: ${problem}`
}

function problemOfDefinition(definition: Record<string, unknown>): string | undefined {
  for (const [key, value] of Object.entries(definition)) {
    if (key === 'index') {
      const problem = isObject(value) ? problemOfFields(value) : 'Invalid entry, "index" must be a JSON'
      if (problem) return problem
    } else if (key === 'ddoc' || key === 'name') {
      if (typeof value !== 'string') return `Invalid entry, "${key}" must be a string`
    } else if (key === 'type') {
      if (value !== 'json') return 'Index type must be json'
    } else return `Invalid Entry.  Entry ${key}`
  }
  return 'index' in definition ? undefined : 'Index definition must include a "fields" definition'
}

function problemOfFields(index: Record<string, unknown>): string | undefined {
  for (const [key, value] of Object.entries(index)) {
    if (key === 'partial_filter_selector') continue
    if (key !== 'fields') return `Invalid Entry.  Entry ${key}`
    if (!Array.isArray(value)) return 'Expecting a JSON array of fields'
    for (const [, order] of (value as unknown[]).filter(isObject).flatMap((field) => Object.entries(field))) {
      if (typeof order !== 'string') return 'Invalid field definition, fields must be in the form "fieldname":"sort"'
      if (!['asc', 'desc'].includes(order.toLowerCase()))
        return `Sort must be either "asc" or "desc".  "${order}" was found.`
    }
  }
  return undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
