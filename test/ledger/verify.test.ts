import { ClassicLevel } from 'classic-level'
import { expect } from 'chai'
import { Block } from '../../proto/gen/common/common.js'
import { openLedgers } from '../../src/ledger/provider.js'
import { Bench, CHANNEL, judge, NAMESPACE } from './support.js'

const blockKey = (number: number): string => `b\0${CHANNEL}\x001${number}`

describe('The walk over the chain', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
    await bench.block(
      await bench.simulate((simulator) => simulator.setState(NAMESPACE, 'a', Buffer.from('1')), 'first'),
      await bench.simulate(() => undefined, 'code-10-second'),
    )
    await bench.put({ a: '2' })
    await bench.put({ a: '3' })
  })
  afterEach(() => bench.stop())

  /** Changes the files behind the ledger's back; answers what the walk finds then. */
  async function problemsAfter(
    change: (database: ClassicLevel<string, Buffer>) => Promise<unknown>,
  ): Promise<string[]> {
    await bench.provider.close()
    const database = new ClassicLevel<string, Buffer>(bench.folder, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
    await database.open()
    await change(database)
    await database.close()
    bench.provider = await openLedgers({ folder: bench.folder, validate: judge })
    return bench.provider.get(CHANNEL)!.verify()
  }

  const rewrite = (number: number, change: (block: Block) => void) =>
    problemsAfter(async (database) => {
      const block = Block.decode((await database.get(blockKey(number)))!)
      change(block)
      await database.put(blockKey(number), Buffer.from(Block.encode(block).finish()))
    })

  it('finds nothing in a whole one', async () => expect(await problemsAfter(async () => undefined)).to.deep.equal([]))

  it('finds a missing block', async () => {
    const problems = await problemsAfter((database) => database.del(blockKey(1)))
    expect(problems).to.deep.equal(['blocks 1 to 1 are missing'])
  })

  it('finds a block that is cut off', async () => {
    const problems = await problemsAfter(async (database) =>
      database.put(blockKey(2), (await database.get(blockKey(2)))!.subarray(0, -1)),
    )
    expect(problems[0]).to.equal('block 2: cannot be decoded')
  })

  it('finds a changed envelope', async () => {
    const problems = await rewrite(1, (block) => (block.data!.data[0]![20]! ^= 1))
    expect(problems[0]).to.contain('block 1: its data do not have the hash')
  })

  it('finds a changed header, by the next block', async () => {
    const problems = await rewrite(1, (block) => (block.header!.previousHash[0]! ^= 1))
    expect(problems).to.have.length(2)
    expect(problems[0]).to.contain('block 1: its previous hash is')
    expect(problems[1]).to.contain('block 2: its previous hash is')
  })

  it('finds a wrong number', async () => {
    const problems = await rewrite(2, (block) => (block.header!.number = 7n))
    expect(problems[0]).to.equal('block 2: its header has the number 7')
  })

  it('finds a filter of the wrong length, and one with other codes than the index', async () => {
    const short = await rewrite(1, (block) => (block.metadata!.metadata[2] = Buffer.of(0)))
    expect(short[0]).to.equal('block 1: it has 2 transactions and 1 validation codes')
    const other = await rewrite(1, (block) => (block.metadata!.metadata[2] = Buffer.of(0, 11)))
    expect(other).to.deep.equal([
      'block 1: transaction 1 (code-10-second) has code 11 in the block and 10 in the index',
    ])
  })

  it('finds a transaction that is not in the index, or is indexed behind its place', async () => {
    const missing = await problemsAfter((database) => database.del(`t\0${CHANNEL}\0first`))
    expect(missing).to.deep.equal(['block 1: transaction 0 (first) is not in the index'])
    const behind = await problemsAfter((database) =>
      database.put(`t\0${CHANNEL}\0first`, Buffer.from('000000000003000000000000', 'hex').subarray(0, 11)),
    )
    expect(behind).to.deep.equal(['block 1: transaction 0 (first) is indexed in block 3, behind this one'])
  })

  it('finds blocks that the savepoint does not know', async () => {
    const problems = await problemsAfter(async (database) =>
      database.put(blockKey(4), (await database.get(blockKey(3)))!),
    )
    expect(problems[problems.length - 1]).to.equal('the savepoint tells of 4 blocks, and there are 5')
  })
})
