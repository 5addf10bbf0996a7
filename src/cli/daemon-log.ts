import { createLogger, type Logger } from '../log.js'
import type { CliIo } from './io.js'

const levelNames: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** The daemon's log on stderr: JSON lines, or text for people. */
export function daemonLog(io: CliIo, level: string, format: 'text' | 'json'): Logger {
  const write = (line: string) => void io.stderr.write(format === 'json' ? line : `${logText(line)}\n`)
  return createLogger({ level, destination: { write } })
}

/** A JSON line of the log as text: time, level, message, and the rest as `key=value`. */
export function logText(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const facts = Object.entries({ ...rest, ...(err ? { error: (err as { message?: unknown }).message } : {}) })
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  return [
    clock,
    (levelNames[Number(level)] ?? String(level)).padEnd(5),
    ...(msg === undefined ? [] : [String(msg)]),
    ...facts.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ].join(' ')
}
