import { expect } from 'chai'
import { Bench, drain, NAMESPACE } from './support.js'

describe('The history of a key', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
  })
  afterEach(() => bench.stop())

  const put = (key: string, value: string, txId: string, seconds: number) =>
    bench.invoke((simulator) => simulator.setState(NAMESPACE, key, Buffer.from(value)), txId, seconds)
  const historyOf = (key: string, namespace = NAMESPACE, batch?: number) =>
    bench.read((simulator) => drain(simulator.getHistoryForKey(namespace, key), batch))
  const valuesOf = async (key: string): Promise<string[]> => (await historyOf(key)).map(({ value }) => value.toString())

  it('tells every write, newest first, with transaction, time and deletes', async () => {
    await put('a', '1', 'tx-one', 100)
    await put('a', '2', 'tx-two', 50)
    await bench.invoke((simulator) => simulator.deleteState(NAMESPACE, 'a'), 'tx-three', 200)
    await put('a', '3', 'tx-four', 300)
    const expected = [
      { txId: 'tx-four', value: '3', isDelete: false, timestamp: { seconds: 300n, nanos: 5 } },
      { txId: 'tx-three', value: '', isDelete: true, timestamp: { seconds: 200n, nanos: 5 } },
      { txId: 'tx-two', value: '2', isDelete: false, timestamp: { seconds: 50n, nanos: 5 } },
      { txId: 'tx-one', value: '1', isDelete: false, timestamp: { seconds: 100n, nanos: 5 } },
    ]
    for (const batch of [101, 1]) {
      const rows = await historyOf('a', NAMESPACE, batch)
      expect(rows.map((row) => ({ ...row, value: row.value.toString() }))).to.deep.equal(expected)
      await bench.reopen()
    }
  })

  it('keeps the order over more than 256 blocks, and within a block', async () => {
    for (let i = 0; i < 260; i++) await bench.put({ a: `${i}` })
    const blind = (value: string) =>
      bench.simulate((simulator) => simulator.setState(NAMESPACE, 'a', Buffer.from(value)))
    await bench.block(...(await Promise.all(Array.from({ length: 20 }, (_, i) => blind(`last ${i}`)))))
    const values = await valuesOf('a')
    expect(values).to.deep.equal([
      ...Array.from({ length: 20 }, (_, i) => `last ${19 - i}`),
      ...Array.from({ length: 260 }, (_, i) => `${259 - i}`),
    ])
  })

  it('tells neither of other keys nor of other namespaces', async () => {
    await bench.put({ a: 'a', 'a\0b': 'longer', ab: 'other', '': 'empty', a0: 'digit', '1a': 'x' })
    await bench.invoke((simulator) => simulator.setState('other', 'a', Buffer.from('elsewhere')))
    expect(await valuesOf('a')).to.deep.equal(['a'])
    expect(await valuesOf('a\0b')).to.deep.equal(['longer'])
    expect(await valuesOf('')).to.deep.equal(['empty'])
    expect(await valuesOf('missing')).to.deep.equal([])
  })

  it('leaves invalid transactions out', async () => {
    const stale = await bench.simulate((simulator) => {
      simulator.getState(NAMESPACE, 'a')
      simulator.setState(NAMESPACE, 'a', Buffer.from('stale'))
    })
    await bench.put({ a: 'first' })
    expect(await bench.block(stale)).to.deep.equal([11])
    expect(await valuesOf('a')).to.deep.equal(['first'])
  })

  it('sees the moment of its simulator, and records nothing', async () => {
    await bench.put({ a: '1' })
    await bench.read(async (simulator) => {
      simulator.setState(NAMESPACE, 'a', Buffer.from('own'))
      await bench.put({ a: '2' })
      expect(await drain(simulator.getHistoryForKey(NAMESPACE, 'a'))).to.have.length(1)
    })
    const results = await bench.read(async (simulator) => {
      await drain(simulator.getHistoryForKey(NAMESPACE, 'a'))
      return simulator.getTxSimulationResults()
    })
    expect(results).to.have.length(0)
  })
})
