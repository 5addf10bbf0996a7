import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { OR_COMMAND, undetected, type DetectedChaincode, type Detection } from './detection.js'

/** Names under which the build of a chaincode is expected; Fabric's own images call it `chaincode`. */
const USUAL_NAMES = ['chaincode', 'bin/chaincode']

/**
 * Finds the executable of a folder: one of the usual names, or the only one there is. Among sources scripts do not
 * count, because they build (`gradlew`, `build.sh`). `undefined` where there is none, or several among sources.
 */
export function detectExecutable(folder: string, address: string, hasSources: boolean): Detection | undefined {
  const usual = USUAL_NAMES.map((name) => join(folder, name)).find(isExecutable)
  if (usual) return runExecutable(usual, folder, address)

  const candidates = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => isExecutable(path) && !(hasSources && isScript(path)))
  if (candidates.length === 1) return runExecutable(candidates[0]!, folder, address)
  if (candidates.length === 0 || hasSources) return undefined
  return undetected(
    'AMBIGUOUS',
    `${folder} holds ${candidates.length} executables: ${candidates.map((path) => relative(folder, path)).join(', ')}`,
    `name the one that is the chaincode by its path, ${OR_COMMAND}`,
  )
}

/** How the executable at `path` is started in `cwd`; `undefined` where it is not executable. */
export function runExecutable(path: string, cwd: string, address: string): DetectedChaincode | undefined {
  if (!isExecutable(path)) return undefined
  // Go reads both spellings, Node and Java only the one with two dashes; and Fabric starts a binary with one.
  const flag = isScript(path) ? '--peer.address' : '-peer.address'
  return {
    ok: true,
    language: 'executable',
    command: [path, flag, address],
    cwd,
    describe: `executable ${relative(cwd, path)}`,
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function isScript(path: string): boolean {
  const head = Buffer.alloc(2)
  try {
    const file = openSync(path, 'r')
    try {
      return readSync(file, head) === 2 && head.toString('latin1') === '#!'
    } finally {
      closeSync(file)
    }
  } catch {
    // A binary may be executable without being readable; a script may not.
    return false
  }
}
