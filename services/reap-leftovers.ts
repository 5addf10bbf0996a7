import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Variable that marks every process of a data folder's chaincodes, also those that it starts itself. */
export const OWNER_VARIABLE = 'CHAINCODED_OWNER'

const POLL_MS = 10

/** The mark of a data folder, made once and kept in it. */
export function ownerMark(dataFolder: string): string {
  const file = join(dataFolder, 'owner')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    const mark = randomUUID()
    writeFileSync(file, `${mark}\n`, { mode: 0o600 })
    return mark
  }
}

/** A process that a daemon left behind when it was killed. */
export interface Leftover {
  pid: number
  /** The chaincode that it ran. */
  ccid: string
}

/**
 * Kills every process that carries the mark, whatever became of its group, and waits until they are gone, at most
 * `timeoutMs`. Whoever calls holds the claim of the data folder, so that every such process is a leftover. Linux only:
 * elsewhere a process's environment cannot be read, and nothing is found.
 */
export async function reapLeftovers(mark: string, timeoutMs: number): Promise<Leftover[]> {
  const found = new Map<number, Leftover>()
  for (let waitedMs = 0; waitedMs <= timeoutMs; waitedMs += POLL_MS) {
    const living = await findMarked(mark)
    if (living.length === 0) break
    for (const leftover of living) {
      found.set(leftover.pid, leftover)
      kill(leftover.pid)
    }
    await sleep(POLL_MS)
  }
  return [...found.values()]
}

async function findMarked(mark: string): Promise<Leftover[]> {
  const names = await readdir('/proc').catch((): string[] => [])
  const pids = names.map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid)
  const all = await Promise.all(pids.map((pid) => readMarked(pid, mark)))
  return all.filter((leftover) => leftover !== undefined)
}

/** The environment of a zombie, and of another user's process, cannot be read: neither is ours to kill. */
async function readMarked(pid: number, mark: string): Promise<Leftover | undefined> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
  if (!text.includes(`${OWNER_VARIABLE}=${mark}`)) return undefined
  const variables = new Map(text.split('\0').map((entry) => entry.split('=', 2) as [string, string]))
  if (variables.get(OWNER_VARIABLE) !== mark) return undefined
  return { pid, ccid: variables.get('CORE_CHAINCODE_ID_NAME') ?? '' }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
