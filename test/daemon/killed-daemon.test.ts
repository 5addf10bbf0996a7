import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { TestDaemons, isAlive } from '../fixtures/embedded-daemon.js'

const program = new URL('../fixtures/daemon-to-kill.ts', import.meta.url).pathname

describe('A daemon that is killed', function () {
  this.timeout(30_000)
  const daemons = new TestDaemons()
  afterEach(() => daemons.closeAll())

  for (const name of ['ignores-sigterm', 'behind-npm'])
    it(`leaves nothing of the chaincode ${name} once the next one has started`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
      const child = spawn(process.execPath, ['--import', 'tsx/esm', program, folder, name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const pids = line.toString().trim().split(' ').map(Number)
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(pids.some(isAlive), 'processes outlive the daemon').to.equal(true)

      const next = await daemons.start({}, folder)
      expect(pids.filter(isAlive)).to.deep.equal([])
      const [info] = await next.list()
      expect(info?.state).to.equal('stopped')
    })
})
