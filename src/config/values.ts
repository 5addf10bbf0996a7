import * as z from 'zod'

/** The kinds of values in a configuration. Each takes what YAML or an environment variable gives (text in both cases too). */

const nanosecondsPer: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 }

/** Nanoseconds of a Go duration (`300s`, `1m30s`, `-5s`; a bare number is nanoseconds, as in viper), or undefined. */
export function parseGoDuration(value: unknown): number | undefined {
  const text = String(value).trim()
  if (/^[+-]?\d+$/.test(text)) return Number(text)
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text)
  if (!match) return undefined
  let total = 0
  for (const [, amount, unit] of match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * nanosecondsPer[unit!]!
  }
  return match[1] === '-' ? -total : total
}

/** A duration as Go prints it: `1m30s`, `500ms`, `15ns`. */
export function formatGoDuration(nanoseconds: number): string {
  const sign = nanoseconds < 0 ? '-' : ''
  const size = Math.abs(nanoseconds)
  const plain = (value: number) => String(Number(value.toFixed(9)))
  if (size === 0) return '0s'
  if (size < 1e9) {
    const [unit, scale] = size < 1e3 ? ['ns', 1] : size < 1e6 ? ['µs', 1e3] : (['ms', 1e6] as const)
    return `${sign}${plain(size / scale)}${unit}`
  }
  const hours = Math.floor(size / 3.6e12)
  const minutes = Math.floor((size % 3.6e12) / 6e10)
  const seconds = `${plain((size % 6e10) / 1e9)}s`
  return `${sign}${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}`
}

/** Longest delay that Node's timers hold; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** Whole milliseconds of a Go duration; zero and more, less than a nanosecond count of Node's longest timer. */
export const duration = z.unknown().transform((value, context) => {
  const nanoseconds = typeof value === 'number' || typeof value === 'string' ? parseGoDuration(value) : undefined
  if (nanoseconds === undefined || nanoseconds < 0 || nanoseconds / 1e6 > longestTimerMs) {
    context.addIssue({ code: 'custom', message: 'no duration' })
    return z.NEVER
  }
  return Math.floor(nanoseconds / 1e6)
})

const truths = new Set(['1', 't', 'true'])
const falsehoods = new Set(['0', 'f', 'false'])

/** Go's booleans: `true`, `false`, `t`, `f`, 1 and 0, in any case. */
export const boolean = z.unknown().transform((value, context) => {
  const text = String(value).trim().toLowerCase()
  if (truths.has(text)) return true
  if (falsehoods.has(text)) return false
  context.addIssue({ code: 'custom', message: 'no boolean' })
  return z.NEVER
})

/** A whole number within bounds, also as text. */
export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value),
    z.number().int().min(minimum).max(maximum),
  )

/** One of some words. */
export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) => z.enum(words)

/** Text; numbers are taken as they are written. */
export const text = z.preprocess((value) => (typeof value === 'number' ? String(value) : value), z.string())

/** Text that is not empty. */
export const word = text.pipe(z.string().trim().min(1))

/** Splits `host:port`, with IPv6 in brackets, as Go does; throws an Error with the reason. */
export function splitHostPort(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(address)
  if (!match) {
    const tooMany = !address.startsWith('[') && address.split(':').length > 2
    throw new Error(`address ${address}: ${tooMany ? 'too many colons' : 'missing port'} in address`)
  }
  const port = Number(match[3])
  if (port > 65535) throw new Error(`address ${address}: invalid port`)
  return { host: match[1] ?? match[2]!, port }
}

/** Joins host and port, with brackets around IPv6. */
export const joinHostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** `host:port`; `:port` alone means every interface, as in Go. */
export const hostPort = text.transform((value, context) => {
  try {
    const { host, port } = splitHostPort(value.trim())
    return joinHostPort(host === '' ? '0.0.0.0' : host, port)
  } catch {
    context.addIssue({ code: 'custom', message: 'no host:port' })
    return z.NEVER
  }
})

const levels: Record<string, string> = {
  payload: 'payload',
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  critical: 'error',
  dpanic: 'dpanic',
  panic: 'panic',
  fatal: 'fatal',
}

/** A log level of Fabric, normalised as 3.x passes it to chaincodes. */
export const chaincodeLogLevel = text.transform((value, context) => {
  // Fabric knows a level in lower case and in capitals, not in between.
  const level = value === value.toLowerCase() || value === value.toUpperCase() ? levels[value.toLowerCase()] : undefined
  if (level !== undefined) return level
  context.addIssue({ code: 'custom', message: 'no log level' })
  return z.NEVER
})
