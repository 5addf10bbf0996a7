import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { QueryReads } from '../../proto/gen/ledger/kv-rwset.js'
import { RangeReads } from '../../src/ledger/range-reads.js'

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => ({ key: `k${from + index}`, blockNum: 7, txNum: from + index }))
const leaf = (from: number, to: number): Buffer =>
  sha256(
    QueryReads.encode({
      kvReads: rows(from, to).map(({ key, txNum }) => ({ key, version: { blockNum: 7n, txNum: BigInt(txNum) } })),
    }).finish(),
  )

function summaryOf(count: number, degree?: number) {
  const reads = new RangeReads(degree)
  for (const row of rows(0, count)) reads.add(row)
  const info = reads.finish()
  if (info?.$case !== 'readsMerkleHashes') throw new Error(`no summary: ${info?.$case}`)
  return info.readsMerkleHashes
}

describe('The reads of a range query', () => {
  it('stay as they are up to the degree', () => {
    const reads = new RangeReads()
    expect(new RangeReads().finish()).to.equal(undefined)
    for (const row of rows(0, 50)) reads.add(row)
    const info = reads.finish()
    expect(info?.$case === 'rawReads' && info.rawReads.kvReads[49]).to.deep.equal({
      key: 'k49',
      version: { blockNum: 7n, txNum: 49n },
    })
  })

  it('become leaves of 51 reads each, the last one shorter', () => {
    expect(summaryOf(51)).to.deep.equal({ maxDegree: 50, maxLevel: 1, maxLevelHashes: [leaf(0, 51)] })
    expect(summaryOf(120).maxLevelHashes).to.deep.equal([leaf(0, 51), leaf(51, 102), leaf(102, 120)])
  })

  it('become a tree where a level holds more nodes than the degree', () => {
    // Degree 2: leaves of 3 reads, and 3 nodes make one of the next level.
    const leaves = Array.from({ length: 10 }, (_, index) => leaf(3 * index, 3 * index + 3))
    const [a, b, c] = [0, 3, 6].map((at) => sha256(...leaves.slice(at, at + 3)))
    expect(summaryOf(9, 2)).to.deep.equal({ maxDegree: 2, maxLevel: 2, maxLevelHashes: [a] })
    expect(summaryOf(12, 2), 'one leaf left over goes up as it is').to.deep.include({
      maxLevel: 2,
      maxLevelHashes: [a, leaves[3]],
    })
    expect(summaryOf(15, 2), 'two left over are hashed together').to.deep.include({
      maxLevel: 2,
      maxLevelHashes: [a, sha256(leaves[3]!, leaves[4]!)],
    })
    expect(summaryOf(27, 2)).to.deep.include({ maxLevel: 3, maxLevelHashes: [sha256(a!, b!, c!)] })
    expect(summaryOf(24, 2), 'the top level grew too long at the end').to.deep.include({
      maxLevel: 3,
      maxLevelHashes: [sha256(a!, b!, sha256(leaves[6]!, leaves[7]!))],
    })
  })
})
