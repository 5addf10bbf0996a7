import { spawn, type ChildProcess } from 'node:child_process'
import type { GroupSignal, ProcessEvent, ProcessSpec } from '../machines/events.js'
import { captureOutput, type Capture, type CaptureOptions } from './capture-output.js'
import { explainSpawnFailure } from './explain-spawn-failure.js'
import { ownProcessGroup, type ProcessGroup } from './own-process-group.js'

/** Longest time between the end of a process and the EXITED event, ms: a grandchild may hold the pipes open. */
const LAST_WORDS_WAIT_MS = 50
/** Time that what is in the pipes has to be read when the group is gone, ms: a process that left the group may hold them. */
const PIPES_WAIT_MS = 1000

/** A process that was started, or could not be. */
export interface RunningProcess {
  /** Signals the whole process group, also after the leader's end; does nothing when there is none. Never throws. */
  signal(signal: GroupSignal): void
  /** The last lines that the group wrote, oldest first, with the terminal's control codes. */
  recentLines(): string[]
  /** Resolves when the group is gone, its output is read and the log file is closed. Never rejects. */
  readonly closed: Promise<void>
}

/**
 * Starts a program as the leader of a process group of its own, with no stdin and no shell, and reports its life:
 * SPAWN_FAILED alone, or SPAWNED, then EXITED, then GROUP_GONE; never before this function has returned.
 */
export function runProcess(
  spec: ProcessSpec,
  notify: (event: ProcessEvent) => void,
  options: CaptureOptions = {},
): RunningProcess {
  let child: ChildProcess | undefined
  let spawnError: unknown
  try {
    const [program, ...args] = spec.command
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    child = spawn(program, args, { cwd: spec.cwd, env: spec.env, detached: true, stdio })
  } catch (error) {
    // Node throws the rarer errors and reports the others by an event; the caller sees no difference.
    spawnError = error
  }

  if (child?.pid === undefined) {
    const closed = new Promise<void>((resolve) => {
      const fail = (error: unknown) => {
        notify({ type: 'SPAWN_FAILED', ...explainSpawnFailure(error as NodeJS.ErrnoException, spec) })
        resolve()
      }
      if (child) child.once('error', fail)
      else setImmediate(fail, spawnError)
    })
    return { signal: () => {}, recentLines: () => [], closed }
  }

  const group = ownProcessGroup(child.pid)
  const output = captureOutput({ stdout: child.stdout!, stderr: child.stderr! }, spec.logFile, options)
  const closed = reportLife(child, group, output, notify)
  return { signal: (signal) => group.signal(signal), recentLines: () => output.recentLines(), closed }
}

/** Reports the life of a child that runs; resolves when all of it is over. */
async function reportLife(
  child: ChildProcess,
  group: ProcessGroup,
  output: Capture,
  notify: (event: ProcessEvent) => void,
): Promise<void> {
  child.once('spawn', () => notify({ type: 'SPAWNED', pid: child.pid! }))
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('exit', (...exit) => {
      group.leaderEnded()
      resolve(exit)
    })
  })

  // What the process wrote before its end is at most what the pipes hold, so a slow log need not delay its last words.
  output.hurry(true)
  await within(LAST_WORDS_WAIT_MS, output.ended)
  output.hurry(false)
  notify({ type: 'EXITED', exitCode, signal, ...output.lastWords() })

  await group.gone()
  notify({ type: 'GROUP_GONE' })
  await within(PIPES_WAIT_MS, output.ended)
  await output.close()
}

/** Resolves with `done`, or after `ms` without it; on a busy machine not before what is there by then has been read. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  // A late timer runs before the pipes are looked at, an immediate after it.
  const timeout = new Promise((resolve) => (timer = setTimeout(() => setImmediate(resolve), ms)))
  await Promise.race([done, timeout])
  clearTimeout(timer)
}
