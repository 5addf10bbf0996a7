import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseGoDuration, splitHostPort } from './config/values.js'
import { type ChaincodedError, failure, messageOf } from './errors.js'

/** Where a chaincode runs as a service, and how it is dialled: connection.json, read and checked. */
export interface ConnectionInfo {
  /** `host:port`, as it was given. */
  address: string
  host: string
  port: number
  /** The `:authority` of calls: `domain`, else the address. */
  authority: string
  /** Longest time of one dial, ms. */
  dialTimeoutMs: number
  /** Absent for plain text. The client's key and certificate come together. */
  tls?: { rootCert: string; clientCert?: string; clientKey?: string; serverName: string }
}

const DEFAULT_DIAL_TIMEOUT_MS = 3000
const LONGEST_TIMER_MS = 2 ** 31 - 1

type Fields = Record<string, unknown>

/** The connection.json of a chaincode folder, or of what an external builder has released; undefined where there is none. */
export const findConnectionInfo = (folder: string): string | undefined =>
  [join(folder, 'connection.json'), join(folder, 'chaincode', 'server', 'connection.json')].find((file) =>
    existsSync(file),
  )

/**
 * Reads and checks a connection.json by Fabric's rules. Throws CONNECTION_INFO_UNREADABLE, CONNECTION_INFO_MALFORMED for
 * what is no JSON or of a wrong type, and CONNECTION_INFO_INVALID for a value that cannot be dialled with.
 */
export function readConnectionInfo(file: string): ConnectionInfo {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw failure('CONNECTION_INFO_UNREADABLE', { file, detail: messageOf(error) }, error)
  }
  return checkConnectionInfo(parse(text, file), file)
}

/** What `--address` stands for: a service in plain text. Throws CONNECTION_INFO_INVALID. */
export const plainConnection = (address: string): ConnectionInfo => checkConnectionInfo({ address }, '--address')

function parse(text: string, file: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw failure('CONNECTION_INFO_MALFORMED', { file, detail: messageOf(error) }, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw failure('CONNECTION_INFO_MALFORMED', { file, detail: 'it has to be one JSON object' })
  // Go matches keys in any case, and takes null as if the key were not there.
  const present = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(present.map(([key, field]) => [key.toLowerCase(), field]))
}

function checkConnectionInfo(fields: Fields, file: string): ConnectionInfo {
  const invalid = (detail: string, hint?: string) => failure('CONNECTION_INFO_INVALID', { file, detail, hint })
  const isTls = booleanOf(fields, 'tls_required', file)
  const isMutual = booleanOf(fields, 'client_auth_required', file)
  const address = textOf(fields, 'address', file).trim()
  const domain = textOf(fields, 'domain', file).trim()
  const dialTimeoutMs = dialTimeoutOf(fields['dial_timeout'], file)
  if (address === '') throw invalid('chaincode address not provided', 'give "address": "host:port"')
  const { host, port } = endpointOf(address, invalid)
  const plain = { address, host, port, authority: domain || address, dialTimeoutMs }
  if (!isTls) return plain

  const pem = (key: 'root_cert' | 'client_cert' | 'client_key', what: string) => {
    const text = textOf(fields, key, file)
    if (text.trim() === '') throw invalid(`chaincode tls ${what} not provided`, `give the PEM text as "${key}"`)
    if (!text.includes('-----BEGIN ')) throw invalid(`${key} is no PEM: it ${appearanceOf(text)}`, pemHint)
    return text
  }
  const serverName = domain || host
  const clientKey = isMutual ? pem('client_key', 'key') : ''
  const clientCert = isMutual ? pem('client_cert', 'cert') : ''
  const rootCert = pem('root_cert', 'root cert')
  certificatesOf(rootCert, 'root_cert', invalid)
  if (!isMutual) return { ...plain, tls: { rootCert, serverName } }

  const key = privateKeyOf(clientKey, invalid)
  const [certificate] = certificatesOf(clientCert, 'client_cert', invalid)
  if (!certificate?.checkPrivateKey(key))
    throw invalid('client_key does not belong to client_cert', 'give the key that the certificate was issued for')
  return { ...plain, tls: { rootCert, clientCert, clientKey, serverName } }
}

type Invalid = (detail: string, hint?: string) => ChaincodedError

const pemHint = 'connection.json holds the PEM texts themselves, with \\n for the ends of lines'

/** What a text looks like that should be PEM. */
function appearanceOf(text: string): string {
  if (/^[\w./\\~:-]+$/.test(text) && /[/\\.]/.test(text)) return `looks like the path of a file, "${text}"`
  if (/^[A-Za-z0-9+/=\s]+$/.test(text)) return 'looks like base64 without the BEGIN and END lines'
  return 'has no BEGIN line'
}

function booleanOf(fields: Fields, key: string, file: string): boolean {
  const value = fields[key] ?? false
  if (typeof value === 'boolean') return value
  const quoted = typeof value === 'string' ? ' in quotes' : ''
  const detail = `${key} is ${JSON.stringify(value)}${quoted}, but it has to be true or false, without quotes`
  throw failure('CONNECTION_INFO_MALFORMED', { file, detail })
}

function textOf(fields: Fields, key: string, file: string): string {
  const value = fields[key] ?? ''
  if (typeof value === 'string') return value
  const detail = `${key} is ${JSON.stringify(value)}, but it has to be text in quotes`
  throw failure('CONNECTION_INFO_MALFORMED', { file, detail })
}

/** Go's rules: text is a duration with units, a number counts nanoseconds, 0 and nothing are the default. */
function dialTimeoutOf(value: unknown, file: string): number {
  const malformed = (detail: string) =>
    failure('CONNECTION_INFO_MALFORMED', { file, detail: `dial_timeout: ${detail}` })
  if (value === undefined) return DEFAULT_DIAL_TIMEOUT_MS
  if (typeof value !== 'number' && typeof value !== 'string') throw malformed('invalid duration')
  if (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) && Number(value) !== 0)
    throw malformed(`time: missing unit in duration "${value}", for example "10s"`)
  const nanoseconds = typeof value === 'number' ? value : parseGoDuration(value)
  if (nanoseconds === undefined) throw malformed(`time: invalid duration "${value}", for example "10s"`)
  if (nanoseconds < 0) throw malformed(`${value} is less than nothing`)
  if (nanoseconds === 0) return DEFAULT_DIAL_TIMEOUT_MS
  return Math.min(Math.max(1, Math.floor(nanoseconds / 1e6)), LONGEST_TIMER_MS)
}

