import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { ownProcessGroup } from '../../services/own-process-group.js'

describe('ownProcessGroup', () => {
  const children: ChildProcess[] = []
  const start = async (script: string): Promise<ChildProcess & { pid: number }> => {
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(child)
    await once(child, 'spawn')
    return child as ChildProcess & { pid: number }
  }
  const lineOf = async (child: ChildProcess) => String((await once(child.stdout!, 'data'))[0]).trim()
  const lives = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  afterEach(() => {
    for (const child of children.splice(0))
      try {
        process.kill(-child.pid!, 'SIGKILL')
      } catch {
        // Nothing is left of it.
      }
  })

  it('is gone when its only member is', async () => {
    const child = await start('exec sleep 60')
    const group = ownProcessGroup(child.pid)
    const exit = once(child, 'exit')
    group.signal('SIGTERM')
    expect((await exit)[1]).to.equal('SIGTERM')
    group.leaderEnded()
    await group.gone()
  })

  it('signals and awaits the members that are left when the leader has ended', async () => {
    const child = await start('sleep 60 & echo $!')
    const group = ownProcessGroup(child.pid)
    const [member] = await Promise.all([lineOf(child), once(child, 'exit')])
    group.leaderEnded()
    let isGone = false
    const gone = group.gone().then(() => (isGone = true))
    // The first look at the group is over when its timer has been set; it found the member.
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isGone).to.equal(false)
    expect(lives(Number(member))).to.equal(true)
    group.signal('SIGTERM')
    await gone
  })

  it('never signals after it is gone', async () => {
    const child = await start('exit 0')
    await once(child, 'exit')
    const group = ownProcessGroup(child.pid)
    group.leaderEnded()
    await group.gone()
    expect(recordKills(() => group.signal('SIGKILL'))).to.deep.equal([])
  })

  it('takes a process that has got the number of the group for a stranger: gone, and never signalled', async () => {
    const stranger = await start('exec sleep 60')
    const group = ownProcessGroup(stranger.pid)
    group.leaderEnded()
    group.signal('SIGKILL')
    await group.gone()
    expect(stranger.signalCode).to.equal(null)
    expect(lives(stranger.pid)).to.equal(true)
  })

  it('never signals process group 0 or 1, which would be our own and everything', () => {
    for (const pid of [0, 1, -1]) expect(recordKills(() => ownProcessGroup(pid).signal('SIGKILL'))).to.deep.equal([])
    expect(recordKills(() => ownProcessGroup(2 ** 30).signal('SIGKILL'))).to.deep.equal([[-(2 ** 30), 'SIGKILL']])
  })

  it('does not throw when the group has just ended', () => {
    expect(() => ownProcessGroup(2 ** 30).signal('SIGTERM')).not.to.throw()
  })

  if (process.platform === 'linux')
    it('does not count zombies', async () => {
      // A member forks another one and leaves the group without ever reaping it.
      const child = await start('(sleep 0.01 & exec setsid sh -c "echo \\$\\$; exec sleep 60" 2>&1) &')
      const [outside] = await Promise.all([lineOf(child), once(child, 'exit')])
      const group = ownProcessGroup(child.pid)
      group.leaderEnded()
      try {
        await group.gone()
        expect(lives(-child.pid), 'the zombie is still there').to.equal(true)
      } finally {
        process.kill(Number(outside), 'SIGKILL')
      }
    })
})

/** What `act` would signal. */
function recordKills(act: () => void): unknown[][] {
  const { kill } = process
  const calls: unknown[][] = []
  process.kill = (...args: unknown[]) => {
    calls.push(args)
    return true
  }
  try {
    act()
  } finally {
    process.kill = kill
  }
  return calls
}
