import { expect } from 'chai'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { Bench, decodeResults, drain, NAMESPACE } from './support.js'

describe('The transaction simulator', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.start()
  })
  afterEach(() => bench.stop())

  const bytes = (text: string): Buffer => Buffer.from(text)

  it('marshals reads with their versions and writes, namespaces and keys in byte order', async () => {
    await bench.put({ b: '1' })
    await bench.put({ a: '2', '😀': '3', '\uffee': '4' })
    const simulator = bench.ledger.newSimulator('t')
    simulator.getState(NAMESPACE, '😀')
    simulator.getState(NAMESPACE, '\uffee')
    simulator.getState(NAMESPACE, 'missing')
    simulator.getState(NAMESPACE, 'b')
    simulator.setState(NAMESPACE, 'z', bytes('26'))
    simulator.setState(NAMESPACE, '😀', bytes('smile'))
    simulator.deleteState(NAMESPACE, 'a')
    simulator.setState(NAMESPACE, '\uffee', Buffer.alloc(0))
    simulator.getState('_lifecycle', 'namespaces/fields/basic/Sequence')
    simulator.setState('Upper', 'k', bytes('v'))
    const results = simulator.getTxSimulationResults()
    simulator.done()

    expect(TxReadWriteSet.decode(results).dataModel).to.equal(0)
    const sets = decodeResults(results)
    expect([...sets.keys()]).to.deep.equal(['Upper', '_lifecycle', NAMESPACE])
    expect(sets.get('_lifecycle')).to.deep.include({
      reads: [{ key: 'namespaces/fields/basic/Sequence', version: undefined }],
      writes: [],
    })
    expect(sets.get(NAMESPACE)).to.deep.equal({
      reads: [
        { key: 'b', version: { blockNum: 1n, txNum: 0n } },
        { key: 'missing', version: undefined },
        { key: '\uffee', version: { blockNum: 2n, txNum: 0n } },
        { key: '😀', version: { blockNum: 2n, txNum: 0n } },
      ],
      rangeQueriesInfo: [],
      writes: [
        { key: 'a', isDelete: true, value: Buffer.alloc(0) },
        { key: 'z', isDelete: false, value: bytes('26') },
        { key: '\uffee', isDelete: true, value: Buffer.alloc(0) },
        { key: '😀', isDelete: false, value: bytes('smile') },
      ],
      metadataWrites: [],
    })
  })

  it('marshals the very bytes of a set written out by hand', async () => {
    await bench.put({ a: '1' })
    const results = await bench.read((simulator) => {
      simulator.getState('kv', 'a')
      simulator.setState('kv', 'a', bytes('a1'))
      return simulator.getTxSimulationResults()
    })
    // TxReadWriteSet{ns_rwset{namespace "kv", rwset KVRWSet{reads{key "a"}, writes{key "a", value "a1"}}}}
    expect(results.toString('hex')).to.equal(
      '1214' + '0a026b76' + '120e' + '0a03' + '0a0161' + '1a07' + '0a0161' + '1a026131',
    )
  })

  it('marshals an empty set for a transaction that touches nothing', () =>
    bench.read((simulator) => expect(simulator.getTxSimulationResults()).to.have.length(0)))

  it('never reads its own writes', async () => {
    await bench.put({ a: 'old' })
    await bench.read(async (simulator) => {
      simulator.setState(NAMESPACE, 'a', bytes('new'))
      simulator.setState(NAMESPACE, 'b', bytes('new'))
      simulator.deleteState(NAMESPACE, 'a')
      expect(simulator.getState(NAMESPACE, 'a')?.toString()).to.equal('old')
      expect(simulator.getState(NAMESPACE, 'b')).to.equal(undefined)
      expect(await drain(simulator.getStateRange(NAMESPACE, '', ''))).to.have.length(1)
    })
  })

  it('records a key once, and keeps the last of several writes', async () => {
    const results = await bench.read((simulator) => {
      for (const value of ['1', '2', '3']) {
        simulator.getState(NAMESPACE, 'a')
        simulator.setState(NAMESPACE, 'a', bytes(value))
      }
      return simulator.getTxSimulationResults()
    })
    const set = decodeResults(results).get(NAMESPACE)!
    expect(set.reads).to.have.length(1)
    expect(set.writes).to.deep.equal([{ key: 'a', isDelete: false, value: bytes('3') }])
  })

  it('takes a delete that follows a write, and a write that follows a delete', async () => {
    await bench.put({ a: '1', b: '2' })
    await bench.invoke((simulator) => {
      simulator.setState(NAMESPACE, 'a', bytes('x'))
      simulator.deleteState(NAMESPACE, 'a')
      simulator.deleteState(NAMESPACE, 'b')
      simulator.setState(NAMESPACE, 'b', bytes('y'))
    })
    expect(await bench.value('a')).to.equal(undefined)
    expect(await bench.value('b')).to.equal('y')
  })

  it('deletes a key with an empty value', async () => {
    await bench.put({ a: '1' })
    await bench.put({ a: '' })
    expect(await bench.value('a')).to.equal(undefined)
  })

  it('accepts the empty key', async () => {
    await bench.put({ '': 'nothing' })
    expect(await bench.value('')).to.equal('nothing')
    const rows = await bench.read((simulator) => drain(simulator.getStateRange(NAMESPACE, '', '')))
    expect(rows.map(({ key }) => key)).to.deep.equal([''])
  })

  it('gives values back byte by byte', async () => {
    const value = Buffer.from([0, 255, 254, 0x80, 10])
    await bench.invoke((simulator) => simulator.setState(NAMESPACE, 'bin', value))
    await bench.reopen()
    expect(await bench.read((simulator) => simulator.getState(NAMESPACE, 'bin'))).to.deep.equal(value)
  })

  it('keeps namespaces apart', async () => {
    await bench.invoke((simulator) => {
      simulator.setState('cc', 'k', bytes('cc'))
      simulator.setState('cc-2', 'k', bytes('cc-2'))
    })
    await bench.read(async (simulator) => {
      expect(simulator.getState('cc', 'k')?.toString()).to.equal('cc')
      expect(simulator.getState('c', 'k')).to.equal(undefined)
      expect(await drain(simulator.getStateRange('cc', '', ''))).to.have.length(1)
    })
  })

  it('sees one moment, whatever is committed meanwhile', async () => {
    await bench.put({ a: '1', b: '1', c: '1' })
    const simulator = bench.ledger.newSimulator('t')
    const range = simulator.getStateRange(NAMESPACE, '', '')
    const seen = [...(await range.next(1))]
    await bench.put({ a: '2', b: '2', d: '2' })
    await bench.invoke((other) => other.deleteState(NAMESPACE, 'c'))
    expect(await bench.value('b'), 'a new simulator').to.equal('2')
    seen.push(...(await drain(range)))
    const late = await drain(simulator.getStateRange(NAMESPACE, 'b', ''))
    const got = ['a', 'b', 'c', 'd'].map((key) => simulator.getState(NAMESPACE, key)?.toString())
    const reads = decodeResults(simulator.getTxSimulationResults()).get(NAMESPACE)!.reads
    simulator.done()
    expect(seen.map(({ key, value }) => `${key}=${value}`)).to.deep.equal(['a=1', 'b=1', 'c=1'])
    expect(late.map(({ key, value }) => `${key}=${value}`)).to.deep.equal(['b=1', 'c=1'])
    expect(got).to.deep.equal(['1', '1', '1', undefined])
    expect(reads.map(({ version }) => version?.blockNum)).to.deep.equal([1n, 1n, 1n, undefined])
  })

  it('sees all of a block or nothing of it while blocks are being written', async () => {
    let committing = true
    const commits = (async () => {
      for (let round = 0; round < 60; round++) await bench.put({ left: `${round}`, right: `${round}` })
      committing = false
    })()
    const seen = new Set<string>()
    while (committing) {
      const height = bench.ledger.height
      const pair = await bench.read(async (simulator) => {
        const left = simulator.getState(NAMESPACE, 'left')?.toString()
        await new Promise((resolve) => setImmediate(resolve))
        const rows = await drain(simulator.getStateRange(NAMESPACE, 'right', ''))
        return { left, right: rows[0]?.value.toString() }
      })
      expect(pair.left).to.equal(pair.right)
      expect(pair.left).to.equal(height === 1n ? undefined : `${height - 2n}`)
      seen.add(String(pair.left))
    }
    await commits
    expect(seen.size).to.be.greaterThan(1)
  })

  it('refuses everything when it is done, and may be done twice', async () => {
    await bench.put({ a: '1' })
    const simulator = bench.ledger.newSimulator('t')
    const range = simulator.getStateRange(NAMESPACE, '', '')
    simulator.done()
    simulator.done()
    const text = 'this instance should not be used after calling Done()'
    expect(() => simulator.getState(NAMESPACE, 'a')).to.throw(text)
    expect(() => simulator.setState(NAMESPACE, 'a', bytes('1'))).to.throw(text)
    expect(() => simulator.deleteState(NAMESPACE, 'a')).to.throw(text)
    expect(() => simulator.getStateRange(NAMESPACE, '', '')).to.throw(text)
    expect(() => simulator.getHistoryForKey(NAMESPACE, 'a')).to.throw(text)
    expect(() => simulator.getTxSimulationResults()).to.throw(text)
    expect(await range.next(1).catch((error: Error) => error)).to.be.an('error')
  })

  it('may be done while rows are on their way', async () => {
    await bench.put(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, 'v'])))
    await bench.reopen()
    const simulator = bench.ledger.newSimulator('t')
    const range = simulator.getStateRange(NAMESPACE, '', '')
    const history = simulator.getHistoryForKey(NAMESPACE, 'k1')
    const pending = [range.next(101), history.next(101)]
    simulator.done()
    const ends = await Promise.allSettled(pending)
    expect(ends.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
    range.close()
    expect(await bench.value('k1')).to.equal('v')
  })

  it('lets the store close while simulators are still open', async () => {
    await bench.put({ a: '1' })
    const simulator = bench.ledger.newSimulator('t')
    const range = simulator.getStateRange(NAMESPACE, '', '')
    await range.next(1)
    await bench.provider.close()
    expect(() => simulator.getState(NAMESPACE, 'never read')).to.throw('the ledger is closed')
    simulator.done()
    await bench.open()
    expect(await bench.value('a')).to.equal('1')
  })
})
