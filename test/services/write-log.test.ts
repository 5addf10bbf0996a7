import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeLog } from '../../services/write-log.js'

describe('writeLog', () => {
  let folder: string
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'chaincoded-test-'))))
  afterEach(() => rm(folder, { recursive: true }))

  it('appends lines in order to a file whose folder it makes', async () => {
    const file = join(folder, 'deep', 'er', 'x.log')
    const log = writeLog(file)
    log.append(['one', 'two'])
    log.append(['three'])
    await log.close()
    const again = writeLog(file)
    again.append(['four'])
    await again.close()
    expect(await readFile(file, 'utf8')).to.equal('one\ntwo\nthree\nfour\n')
  })

  it('makes no file when nothing is written', async () => {
    await writeLog(join(folder, 'x.log')).close()
    expect(await readdir(folder)).to.deep.equal([])
  })

  it('renames a file that passes the limit, in the place of an older one, counting what was there before', async () => {
    const file = join(folder, 'x.log')
    await writeFile(file, 'old\n')
    await writeFile(`${file}.1`, 'oldest\n')
    const log = writeLog(file, { maxBytes: 8 })
    log.append(['new'])
    await log.close()
    expect(await readdir(folder)).to.deep.equal(['x.log.1'])
    expect(await readFile(`${file}.1`, 'utf8')).to.equal('old\nnew\n')
    const next = writeLog(file, { maxBytes: 8 })
    next.append(['newest'])
    await next.close()
    expect(await readFile(file, 'utf8')).to.equal('newest\n')
  })

  it('never holds more than twice the limit and loses no line that it still has', async () => {
    const file = join(folder, 'x.log')
    let drained = () => {}
    const log = writeLog(file, { maxBytes: 10_000, highWaterBytes: 1000, onDrain: () => drained() })
    for (let i = 0; i < 5000; i++)
      if (!log.append([`line ${i}`])) await new Promise<void>((resolve) => (drained = resolve))
    await log.close()
    const [older, newer] = [await readFile(`${file}.1`, 'utf8'), await readFile(file, 'utf8').catch(() => '')]
    expect(older.length + newer.length).to.be.lessThan(23_000)
    const kept = (older + newer).trimEnd().split('\n')
    expect(kept).to.deep.equal(kept.map((_, i) => `line ${5000 - kept.length + i}`))
  })

  it('says that it is behind until it has caught up', async () => {
    let drains = 0
    const log = writeLog(join(folder, 'x.log'), { highWaterBytes: 100, onDrain: () => drains++ })
    expect(log.append(['short'])).to.equal(true)
    expect(log.append(['x'.repeat(100)])).to.equal(false)
    expect(log.append(['short'])).to.equal(false)
    expect(drains).to.equal(0)
    await log.close()
    expect(drains).to.equal(1)
    expect(log.append(['x'])).to.equal(true)
    await log.close()
  })

  it('reports a file that cannot be written, drops the lines, and goes on when it can be written', async () => {
    const file = join(folder, 'blocked', 'x.log')
    await writeFile(join(folder, 'blocked'), 'in the way')
    const errors: string[] = []
    let drained: (() => void) | undefined
    const log = writeLog(file, {
      highWaterBytes: 1,
      onError: (error) => errors.push(error.code!),
      onDrain: () => drained?.(),
    })
    const caughtUp = new Promise<void>((resolve) => (drained = resolve))
    log.append(['lost'])
    await caughtUp
    expect(errors).to.deep.equal(['EEXIST'])
    await rm(join(folder, 'blocked'))
    log.append(['kept'])
    await log.close()
    expect(await readFile(file, 'utf8')).to.equal('kept\n')
    expect(errors).to.have.length(1)
  })
})
