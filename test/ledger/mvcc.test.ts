import { expect } from 'chai'
import { KVRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet, TxReadWriteSet_DataModel } from '../../proto/gen/ledger/rwset.js'
import { TxValidationCode as Code } from '../../proto/gen/peer/transaction.js'
import type { TxSimulator } from '../../src/ledger/types.js'
import { Bench, drain, envelopeOf, NAMESPACE } from './support.js'

describe('Validation at commit', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
  })
  afterEach(() => bench.stop())

  const put =
    (key: string, value = 'x') =>
    (simulator: TxSimulator): void =>
      simulator.setState(NAMESPACE, key, Buffer.from(value))
  const readAndPut = (key: string, value?: string) => (simulator: TxSimulator) => {
    simulator.getState(NAMESPACE, key)
    put(key, value)(simulator)
  }
  /** Pulls `limit` rows from a range, and writes something, so that the transaction is not empty. */
  const rangeAndPut =
    (startKey: string, endKey: string, limit = 101) =>
    async (simulator: TxSimulator) => {
      await simulator.getStateRange(NAMESPACE, startKey, endKey).next(limit)
      put('result')(simulator)
    }
  const remove = (key: string) => (simulator: TxSimulator) => simulator.deleteState(NAMESPACE, key)
  const rows = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${String(index).padStart(4, '0')}`, 'v']))

  describe('of keys that were read', () => {
    it('lets the first of two read-modify-writes in a block win', async () => {
      await bench.put({ a: '0' })
      const [first, second] = [await bench.simulate(readAndPut('a', '1')), await bench.simulate(readAndPut('a', '2'))]
      expect(await bench.block(first, second)).to.deep.equal([Code.VALID, Code.MVCC_READ_CONFLICT])
      expect(await bench.value('a')).to.equal('1')
    })

    it('lets the last of two blind writes in a block win', async () => {
      const [first, second] = [await bench.simulate(put('a', '1')), await bench.simulate(put('a', '2'))]
      expect(await bench.block(first, second)).to.deep.equal([Code.VALID, Code.VALID])
      expect(await bench.value('a')).to.equal('2')
    })

    it('finds a key that another block wrote after the read', async () => {
      await bench.put({ a: '0' })
      const late = await bench.simulate(readAndPut('a'))
      await bench.put({ a: '1' })
      expect(await bench.block(late)).to.deep.equal([Code.MVCC_READ_CONFLICT])
      expect(await bench.value('a')).to.equal('1')
    })

    it('finds a missing key that was created meanwhile, in another block or in this one', async () => {
      const [late, later] = [await bench.simulate(readAndPut('a')), await bench.simulate(readAndPut('b'))]
      await bench.put({ a: '1' })
      expect(await bench.block(late, await bench.simulate(put('b')), later)).to.deep.equal([11, 0, 11])
    })

    it('finds a key that was deleted meanwhile, in another block or in this one', async () => {
      await bench.put({ a: '0', b: '0' })
      const [late, later] = [await bench.simulate(readAndPut('a')), await bench.simulate(readAndPut('b'))]
      await bench.invoke(remove('a'))
      expect(await bench.block(late, await bench.simulate(remove('b')), later)).to.deep.equal([11, 0, 11])
    })

    it('finds a value that was written again as it was', async () => {
      await bench.put({ a: 'same' })
      const late = await bench.simulate(readAndPut('a'))
      await bench.put({ a: 'same' })
      expect(await bench.block(late)).to.deep.equal([11])
    })

    it('does not mind what invalid transactions of the block would have written', async () => {
      await bench.put({ a: '0', b: '0' })
      const invalid = await bench.simulate((simulator) => {
        readAndPut('a')(simulator)
        put('b')(simulator)
      })
      await bench.put({ a: '1' })
      const reader = await bench.simulate(readAndPut('b', 'mine'))
      expect(await bench.block(invalid, reader)).to.deep.equal([11, 0])
      expect(await bench.value('b')).to.equal('mine')
    })

    it('compares with the place in the block, too', async () => {
      await bench.block(await bench.simulate(put('a')), await bench.simulate(put('b')))
      expect(
        await bench.block(await bench.simulate(readAndPut('a')), await bench.simulate(readAndPut('b'))),
      ).to.deep.equal([0, 0])
    })

    it('keeps namespaces apart', async () => {
      const other = await bench.simulate((simulator) => simulator.setState('other', 'a', Buffer.from('x')))
      expect(await bench.block(other, await bench.simulate(readAndPut('a')))).to.deep.equal([0, 0])
    })

    it('takes a transaction that only reads, and one that does nothing', async () => {
      const codes = await bench.block(
        await bench.simulate((simulator) => simulator.getState(NAMESPACE, 'a')),
        await bench.simulate(() => undefined),
      )
      expect(codes).to.deep.equal([0, 0])
    })
  })

  describe('of ranges that were read', () => {
    for (const count of [3, 120]) {
      describe(`with ${count} rows in them`, () => {
        beforeEach(() => bench.put(rows(count)))

        it('takes what has not changed', async () => {
          expect(await bench.block(await bench.simulate(rangeAndPut('k', 'l', 1000)))).to.deep.equal([0])
        })

        it('finds an insert, a delete and a change by another block', async () => {
          for (const change of [put('k0001a'), remove('k0001a'), put('k0002'), put('kz'), remove('k0000')]) {
            const late = await bench.simulate(rangeAndPut('k', 'l', 1000))
            await bench.invoke(change)
            expect(await bench.block(late)).to.deep.equal([Code.PHANTOM_READ_CONFLICT])
          }
        })

        it('finds an insert, a delete and a change earlier in the block', async () => {
          for (const change of [put('k0001a'), remove('k0001a'), put('k0002'), put('kz'), remove('k0000')]) {
            const reader = await bench.simulate(rangeAndPut('k', 'l', 1000))
            expect(await bench.block(await bench.simulate(change), reader)).to.deep.equal([0, 12])
          }
        })

        it('does not mind what happens beside it, or what changes nothing', async () => {
          const reader = await bench.simulate(rangeAndPut('k0001', 'k0002', 1000))
          const beside = [put('k0000'), put('k0002'), put('k0000zzz'), remove('k0001a'), remove('k0002')]
          const changes = await Promise.all(beside.map((change) => bench.simulate(change)))
          expect(await bench.block(...changes, reader)).to.deep.equal([0, 0, 0, 0, 0, 0])
        })
      })
    }

    it('finds an insert behind the last result that was used, as long as it was pulled', async () => {
      await bench.put(rows(5))
      // What a peer pulls before it answers with the first batch of 100.
      const late = await bench.simulate(rangeAndPut('k', 'l', 101))
      await bench.put({ k0003a: 'new' })
      expect(await bench.block(late)).to.deep.equal([12])
    })

    it('does not mind an insert behind the last row that was pulled', async () => {
      await bench.put(rows(150))
      const [late, inBlock] = [await bench.simulate(rangeAndPut('k', 'l')), await bench.simulate(rangeAndPut('k', 'l'))]
      await bench.put({ k0100a: 'new' })
      expect(await bench.block(await bench.simulate(put('k0100b')), late, inBlock)).to.deep.equal([0, 0, 0])
    })

    it('finds a change of the last row that was pulled, though it is the end of the record', async () => {
      await bench.put(rows(150))
      const [late, inBlock] = [await bench.simulate(rangeAndPut('k', 'l')), await bench.simulate(rangeAndPut('k', 'l'))]
      expect(await bench.block(await bench.simulate(put('k0100')), inBlock)).to.deep.equal([0, 12])
      expect(await bench.block(late)).to.deep.equal([12])
    })

    it('finds the first row of an empty range, and of the open range of all keys', async () => {
      const [empty, open] = [await bench.simulate(rangeAndPut('k', 'l')), await bench.simulate(rangeAndPut('', ''))]
      await bench.put({ k: '1' })
      expect(await bench.block(empty, open)).to.deep.equal([12, 12])
    })

    it('takes a read of 1,000 rows in batches, hashed', async () => {
      await bench.put(rows(1000))
      const reader = (): Promise<Buffer> =>
        bench.simulate(async (simulator) => {
          await drain(simulator.getStateRange(NAMESPACE, '', ''))
        })
      const [same, late] = [await reader(), await reader()]
      await bench.reopen()
      expect(await bench.block(same, await bench.simulate(put('k0999')), late)).to.deep.equal([0, 0, 12])
    })

    it('judges the namespaces in order: a phantom in the first comes before a conflict in the second', async () => {
      const both = await bench.simulate(async (simulator) => {
        simulator.getState('second', 'a')
        await simulator.getStateRange('first', '', '').next(101)
      })
      await bench.invoke((simulator) => {
        simulator.setState('first', 'a', Buffer.from('x'))
        simulator.setState('second', 'a', Buffer.from('x'))
      })
      expect(await bench.block(both)).to.deep.equal([12])
    })
  })

  describe('of what cannot come from a simulator', () => {
    const code = async (results: Uint8Array): Promise<number> =>
      (await bench.ledger.commit(envelopeOf({ txId: bench.nextTxId(), results: Buffer.from(results) }))).code
    const kv = (set: Parameters<typeof KVRWSet.fromPartial>[0]): Buffer =>
      Buffer.from(KVRWSet.encode(KVRWSet.fromPartial(set)).finish())
    const tx = (...sets: [namespace: string, rwset: Buffer][]): Uint8Array =>
      TxReadWriteSet.encode({
        dataModel: TxReadWriteSet_DataModel.KV,
        nsRwset: sets.map(([namespace, rwset]) => ({ namespace, rwset, collectionHashedRwset: [] })),
      }).finish()

    it('refuses read-write sets that cannot be decoded', async () => {
      expect(await code(Buffer.from('garbage'))).to.equal(Code.BAD_RWSET)
      expect(await code(tx(['a', Buffer.from([0x0a, 0x7f])]))).to.equal(Code.BAD_RWSET)
    })

    it('refuses a namespace that comes twice', async () =>
      expect(await code(tx(['a', kv({})], ['a', kv({})]))).to.equal(Code.ILLEGAL_WRITESET))

    it('takes an empty value for a delete', async () => {
      await bench.put({ a: '1' })
      expect(await code(tx([NAMESPACE, kv({ writes: [{ key: 'a' }] })]))).to.equal(Code.VALID)
      expect(await bench.value('a')).to.equal(undefined)
    })

    it('finds a summary wrong that has no sensible degree, or other hashes', async () => {
      await bench.put(rows(60))
      for (const maxDegree of [0, 1, 2, 50])
        expect(
          await code(
            tx([
              NAMESPACE,
              kv({
                rangeQueriesInfo: [
                  {
                    itrExhausted: true,
                    readsInfo: {
                      $case: 'readsMerkleHashes',
                      readsMerkleHashes: {
                        maxDegree,
                        maxLevel: 1,
                        maxLevelHashes: [Buffer.alloc(32), Buffer.alloc(32)],
                      },
                    },
                  },
                ],
              }),
            ]),
          ),
        ).to.equal(Code.PHANTOM_READ_CONFLICT)
    })

    it('finds reads wrong that are more than there are', async () => {
      await bench.put({ a: '1' })
      const read = { key: 'a', version: { blockNum: 1n, txNum: 0n } }
      const info = (...kvReads: (typeof read)[]) =>
        kv({ rangeQueriesInfo: [{ itrExhausted: true, readsInfo: { $case: 'rawReads', rawReads: { kvReads } } }] })
      expect(await code(tx([NAMESPACE, info(read)]))).to.equal(Code.VALID)
      expect(await code(tx([NAMESPACE, info(read, { ...read, key: 'b' })]))).to.equal(Code.PHANTOM_READ_CONFLICT)
      expect(await code(tx([NAMESPACE, info()]))).to.equal(Code.PHANTOM_READ_CONFLICT)
    })
  })
})
