import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GroupSignal } from '../machines/events.js'

const FIRST_POLL_MS = 5
const LAST_POLL_MS = 250

/** The process group of a child that was spawned as its leader. */
export interface ProcessGroup {
  /** Signals every member, also after the leader's end. Does nothing once the group is gone; never throws. */
  signal(signal: GroupSignal): void
  /** To be called in the leader's exit event, when its process id has been given back. */
  leaderEnded(): void
  /** Resolves when no living member is left; zombies do not count. Call it after `leaderEnded`. */
  gone(): Promise<void>
}

/** Takes charge of the group led by the child process `pid`. */
export function ownProcessGroup(pid: number): ProcessGroup {
  let hasLeader = true
  let isGone = false
  let livingMember: number | undefined

  // The system gives the number of a group to a new process only when the group is empty. So after the leader's end a
  // process of that number is a stranger, and the group is gone for certain.
  const isStranger = () => !hasLeader && exists(pid)
  const isLeft = async (): Promise<boolean> => {
    if (isStranger() || !exists(-pid)) return false
    if (process.platform !== 'linux') return true
    if (livingMember !== undefined && (await isLivingMember(livingMember, pid))) return true
    // A member that forks and ends during a search can hide its child from it, but not from a second one.
    livingMember = (await findLivingMember(pid)) ?? (await findLivingMember(pid))
    return livingMember !== undefined
  }

  return {
    signal(signal) {
      // 0 and -1 address our own group and every process there is.
      if (pid <= 1 || isGone || isStranger()) return
      try {
        process.kill(-pid, signal)
      } catch {
        // The group has just ended, or what is left of it is not ours to signal; either way `gone` tells.
      }
    },
    leaderEnded() {
      hasLeader = false
    },
    async gone() {
      for (let pollMs = FIRST_POLL_MS; await isLeft(); pollMs = Math.min(2 * pollMs, LAST_POLL_MS)) await sleep(pollMs)
      isGone = true
    },
  }
}

/** Whether a process, or for a negative number a process group, has a member; on Linux zombies count. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // macOS says EPERM for a group of zombies only, Linux for processes of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM' && process.platform === 'linux'
  }
}

/** Whether process `pid` belongs to the group and is no zombie. Linux only. */
async function isLivingMember(pid: number, group: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  if (text === undefined) return false
  // The command name in brackets may itself hold blanks and brackets. After it: state, parent, group …
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (Number(fields[2]) !== group) return false
  const threads = Number(fields[17])
  // The main thread of a process may end before the others: it is a zombie then, but the process lives.
  return (fields[0] !== 'Z' && fields[0] !== 'X') || threads > 1
}

async function findLivingMember(group: number): Promise<number | undefined> {
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && (await isLivingMember(pid, group))) return pid
  }
  return undefined
}
