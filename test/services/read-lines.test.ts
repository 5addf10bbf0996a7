import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import fc from 'fast-check'
import { LineSplitter, readLines } from '../../services/read-lines.js'

/** Feeds `bytes` in pieces that end at `cuts`, and returns all lines. */
function split(bytes: Buffer, cuts: readonly number[], maxLineBytes?: number): string[] {
  const splitter = new LineSplitter(maxLineBytes)
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  const lines = ends.flatMap((end, i) => splitter.feed(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)))
  return [...lines, ...splitter.rest()]
}

describe('LineSplitter', () => {
  it('returns the lines of a chunk and keeps what is not ended yet', () => {
    const splitter = new LineSplitter()
    expect(splitter.feed(Buffer.from('one\ntwo\n\nth'))).to.deep.equal(['one', 'two', ''])
    expect(splitter.unfinished()).to.equal('th')
    expect(splitter.feed(Buffer.from('ree\n'))).to.deep.equal(['three'])
    expect(splitter.unfinished()).to.equal('')
    expect(splitter.rest()).to.deep.equal([])
  })

  it('takes one carriage return before a line end as part of it, also across chunks', () => {
    expect(split(Buffer.from('one\r\ntwo\r\r\nthree\rfour\r\n'), [4, 9])).to.deep.equal(['one', 'two\r', 'three\rfour'])
  })

  it('keeps characters whole whose bytes come in different chunks', () => {
    const text = 'Grüße — 漢字 🙂'
    const bytes = Buffer.from(`${text}\n${text}`)
    for (let cut = 0; cut <= bytes.length; cut++) expect(split(bytes, [cut])).to.deep.equal([text, text])
  })

  it('shows of an unfinished line only whole characters', () => {
    const splitter = new LineSplitter()
    splitter.feed(Buffer.from('né').subarray(0, 2))
    expect(splitter.unfinished()).to.equal('n')
  })

  it('cuts a line over the limit at a character, says how long it is, and goes on with the next line', () => {
    const bytes = Buffer.from('äääää\nok\n')
    expect(split(bytes, [], 5)).to.deep.equal(['ää … [cut: the line has 10 bytes]', 'ok'])
    expect(split(bytes, [3, 7], 5)).to.deep.equal(['ää … [cut: the line has 10 bytes]', 'ok'])
    expect(split(Buffer.from('a\nbbbbbbbb\ncc\n'), [], 5)).to.deep.equal([
      'a',
      'bbbbb … [cut: the line has 8 bytes]',
      'cc',
    ])
  })

  it('keeps no more than the limit of output without any line end', () => {
    const splitter = new LineSplitter(1000)
    for (let i = 0; i < 100; i++) expect(splitter.feed(Buffer.alloc(100_000, 'x'))).to.deep.equal([])
    expect(splitter.unfinished()).to.have.length(1000)
    expect(splitter.rest()[0]).to.match(/^x{1000} … \[cut: the line has 10000000 bytes\]$/)
  })

  it('returns the same lines however the bytes are cut into chunks', () => {
    const content = fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }).map((line) => line.replace(/[\r\n]/g, '')))
    fc.assert(
      fc.property(content, fc.array(fc.nat()), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        expect(split(bytes, cuts)).to.deep.equal(lines)
      }),
    )
  })
})

describe('readLines', () => {
  it('delivers the lines of each chunk together, and the last one without a line end when the stream ends', async () => {
    const stream = new PassThrough()
    const batches: string[][] = []
    const reader = readLines(stream, (lines) => batches.push(lines))
    stream.write('one\ntwo\nthr')
    stream.end('ee')
    await reader.ended
    expect(batches).to.deep.equal([['one', 'two'], ['three']])
  })

  it('ends when the stream is destroyed or fails', async () => {
    for (const error of [undefined, new Error('broken pipe')]) {
      const stream = new PassThrough()
      const lines: string[] = []
      const reader = readLines(stream, (batch) => lines.push(...batch))
      stream.write('half')
      await new Promise((resolve) => setImmediate(resolve))
      expect(reader.unfinished()).to.equal('half')
      stream.destroy(error)
      await reader.ended
      expect(lines).to.deep.equal(['half'])
    }
  })
})
