import { ClassicLevel } from 'classic-level'
import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFailure, type ErrorCode } from '../../src/errors.js'
import { isChannelName, openLedgers } from '../../src/ledger/provider.js'
import { Bench, CHANNEL, drain, judge, NAMESPACE } from './support.js'

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

async function expectFailure(promise: Promise<unknown>, code: ErrorCode, ...words: string[]): Promise<void> {
  const error = await caught(promise)
  if (!isFailure(error, code)) throw new Error(`expected ${code}, got ${String(error)}`, { cause: error })
  for (const word of words) expect(error.message).to.contain(word)
}

describe('The ledgers of a daemon', () => {
  describe('in a folder', () => {
    let bench: Bench
    beforeEach(async () => {
      bench = await Bench.start()
    })
    afterEach(() => bench.stop())

    it('keep everything over a restart', async () => {
      await bench.put({ a: '1', b: '1' })
      await bench.put({ a: '2' })
      const blocks = await Promise.all([0n, 1n, 2n].map((number) => bench.ledger.getBlock(number)))
      await bench.reopen()
      expect(bench.ledger.height).to.equal(3n)
      expect(await Promise.all([0n, 1n, 2n].map((number) => bench.ledger.getBlock(number)))).to.deep.equal(blocks)
      expect([await bench.value('a'), await bench.value('b')]).to.deep.equal(['2', '1'])
      expect(await bench.read((simulator) => drain(simulator.getHistoryForKey(NAMESPACE, 'a')))).to.have.length(2)
      await bench.put({ c: '3' })
      expect(await bench.ledger.verify()).to.deep.equal([])
      expect(bench.ledger.height).to.equal(4n)
    })

    it('keep channels apart, even those with similar names', async () => {
      const other = await bench.provider.open('mychannel2')
      await bench.put({ a: 'first' })
      const results = await bench.simulate((s) => s.setState(NAMESPACE, 'a', Buffer.from('second')), 'tx1')
      expect((await other.commit(results)).code, 'the id is new in this channel').to.equal(0)
      await bench.put({ a: 'third' })
      expect([bench.ledger.height, other.height]).to.deep.equal([3n, 2n])
      await bench.reopen()
      expect(bench.provider.channels()).to.deep.equal([CHANNEL, 'mychannel2'])
      const reopened = bench.provider.get('mychannel2')!
      const simulator = reopened.newSimulator('t')
      expect(simulator.getState(NAMESPACE, 'a')?.toString()).to.equal('second')
      expect(await drain(simulator.getStateRange(NAMESPACE, '', ''))).to.have.length(1)
      expect(await drain(simulator.getHistoryForKey(NAMESPACE, 'a'))).to.have.length(1)
      simulator.done()
      expect(await bench.value('a')).to.equal('third')
      for (const ledger of [bench.ledger, reopened]) expect(await ledger.verify()).to.deep.equal([])
    })

    it('make a channel once, however many ask for it', async () => {
      expect(bench.provider.get('new')).to.equal(undefined)
      const [one, two] = await Promise.all([bench.provider.open('new'), bench.provider.open('new')])
      expect(one).to.equal(two)
      expect(await bench.provider.open('new')).to.equal(one)
      expect(bench.provider.get('new')).to.equal(one)
      expect(one!.height).to.equal(1n)
    })

    it('take names of channels by the rule of Fabric', async () => {
      expect(['a', 'my-channel.2', 'a'.repeat(249)].map(isChannelName)).to.deep.equal([true, true, true])
      for (const name of ['', 'A', 'myChannel', '1st', '.a', '-a', 'a_b', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(250)]) {
        expect(isChannelName(name), name).to.equal(false)
        await expectFailure(bench.provider.open(name), 'CHANNEL_NAME_ILLEGAL', name)
      }
      expect(bench.provider.channels()).to.deep.equal([CHANNEL])
    })

    it('open nothing more when they are closed', async () => {
      await bench.provider.close()
      await expectFailure(bench.provider.open('late'), 'LEDGER_CLOSED')
      await bench.open()
      expect(bench.provider.channels()).to.deep.equal([CHANNEL])
    })

    it('are locked for a second opener, in this process and in another', async () => {
      const script = `
        import { ClassicLevel } from 'classic-level'
        const database = new ClassicLevel(process.argv[1])
        await database.open().then(() => console.log('open'), (error) => console.log(error.cause.code))`
      const openInChild = async (): Promise<string> => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script, bench.folder])
        let output = ''
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
        await once(child, 'close')
        return output
      }
      const link = `${bench.folder}-link`
      await symlink(bench.folder, link)
      for (const folder of [bench.folder, `${bench.folder}/.`, link]) {
        await expectFailure(openLedgers({ folder, validate: judge }), 'LEDGER_LOCKED', folder)
        expect(await openInChild(), 'after somebody tried in this process').to.equal('LEVEL_LOCKED\n')
      }
      await unlink(link)
      await bench.put({ a: 'still works' })
      await bench.provider.close()
      expect(await openInChild()).to.equal('open\n')
      await bench.open()
    })

    it('commit nothing more after a write that failed', async () => {
      const results = (size: number) =>
        bench.invoke((simulator) => simulator.setState(NAMESPACE, 'large', Buffer.alloc(size)))
      await results(10)
      const { height } = bench.ledger
      // LevelDB notices as soon as its log is full and it has to make the next file.
      for (const name of await readdir(bench.folder)) await rm(join(bench.folder, name))
      await rm(bench.folder, { recursive: true })
      let error: unknown
      for (let i = 0; i < 20 && !error; i++) error = await caught(results(1024 * 1024))
      expect(isFailure(error, 'LEDGER_WRITE_FAILED')).to.equal(true)
      await mkdir(bench.folder)
      await expectFailure(results(10), 'LEDGER_WRITE_FAILED', bench.folder)
      await expectFailure(bench.provider.open('another'), 'LEDGER_WRITE_FAILED')
      expect(bench.ledger.height > height).to.equal(true)
    })
  })

  describe('refuse', () => {
    let folder: string
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'chaincoded-ledger-'))
    })
    afterEach(() => rm(folder, { recursive: true }))

    const open = (path = folder): Promise<unknown> => openLedgers({ folder: path, validate: judge })

    async function makeLedger(): Promise<void> {
      const provider = await openLedgers({ folder, validate: judge })
      await provider.open(CHANNEL)
      await provider.close()
    }

    async function change(change: (database: ClassicLevel<string, Buffer>) => Promise<unknown>): Promise<void> {
      const database = new ClassicLevel<string, Buffer>(folder, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
      await database.open()
      await change(database)
      await database.close()
    }

    it('a folder that is a file, or is below one', async () => {
      const file = join(folder, 'file')
      await writeFile(file, '')
      await expectFailure(open(file), 'LEDGER_UNREADABLE', file)
      await expectFailure(open(join(file, 'below')), 'LEDGER_UNREADABLE', file)
    })

    it('a folder with files of somebody else, and leave it as it was', async () => {
      await writeFile(join(folder, 'letter.txt'), 'dear')
      await expectFailure(open(), 'LEDGER_FOREIGN', folder, 'letter.txt')
      expect(await readdir(folder)).to.deep.equal(['letter.txt'])
    })

    it('a LevelDB of somebody else', async () => {
      await change((database) => database.put('a', Buffer.from('b')))
      await expectFailure(open(), 'LEDGER_FOREIGN', 'another LevelDB')
      await change(async (database) => expect(await database.keys().all()).to.deep.equal(['a']))
    })

    it('a ledger in another format', async () => {
      await makeLedger()
      await change((database) => database.put('f', Buffer.from('chaincoded ledger 99')))
      await expectFailure(open(), 'LEDGER_FOREIGN', 'chaincoded ledger 99')
    })

    it('a ledger whose files are damaged or missing', async () => {
      await makeLedger()
      const current = await readFile(join(folder, 'CURRENT'))
      await writeFile(join(folder, 'CURRENT'), 'nonsense')
      await expectFailure(open(), 'LEDGER_CORRUPT', folder)
      await rm(join(folder, 'CURRENT'))
      const files = await readdir(folder)
      await expectFailure(open(), 'LEDGER_CORRUPT', 'CURRENT')
      expect(await readdir(folder), 'nothing was made in its place').to.deep.equal(files)
      await writeFile(join(folder, 'CURRENT'), current)
      await open().then((provider) => (provider as { close(): Promise<void> }).close())
    })

    it('a ledger whose last block is gone or another', async () => {
      await makeLedger()
      let block!: Buffer
      await change(async (database) => {
        block = (await database.get('b\0mychannel\x0010'))!
        await database.put('b\0mychannel\x0010', block.subarray(0, -40))
      })
      await expectFailure(open(), 'LEDGER_CORRUPT', CHANNEL, 'block 0')
      await change((database) => database.del('b\0mychannel\x0010'))
      await expectFailure(open(), 'LEDGER_CORRUPT', CHANNEL, 'block 0')
    })

    it('nothing that LevelDB left behind when it died while it made the store', async () => {
      for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp']) await writeFile(join(folder, name), '')
      await makeLedger()
      const empty = await mkdtemp(join(tmpdir(), 'chaincoded-ledger-'))
      const database = new ClassicLevel(empty)
      await database.open()
      await database.close()
      const provider = await openLedgers({ folder: empty, validate: judge })
      expect(provider.channels()).to.deep.equal([])
      await provider.close()
      await rm(empty, { recursive: true })
    })
  })
})
