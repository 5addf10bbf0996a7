import { expect } from 'chai'
import * as fc from 'fast-check'
import { compareBytes } from '../../src/ledger/byte-order.js'
import { PageCache } from '../../src/ledger/page-cache.js'
import { ChannelKeys } from '../../src/ledger/keys.js'
import { RowCache } from '../../src/ledger/row-cache.js'
import { ChannelState, stateCaches } from '../../src/ledger/state.js'
import type { Store, StoreSnapshot } from '../../src/ledger/store.js'
import type { TxSimulator } from '../../src/ledger/types.js'
import { Bench, drain, NAMESPACE } from './support.js'

const keys = ['', '\0c\0', 'a', 'aa', 'b', 'c', '\uffee', '😀']
const row = (key: string, blockNum: number, value = 'v') => ({
  namespace: NAMESPACE,
  key,
  value: Buffer.from(value),
  blockNum,
  txNum: 0,
})

describe('What a ledger keeps in memory', () => {
  const keyArbitrary = fc.constantFrom(...keys)
  const step = fc.oneof(
    fc.record({ does: fc.constant('open' as const) }),
    fc.record({ does: fc.constant('wait' as const) }),
    fc.record({ does: fc.constant('get' as const), reader: fc.nat(9), key: keyArbitrary }),
    fc.record({
      does: fc.constant('range' as const),
      reader: fc.nat(9),
      from: keyArbitrary,
      to: fc.option(keyArbitrary, { nil: '' }),
      /** Several: they run at the same time. */
      batches: fc.array(fc.constantFrom(1, 2, 3, 101), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      does: fc.constant('write' as const),
      writes: fc.array(fc.tuple(keyArbitrary, fc.constantFrom('', '1', '2', 'long'.repeat(100))), { maxLength: 6 }),
    }),
  )

  for (const [name, cacheBytes] of [
    ['everything', 64 * 1024 * 1024],
    ['a little', 6000],
    ['nothing', 0],
  ] as const)
    it(`never shows a reader another moment than its own, when it may keep ${name}`, async () => {
      const bench = await Bench.start({ cacheBytes })
      try {
        /** The state by the number of blocks that it takes. */
        const states = new Map([[1n, new Map<string, string>()]])
        let writing: Promise<unknown> = Promise.resolve()
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), async (steps) => {
            const readers: { simulator: TxSimulator; state: Map<string, string> }[] = []
            const open = () =>
              readers.push({ simulator: bench.ledger.newSimulator('t'), state: states.get(bench.ledger.height)! })
            open()
            for (const action of steps) {
              const reader = 'reader' in action ? readers[action.reader % readers.length]! : undefined
              if (action.does === 'open') open()
              else if (action.does === 'write') {
                await writing
                const { height } = bench.ledger
                const state = new Map(states.get(height))
                for (const [key, value] of new Map(action.writes))
                  if (value === '') state.delete(key)
                  else state.set(key, value)
                states.set(height + 1n, state)
                // Nobody waits here: the steps that follow read while the block is being written.
                writing = bench.put(Object.fromEntries(action.writes))
              } else if (action.does === 'wait') await writing
              else if (action.does === 'get')
                expect(reader!.simulator.getState(NAMESPACE, action.key)?.toString()).to.equal(
                  reader!.state.get(action.key),
                )
              else {
                const { from, to } = action
                const drains = action.batches.map((batch) =>
                  drain(reader!.simulator.getStateRange(NAMESPACE, from, to), batch),
                )
                const expected = [...reader!.state]
                  .filter(([key]) => compareBytes(key, from) >= 0)
                  .filter(([key]) => to === '' || compareBytes(key, to) < 0)
                  .sort(([left], [right]) => compareBytes(left, right))
                for (const rows of await Promise.all(drains))
                  expect(rows.map(({ key, value }) => [key, value.toString()])).to.deep.equal(expected)
              }
            }
            for (const { simulator } of readers) simulator.done()
          }),
          { numRuns: 100 },
        )
        await writing
      } finally {
        await bench.stop()
      }
    })

  it('shows what a new reader loaded to no reader from before the last block', async () => {
    const bench = await Bench.start({ cacheBytes: 16_000 })
    await bench.put({ a: '1', b: '1' })
    const before = bench.ledger.newSimulator('t')
    await bench.put({ a: '', b: '2' })
    // More than fits, so that nothing is left of what the block itself put into memory.
    await bench.read((simulator) => Array.from({ length: 50 }, (_, i) => simulator.getState(NAMESPACE, `missing${i}`)))
    await bench.read(async (simulator) => {
      expect(simulator.getState(NAMESPACE, 'a')).to.equal(undefined)
      expect(await drain(simulator.getStateRange(NAMESPACE, '', ''))).to.have.length(1)
    })
    expect(before.getState(NAMESPACE, 'a')?.toString()).to.equal('1')
    const rows = await drain(before.getStateRange(NAMESPACE, '', ''))
    expect(rows.map(({ key, value }) => `${key}=${value}`)).to.deep.equal(['a=1', 'b=1'])
    before.done()
    await bench.stop()
  })

  it('lets a snapshot go with its last reader, and at once when nobody reads', () => {
    let open = 0
    const snapshot = () => {
      open++
      return { close: async () => void open-- } as unknown as StoreSnapshot
    }
    const state = new ChannelState({ snapshot } as unknown as Store, new ChannelKeys('c'), stateCaches(0), 1)
    const [one, two] = [state.view(), state.view()]
    expect(one, 'shared').to.equal(two)
    one.release()
    state.advance(1, [])
    expect(open).to.equal(1)
    two.release()
    expect(open).to.equal(0)
    state.view().release()
    expect(open, 'kept for the next reader').to.equal(1)
    state.advance(2, [])
    expect(open).to.equal(0)
    state.advance(3, [])
    expect(open).to.equal(0)
  })

  it('keeps no snapshot for simulators that are done', async () => {
    const bench = await Bench.start()
    const database = (bench.ledger as unknown as { store: { database: { snapshot: () => StoreSnapshot } } }).store
      .database
    const taken: StoreSnapshot[] = []
    const closed = new Set<StoreSnapshot>()
    const take = database.snapshot.bind(database)
    database.snapshot = () => {
      const snapshot = take()
      taken.push(snapshot)
      const close = snapshot.close.bind(snapshot)
      snapshot.close = () => {
        closed.add(snapshot)
        return close()
      }
      return snapshot
    }
    for (let i = 0; i < 20; i++) {
      await bench.put({ a: `${i}` })
      expect(await bench.value('a')).to.equal(`${i}`)
    }
    expect(taken.length).to.be.within(20, 21)
    expect(taken.length - closed.size).to.equal(1)
    await bench.stop()
  })

  it('shows rows and absences to readers who came after them only', () => {
    const cache = new RowCache(1_000_000)
    cache.set('k', row('k', 5))
    cache.set('gone', { value: undefined, blockNum: 7 })
    expect(cache.get('k', 5)).to.equal(undefined)
    expect(cache.get('k', 6)?.value?.toString()).to.equal('v')
    expect(cache.get('gone', 7)).to.equal(undefined)
    expect(cache.get('gone', 8)).to.deep.equal({ value: undefined, blockNum: 7 })
  })

  it('drops rows that were not used for long, and keeps those that were', () => {
    const cache = new RowCache(20_000)
    for (let i = 0; i < 1000; i++) {
      cache.set(`k${i}`, row(`k${i}`, 1))
      expect(cache.get('k0', 2), `after ${i}`).to.not.equal(undefined)
    }
    expect(Array.from({ length: 1000 }, (_, i) => cache.get(`k${i}`, 2)).filter(Boolean).length).to.be.lessThan(100)
  })

  it('forgets the old value of a key whose new one is too large to keep', () => {
    const cache = new RowCache(20_000)
    cache.set('k', row('k', 1, 'small'))
    cache.set('k', row('k', 2, 'x'.repeat(10_000)))
    expect(cache.get('k', 3)).to.equal(undefined)
  })

  it('splits pages that grow, and starts anew when pages take too much', () => {
    const pages = new PageCache(1_000_000)
    pages.insert('p', '', undefined, [], 1)
    const name = (i: number): string => `k${String(i).padStart(5, '0')}`
    const add = (i: number) => pages.apply([{ prefix: 'p', key: name(i), row: row(name(i), i + 1) }], i + 1)
    for (let i = 0; i < 1500; i++) add(i)
    const first = pages.find('p', '', 1501)!
    expect(first.rows.length).to.be.within(200, 512)
    expect(first.high).to.equal(name(first.rows.length))
    expect(pages.find('p', name(1499), 1501)).to.deep.include({ high: undefined })
    for (let i = 1500; i < 4000; i++) add(i)
    expect(pages.find('p', '', 4001)).to.equal(undefined)
  })

  it('does not keep a page that would fill it', () => {
    const pages = new PageCache(10_000)
    pages.insert('p', '', undefined, [row('k', 0, 'x'.repeat(5000))], 1)
    expect(pages.find('p', 'k', 1)).to.equal(undefined)
  })
})
