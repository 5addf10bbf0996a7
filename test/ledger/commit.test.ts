import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { Bench, envelopeOf, NAMESPACE } from './support.js'

describe('A commit', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
  })
  afterEach(() => bench.stop())

  const put = (value: string, txId: string): Promise<Buffer> =>
    bench.simulate((simulator) => simulator.setState(NAMESPACE, 'a', Buffer.from(value)), txId)

  it('tells block and code of its transaction, also afterwards', async () => {
    expect(await bench.ledger.commit(await put('1', 't1'))).to.deep.equal({ code: 0, blockNumber: 1n })
    expect(await bench.ledger.commit(await put('1', 'code-10-t2'))).to.deep.equal({ code: 10, blockNumber: 2n })
    expect(bench.ledger.height).to.equal(3n)
    await bench.reopen()
    expect(bench.ledger.statusOf('t1')).to.deep.equal({ code: 0, blockNumber: 1n })
    expect(bench.ledger.statusOf('code-10-t2')).to.deep.equal({ code: 10, blockNumber: 2n })
    expect(bench.ledger.statusOf('t3')).to.equal(undefined)
  })

  describe('of a transaction id that is there already', () => {
    it('is invalid in the same block, and the status stays that of the first', async () => {
      expect(await bench.block(await put('1', 't'), await put('2', 't'))).to.deep.equal([0, 9])
      expect(bench.ledger.statusOf('t')).to.deep.equal({ code: 0, blockNumber: 1n })
      expect(await bench.value('a')).to.equal('1')
    })

    it('is invalid in a later block, and the status stays that of the first', async () => {
      const envelope = await put('1', 't')
      expect(await bench.block(envelope)).to.deep.equal([0])
      await bench.reopen()
      expect(await bench.block(envelope)).to.deep.equal([9])
      expect(bench.ledger.statusOf('t')).to.deep.equal({ code: 0, blockNumber: 1n })
      expect(await bench.ledger.whenCommitted('t')).to.deep.equal({ code: 0, blockNumber: 1n })
      expect(await bench.ledger.verify()).to.deep.equal([])
    })

    it('is invalid even when the first one was', async () => {
      const stale = await bench.simulate((simulator) => simulator.getState(NAMESPACE, 'a'), 't')
      await bench.put({ a: '1' })
      expect(await bench.block(stale, await put('2', 't'))).to.deep.equal([11, 9])
      expect(await bench.block(await put('3', 't'))).to.deep.equal([9])
      expect(bench.ledger.statusOf('t')?.code).to.equal(11)
    })

    it('keeps the code that its own faults give it', async () => {
      const refused = envelopeOf({ txId: 'code-4-t' })
      expect(await bench.block(refused, refused)).to.deep.equal([4, 4])
      expect(await bench.block(refused)).to.deep.equal([4])
      expect(bench.ledger.statusOf('code-4-t')).to.deep.equal({ code: 4, blockNumber: 1n })
      expect(await bench.ledger.verify()).to.deep.equal([])
    })

    it('means nothing where no id can be read', async () => {
      expect(await bench.block(Buffer.from('?'), Buffer.from('?'))).to.deep.equal([255, 255])
      expect(await bench.block(envelopeOf({ txId: '' }), envelopeOf({ txId: '' }))).to.deep.equal([0, 0])
      expect(bench.ledger.statusOf('')).to.equal(undefined)
    })
  })

  describe('that somebody waits for', () => {
    it('is told to everybody, whether they came before or after', async () => {
      const before = [bench.ledger.whenCommitted('t'), bench.ledger.whenCommitted('t')]
      const commit = bench.ledger.commit(await put('1', 't'))
      const during = bench.ledger.whenCommitted('t')
      const status = await commit
      expect(await Promise.all([...before, during, bench.ledger.whenCommitted('t')])).to.deep.equal([
        status,
        status,
        status,
        status,
      ])
    })

    it('is told with its code when it is invalid', async () => {
      const waiting = bench.ledger.whenCommitted('code-10-t')
      await bench.ledger.commit(envelopeOf({ txId: 'code-10-t' }))
      expect(await waiting).to.deep.equal({ code: 10, blockNumber: 1n })
    })

    it('is no longer waited for by who has aborted', async () => {
      const controller = new AbortController()
      const waiting = bench.ledger.whenCommitted('t', controller.signal)
      const other = bench.ledger.whenCommitted('t')
      const reason = new Error('gone')
      controller.abort(reason)
      expect(await waiting.catch((error: unknown) => error)).to.equal(reason)
      expect(await bench.ledger.whenCommitted('t', controller.signal).catch((error: unknown) => error)).to.equal(reason)
      await bench.ledger.commit(await put('1', 't'))
      expect(await other).to.deep.equal({ code: 0, blockNumber: 1n })
    })

    it('never comes when the ledger closes', async () => {
      const waiting = bench.ledger.whenCommitted('never').catch((error: unknown) => error)
      await bench.provider.close()
      expect(isFailure(await waiting, 'LEDGER_CLOSED')).to.equal(true)
      const late = await bench.ledger.whenCommitted('never').catch((error: unknown) => error)
      expect(isFailure(late, 'LEDGER_CLOSED')).to.equal(true)
      await bench.open()
    })
  })

  describe('among many', () => {
    const blocksOf = async (envelopes: Buffer[]): Promise<bigint[]> =>
      (await Promise.all(envelopes.map((envelope) => bench.ledger.commit(envelope)))).map(
        ({ blockNumber }) => blockNumber,
      )

    it('shares a block with those that come in the same turn, and those that come while one is written', async () => {
      const early = blocksOf([await put('1', 't1'), await put('2', 't2')])
      await Promise.resolve()
      await Promise.resolve()
      const late = blocksOf([await put('3', 't3'), await put('4', 't4')])
      const firstBlock = await early
      expect(new Set(firstBlock).size).to.equal(1)
      expect(new Set(await late).size).to.equal(1)
      expect((await late)[0]).to.equal(firstBlock[0]! + 1n)
    })

    it('starts a new block at the limits of count and bytes', async () => {
      await bench.stop()
      bench = await Bench.start({ maxMessageCount: 3, preferredMaxBytes: 1000 })
      const small = await Promise.all(Array.from({ length: 7 }, (_, i) => put('x', `small${i}`)))
      expect(await blocksOf(small)).to.deep.equal([1n, 1n, 1n, 2n, 2n, 2n, 3n])
      const large = await Promise.all([400, 400, 400, 5000, 10].map((size, i) => put('x'.repeat(size), `large${i}`)))
      expect(await blocksOf(large)).to.deep.equal([4n, 4n, 5n, 6n, 7n])
    })

    it('is refused when too many wait', async () => {
      await bench.stop()
      bench = await Bench.start({ maxWaiting: 2 })
      const commits = await Promise.allSettled(
        ['t1', 't2', 't3'].map((txId) => bench.ledger.commit(envelopeOf({ txId }))),
      )
      expect(commits.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected'])
      const { reason } = commits[2] as PromiseRejectedResult
      expect(isFailure(reason, 'COMMIT_QUEUE_FULL')).to.equal(true)
      expect((await bench.ledger.commit(envelopeOf({ txId: 't4' }))).code).to.equal(0)
    })

    it('is still written when the ledgers are closed, and refused afterwards', async () => {
      const envelope = await put('kept', 't1')
      const commit = bench.ledger.commit(envelope)
      await Promise.all([bench.provider.close(), bench.provider.close()])
      expect(await commit).to.deep.equal({ code: 0, blockNumber: 1n })
      const late = await bench.ledger.commit(envelope).catch((error: unknown) => error)
      expect(isFailure(late, 'LEDGER_CLOSED')).to.equal(true)
      await bench.open()
      expect(await bench.value('a')).to.equal('kept')
    })

    it('fails with its whole block when the validator does, and leaves no trace', async () => {
      await bench.stop()
      bench = await Bench.start({
        validate: (_channelId, envelope) => {
          if (envelope.equals(Buffer.from('bug'))) throw new Error('a bug')
          return { code: 0, txId: '' }
        },
      })
      const commits = await Promise.allSettled(['fine', 'bug'].map((text) => bench.ledger.commit(Buffer.from(text))))
      expect(commits.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
      expect(bench.ledger.height).to.equal(1n)
      expect(await bench.ledger.commit(Buffer.from('fine'))).to.deep.equal({ code: 0, blockNumber: 1n })
    })
  })
})
