/** The events and facts that charts and services exchange. Each carries the token of what it belongs to. */

/** How a chaincode process is started. */
export interface ProcessSpec {
  /** Program and arguments; no shell. */
  command: readonly [string, ...string[]]
  cwd: string
  /** The whole environment of the process. */
  env: Readonly<Record<string, string>>
  /** File that every output line is appended to. */
  logFile: string
}

/** What the process service tells the process chart. */
export type ProcessEvent =
  | { type: 'SPAWNED'; pid: number }
  /** The program could not be started: errno name and text. */
  | { type: 'SPAWN_FAILED'; errno: string; message: string }
  /**
   * The process itself ended; members of its group may still live. `lastWords`: its last stderr lines (of stdout, where
   * stderr stayed silent), oldest first. `output`: the last lines of both together, which a diagnosis reads.
   */
  | {
      type: 'EXITED'
      exitCode: number | null
      signal: string | null
      lastWords: readonly string[]
      output?: readonly string[]
    }
  /** No member of the process group is left. */
  | { type: 'GROUP_GONE' }

/** Signals that the process chart sends to the whole process group. */
export type GroupSignal = 'SIGTERM' | 'SIGKILL'
