import { resolve } from 'node:path'
import { failure } from '../errors.js'
import { answers, readDaemonFile, type DaemonFacts } from './daemon-file.js'

/** A daemon that serves a data folder. */
export interface FoundDaemon extends DaemonFacts {
  pid: number
  controlSocket: string
  /** Absolute path of its data folder. */
  dataDir: string
}

/** The daemon that serves the data folder, or undefined; a file that a dead daemon left behind counts as none. */
export async function findDaemon(dataDir: string): Promise<FoundDaemon | undefined> {
  const path = resolve(dataDir)
  const file = readDaemonFile(path)
  if (!file?.facts || !(await answers(file.controlSocket))) return undefined
  return { ...file.facts, pid: file.pid, controlSocket: file.controlSocket, dataDir: path }
}

/** The daemon that serves the data folder; rejects with NO_DAEMON. */
export async function requireDaemon(dataDir: string): Promise<FoundDaemon> {
  const found = await findDaemon(dataDir)
  if (!found) throw failure('NO_DAEMON', { path: resolve(dataDir) })
  return found
}
