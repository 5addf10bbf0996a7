import { expect } from 'chai'
import { Bench, decodeResults, drain, NAMESPACE } from './support.js'

const key = (index: number): string => `k${String(index).padStart(4, '0')}`
const rowsOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [key(index), `v${index}`]))

describe('A range of the state', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
  })
  afterEach(() => bench.stop())

  const keysIn = (startKey: string, endKey: string, batch?: number): Promise<string[]> =>
    bench.read(async (simulator) =>
      (await drain(simulator.getStateRange(NAMESPACE, startKey, endKey), batch)).map((row) => row.key),
    )

  /** Every range is read twice: from the files, and from what the first time left in memory. */
  const expectKeys = async (startKey: string, endKey: string, expected: string[]): Promise<void> => {
    await bench.reopen()
    expect(await keysIn(startKey, endKey), 'from the files').to.deep.equal(expected)
    expect(await keysIn(startKey, endKey), 'from memory').to.deep.equal(expected)
    expect(await keysIn(startKey, endKey, 1), 'one by one').to.deep.equal(expected)
  }

  for (const count of [0, 1, 99, 100, 101, 102, 1000])
    it(`of ${count} rows comes whole, in order, and with its values`, async () => {
      if (count > 0) await bench.put(rowsOf(count))
      await expectKeys(
        '',
        '',
        Array.from({ length: count }, (_, index) => key(index)),
      )
      const rows = await bench.read((simulator) => drain(simulator.getStateRange(NAMESPACE, '', '')))
      expect(rows.every((row, index) => row.namespace === NAMESPACE && row.value.toString() === `v${index}`)).to.equal(
        true,
      )
    })

  it('starts with its start key and ends before its end key', async () => {
    await bench.put(rowsOf(6))
    await expectKeys(key(2), key(4), [key(2), key(3)])
    await expectKeys('k0002x', 'k0004x', [key(3), key(4)])
    await expectKeys('', key(2), [key(0), key(1)])
    await expectKeys(key(4), '', [key(4), key(5)])
    await expectKeys(key(4), key(4), [])
    await expectKeys(key(4), key(2), [])
    await expectKeys('z', '', [])
  })

  it('follows the bytes of UTF-8 beyond the Basic Multilingual Plane', async () => {
    const ordered = ['a', 'ä', '\ud7ff', '\ue000', '\uffee', '𐀀', '😀', '\u{10ffff}']
    expect([...ordered].sort(), 'order of UTF-16').to.not.deep.equal(ordered)
    await bench.put(Object.fromEntries(ordered.map((name) => [name, 'x'])))
    await expectKeys('', '', ordered)
    await expectKeys('\uffee', '😀', ['\uffee', '𐀀'])
  })

  it('tells composite keys from simple ones, and finds them by their beginning', async () => {
    const composite = (...parts: string[]): string => `\0${parts.map((part) => `${part}\0`).join('')}`
    const red = [composite('colour', 'red', 'a'), composite('colour', 'red', 'b')]
    await bench.put({
      [red[0]!]: '1',
      [red[1]!]: '1',
      [composite('colour', 'redder', 'c')]: '1',
      plain: '1',
      '\x01': '1',
    })
    const prefix = composite('colour', 'red')
    await expectKeys(prefix, `${prefix}\u{10ffff}`, red)
    await expectKeys('\x01', '', ['\x01', 'plain'])
  })

  it('leaves deleted rows out', async () => {
    await bench.put(rowsOf(5))
    await bench.put({ [key(0)]: '', [key(3)]: '' })
    await expectKeys('', '', [key(1), key(2), key(4)])
  })

  it('stays right in memory while blocks change it', async () => {
    await bench.put(rowsOf(250))
    expect(await keysIn('', '')).to.have.length(250)
    await bench.put({ [key(3)]: '', k0003a: 'new', [key(249)]: '', [key(150)]: 'changed', z: 'new' })
    const rows = await bench.read((simulator) => drain(simulator.getStateRange(NAMESPACE, '', '')))
    const found = new Map(rows.map((row) => [row.key, row.value.toString()]))
    expect(found.size).to.equal(250)
    expect([found.get('k0003a'), found.get('z'), found.get(key(150))]).to.deep.equal(['new', 'new', 'changed'])
    expect([found.has(key(3)), found.has(key(249))]).to.deep.equal([false, false])
  })

  it('rejects when it is asked after its close, which may come twice', async () => {
    await bench.put(rowsOf(3))
    await bench.read(async (simulator) => {
      const range = simulator.getStateRange(NAMESPACE, '', '')
      expect(await range.next(2)).to.have.length(2)
      range.close()
      range.close()
      expect(await range.next(1).catch((error: Error) => error)).to.be.an('error')
    })
  })

  describe('in the read-write set', () => {
    const infoOf = (
      pull: (next: (limit: number) => Promise<unknown[]>) => Promise<unknown>,
      startKey = '',
      endKey = '',
    ) =>
      bench.read(async (simulator) => {
        const range = simulator.getStateRange(NAMESPACE, startKey, endKey)
        await pull((limit) => range.next(limit))
        return decodeResults(simulator.getTxSimulationResults()).get(NAMESPACE)?.rangeQueriesInfo
      })

    it('is its whole self with the rows when it was read to its end', async () => {
      await bench.put(rowsOf(3))
      expect(await infoOf((next) => next(101), 'k', 'l')).to.deep.equal([
        {
          startKey: 'k',
          endKey: 'l',
          itrExhausted: true,
          readsInfo: {
            $case: 'rawReads',
            rawReads: {
              kvReads: [0, 1, 2].map((index) => ({ key: key(index), version: { blockNum: 1n, txNum: 0n } })),
            },
          },
        },
      ])
    })

    it('ends with the last row that was pulled when there may be more', async () => {
      await bench.put(rowsOf(3))
      for (const _ of ['from the files', 'from memory']) {
        const [info] = (await infoOf((next) => next(2), '', 'l'))!
        expect(info).to.deep.include({ startKey: '', endKey: key(1), itrExhausted: false })
        expect(info!.readsInfo).to.have.nested.property('rawReads.kvReads.length', 2)
      }
      const [whole] = (await infoOf((next) => next(3), '', 'l'))!
      expect(whole, 'nobody has seen yet that there is no fourth').to.deep.include({
        endKey: key(2),
        itrExhausted: false,
      })
    })

    it('is there without rows when it is empty', async () => {
      expect(await infoOf((next) => next(101), 'k', 'l')).to.deep.equal([
        { startKey: 'k', endKey: 'l', itrExhausted: true, readsInfo: undefined },
      ])
    })

    it('is not there when nothing was pulled', async () => {
      await bench.put(rowsOf(3))
      expect(await infoOf(async () => undefined)).to.equal(undefined)
    })

    it('is there once when it was read twice alike, and twice when it was read to different ends', async () => {
      await bench.put(rowsOf(3))
      const infos = await bench.read(async (simulator) => {
        for (const limit of [2, 101, 101, 2]) await simulator.getStateRange(NAMESPACE, '', '').next(limit)
        return decodeResults(simulator.getTxSimulationResults()).get(NAMESPACE)!.rangeQueriesInfo
      })
      expect(infos.map(({ endKey, itrExhausted }) => [endKey, itrExhausted])).to.deep.equal([
        [key(1), false],
        ['', true],
      ])
    })

    it('is a Merkle summary beyond 50 rows', async () => {
      await bench.put(rowsOf(51))
      const [raw] = (await infoOf((next) => next(50)))!
      expect(raw!.readsInfo).to.have.nested.property('rawReads.kvReads.length', 50)
      const [hashed] = (await infoOf((next) => next(101)))!
      expect(hashed).to.deep.include({ endKey: '', itrExhausted: true })
      expect(hashed!.readsInfo).to.deep.nested.include({
        'readsMerkleHashes.maxDegree': 50,
        'readsMerkleHashes.maxLevel': 1,
      })
      expect(hashed!.readsInfo).to.have.nested.property('readsMerkleHashes.maxLevelHashes.length', 1)
    })
  })
})
