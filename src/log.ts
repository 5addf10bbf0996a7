import pino from 'pino'

/** What the program logs with: pino's levels, `child` for a named part. */
export type Logger = pino.Logger

/** A logger that writes one JSON line per record to `destination` (default: stderr). */
export function createLogger(options: { level?: string; destination?: pino.DestinationStream } = {}): Logger {
  return pino(
    { level: options.level ?? 'info', base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  )
}

/** A logger that writes nothing. */
export const silentLogger = (): Logger => pino({ level: 'silent' })