function endpointOf(address: string, invalid: Invalid): { host: string; port: number } {
  const hint = 'give host:port, for example 127.0.0.1:9999; an IPv6 address stands in brackets'
  try {
    // gRPC's names of resolvers that leave the address as it is.
    const { host, port } = splitHostPort(address.replace(/^(?:dns|passthrough):\/\/\//, ''))
    if (port === 0) throw new Error(`address ${address}: port 0 cannot be dialled`)
    // In Go, no host is the local one.
    return { host: host || 'localhost', port }
  } catch (error) {
    throw invalid(`the address cannot be dialled: ${messageOf(error)}`, hint)
  }
}

/** The certificates of a PEM text, the first one first. */
function certificatesOf(pem: string, key: string, invalid: Invalid): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  if (!blocks) throw invalid(`${key} holds no certificate: it begins with ${/-----BEGIN [^-]*-----/.exec(pem)?.[0]}`)
  try {
    const certificates = blocks.map((block) => new X509Certificate(block))
    const last = certificates.reduce((latest, { validTo }) => Math.max(latest, Date.parse(validTo)), 0)
    if (last >= Date.now()) return certificates
    throw new Error(`it has expired: valid until ${new Date(last).toISOString()}`)
  } catch (error) {
    throw invalid(`${key} cannot be used: ${messageOf(error)}`, 'give a valid certificate as PEM text')
  }
}

function privateKeyOf(pem: string, invalid: Invalid): KeyObject {
  if (/-----BEGIN CERTIFICATE-----/.test(pem)) throw invalid('client_key holds a certificate, not a private key')
  if (/ENCRYPTED/.test(pem))
    throw invalid('client_key is encrypted with a passphrase', 'decrypt it, for example with: openssl pkey -in FILE')
  try {
    return createPrivateKey(pem)
  } catch (error) {
    // The text of the key stays out of it.
    throw invalid(`client_key is no private key: ${(error as NodeJS.ErrnoException).code ?? 'not readable'}`, pemHint)
  }
}
