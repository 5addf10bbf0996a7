import { expect } from 'chai'
import fc from 'fast-check'
import { FrameReader, FramingError, packFrames } from '../../services/grpc-framing.js'
import { frame } from './grpc-clients.js'

/** Reads `chunks` and gives the messages in them. */
function read(chunks: readonly Uint8Array[], maxMessageBytes = 10_000_000): Buffer[] {
  const messages: Buffer[] = []
  const reader = new FrameReader(maxMessageBytes, 'identity', (message) => messages.push(message) > 0)
  for (const chunk of chunks) reader.push(Buffer.from(chunk))
  expect(reader.isPartial).to.be.false
  return messages
}

/** Cuts `bytes` at the given places. */
function split(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

const message = fc
  .oneof(fc.nat(20), fc.constantFrom(16_383, 16_384, 16_385, 70_000), fc.nat(1000))
  .map((size) => Buffer.from(Array.from({ length: size }, (_, index) => index % 251)))

const errorOf = (run: () => unknown): FramingError => {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(FramingError)
    return error as FramingError
  }
  throw new Error('nothing was thrown')
}

describe('FrameReader', () => {
  it('finds the messages however the bytes are split', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map((payload) => frame(payload)))
        const found = read(split(bytes, cuts))
        expect(found).to.have.length(messages.length)
        expect(found.every((payload, index) => payload.equals(messages[index] as Buffer))).to.be.true
      }),
    )
  })

  it('finds the messages when the bytes come one by one', () => {
    const bytes = Buffer.concat(['first', '', 'third'].map((payload) => frame(payload)))
    expect(read(split(bytes, [...bytes.keys()])).map(String)).to.deep.equal(['first', '', 'third'])
  })

  it('puts a message of several megabytes together in a buffer of its size', () => {
    const large = Buffer.alloc(5_000_000, 'abc')
    const bytes = frame(large)
    const chunks = split(
      bytes,
      Array.from({ length: 400 }, (_, index) => index * 16_384),
    )
    const [found] = read(chunks)
    expect(found?.equals(large)).to.be.true
    expect(found?.buffer.byteLength).to.equal(large.length)
  })

  it('does not reserve what is only announced', () => {
    const reader = new FrameReader(100 * 1024 * 1024, 'identity', () => true)
    const before = process.memoryUsage().arrayBuffers
    const announcement = Buffer.alloc(6)
    announcement.writeUInt32BE(100 * 1024 * 1024, 1)
    reader.push(announcement)
    expect(reader.isPartial).to.be.true
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(10 * 1024 * 1024)
  })

  it('stops at once when it is told to', () => {
    const messages: string[] = []
    const reader = new FrameReader(1000, 'identity', (payload) => messages.push(String(payload)) < 2)
    reader.push(Buffer.concat([frame('one'), frame('two'), frame('three'), frame('four').subarray(0, 3)]))
    expect(messages).to.deep.equal(['one', 'two'])
  })

  it('refuses a message over the limit before it has arrived', () => {
    const error = errorOf(() => read([frame(Buffer.alloc(100)), frame(Buffer.alloc(101)).subarray(0, 5)], 100))
    expect(error.code).to.equal(8)
    expect(error.message).to.equal('grpc: received message larger than max (101 vs. 100)')
  })

  it('refuses a compressed message and names the encoding', () => {
    const reader = new FrameReader(1000, 'gzip', () => true)
    const error = errorOf(() => reader.push(frame('packed', 1)))
    expect(error.code).to.equal(12)
    expect(error.message).to.equal('Received message compressed with unsupported encoding "gzip"')
  })
})

describe('packFrames', () => {
  it('writes the frames of all messages in order', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) => {
        const expected = Buffer.concat(messages.map((payload) => frame(payload)))
        expect(Buffer.concat(packFrames(messages)).equals(expected)).to.be.true
      }),
    )
  })

  it('puts small messages into one buffer and does not copy large ones', () => {
    const large = Buffer.alloc(1_000_000, 7)
    const small = Array.from({ length: 50 }, (_, index) => Buffer.from(`small ${index}`))
    expect(packFrames(small)).to.have.length(1)
    const chunks = packFrames([...small, large, ...small])
    expect(chunks).to.have.length(3)
    expect(chunks[1]).to.equal(large)
  })
})
