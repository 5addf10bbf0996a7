import { accessSync, constants, openSync, readSync, closeSync, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import type { ProcessSpec } from '../machines/events.js'

/** Why a program could not be started: the errno name, and one sentence that names the path which is at fault. */
export interface SpawnFailure {
  errno: string
  message: string
}

/**
 * Finds out what the system's error is about. The system names the program in each case: also when the folder, the
 * interpreter of a script or the dynamic loader of a binary is what does not exist.
 */
export function explainSpawnFailure(error: NodeJS.ErrnoException, spec: ProcessSpec): SpawnFailure {
  const errno = error.code ?? 'UNKNOWN'
  const say = (message: string): SpawnFailure => ({ errno, message: `${message} (${errno})` })
  try {
    return investigate(error, spec, say)
  } catch (obstacle) {
    // What may not even be looked at is at fault, or has just gone.
    return say(`${spec.command[0]} could not be started in ${spec.cwd}: ${(obstacle as Error).message}`)
  }
}

function investigate(
  error: NodeJS.ErrnoException,
  spec: ProcessSpec,
  say: (message: string) => SpawnFailure,
): SpawnFailure {
  const [program] = spec.command
  const folder = statSync(spec.cwd, { throwIfNoEntry: false })
  if (!folder) return say(`the folder ${spec.cwd} does not exist`)
  if (!folder.isDirectory()) return say(`${spec.cwd} is not a folder`)
  if (!isAllowed(spec.cwd, constants.X_OK)) return say(`the folder ${spec.cwd} may not be entered`)

  const path = findProgram(program, spec)
  if (path === undefined)
    return say(program.includes('/') ? `${resolve(spec.cwd, program)} does not exist` : `no program ${program} in PATH`)
  if (statSync(path).isDirectory()) return say(`${path} is a folder, not a program`)
  if (!isAllowed(path, constants.X_OK)) return say(`${path} is not executable`)
  if (error.code !== 'ENOENT') return say(`${path} could not be started: ${error.message}`)

  const interpreter = readInterpreter(path)
  if (interpreter === undefined) return say(`${path} needs a dynamic loader that this system does not have`)
  return interpreter.endsWith('\r')
    ? say(`the first line of ${path} ends in a carriage return, so its interpreter is not found`)
    : say(`the interpreter ${interpreter} of ${path} does not exist`)
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** The file that the system would have run; where none may be run, one that is there but may not. */
function findProgram(program: string, spec: ProcessSpec): string | undefined {
  const folders = program.includes('/') ? [''] : (spec.env['PATH'] ?? '').split(delimiter)
  const candidates = folders
    .map((folder) => resolve(spec.cwd, folder, program))
    .filter((path) => isAllowed(path, constants.F_OK))
  return candidates.find((path) => isAllowed(path, constants.X_OK)) ?? candidates[0]
}

/** The interpreter that the first line of a script names; `undefined` for a binary. */
function readInterpreter(path: string): string | undefined {
  const head = Buffer.alloc(256)
  const file = openSync(path, 'r')
  try {
    const text = head.toString('latin1', 0, readSync(file, head))
    return /^#![ \t]*([^ \t\n]+)/.exec(text)?.[1]
  } finally {
    closeSync(file)
  }
}
