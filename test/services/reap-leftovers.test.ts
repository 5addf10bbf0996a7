import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { OWNER_VARIABLE, ownerMark, reapLeftovers } from '../../services/reap-leftovers.js'
import { isAlive } from '../fixtures/embedded-daemon.js'

describe('reapLeftovers', () => {
  const children: ChildProcess[] = []
  let folder: string

  const sleeper = async (env: Record<string, string>): Promise<number> => {
    const child = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'], ...env }, detached: true })
    children.push(child)
    await once(child, 'spawn')
    return child.pid as number
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  it('keeps one mark for a folder', () => {
    expect(ownerMark(folder))
      .to.equal(ownerMark(folder))
      .and.to.match(/^[0-9a-f-]{36}$/)
  })

  it('kills every process with the mark, says what it ran, and leaves all others alone', async () => {
    const mark = ownerMark(folder)
    const ours = await sleeper({ [OWNER_VARIABLE]: mark, CORE_CHAINCODE_ID_NAME: 'kv:1.0' })
    const anothers = await sleeper({ [OWNER_VARIABLE]: '00000000-0000-0000-0000-000000000000' })
    const likeOurs = await sleeper({ OTHER: `${OWNER_VARIABLE}=${mark}` })
    const nobodys = await sleeper({})
    expect(await reapLeftovers(mark, 5000)).to.deep.equal([{ pid: ours, ccid: 'kv:1.0' }])
    expect(isAlive(ours)).to.equal(false)
    expect([anothers, likeOurs, nobodys].map(isAlive)).to.deep.equal([true, true, true])
  })

  it('finds nothing where nothing is left', async () => {
    expect(await reapLeftovers(ownerMark(folder), 5000)).to.deep.equal([])
  })
})
