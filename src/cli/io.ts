import type { CreateDaemon } from '../control/types.js'

/** Where output goes. */
export interface Output {
  write(chunk: string | Uint8Array): unknown
  readonly isTTY?: boolean
  /** Width of the terminal in characters. */
  readonly columns?: number
}

/** The world around a command: what it writes to, what it reads from, and how it is interrupted. */
export interface CliIo {
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute path that relative paths start from. */
  readonly cwd: string
  /** Calls `listener` on every SIGINT, SIGTERM and SIGHUP until the returned function is called; two at once are one. */
  onInterrupt(listener: () => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
  readonly createDaemon: CreateDaemon
}

/** What every command gets. */
export interface Context {
  readonly io: CliIo
  /** Absolute path of the data folder. */
  readonly dataDir: string
  /** ` --data DIR` where a command that is shown has to repeat it, else empty. */
  readonly dataFlag: string
  readonly verbose: boolean
  readonly json: boolean
}

/** Writes a line of a result. */
export const print = (io: CliIo, line: string): void => void io.stdout.write(`${line}\n`)

/** Writes a line for people. */
export const tell = (io: CliIo, line: string): void => void io.stderr.write(`${line}\n`)

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Signals within this time count as one: npm sends on the Ctrl-C that the terminal sends to its child as well. */
const sameInterruptMs = 300

/** The world of a real process. */
export function processIo(): CliIo {
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onInterrupt(listener) {
      let lastMs = -Infinity
      const onSignal = () => {
        const nowMs = performance.now()
        if (nowMs - lastMs >= sameInterruptMs) listener()
        lastMs = nowMs
      }
      for (const signal of signals) process.on(signal, onSignal)
      return () => {
        for (const signal of signals) process.off(signal, onSignal)
      }
    },
    exit: (code) => process.exit(code),
    // Loaded here, so that commands that need no daemon start fast.
    createDaemon: async (options) => {
      const { createDaemon } = await import('../daemon.js')
      const daemon = await createDaemon(options)
      // Also where an exception nobody expected ends this process, no chaincode outlives it.
      process.on('exit', () => daemon.kill())
      return daemon
    },
  }
}
