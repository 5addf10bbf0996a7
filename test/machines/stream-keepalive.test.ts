import { expect } from 'chai'
import { runStream, wayTo } from './run-stream.js'

describe('the keepalive of the stream chart', () => {
  const beats = (stream: ReturnType<typeof runStream>) =>
    stream.types.filter((type) => type === 'SEND_KEEPALIVE').length

  it('is sent again and again while the stream is ready', () => {
    const stream = runStream(10)
    stream.send(...wayTo['ready']!)
    stream.clock.increment(9)
    expect(beats(stream)).to.equal(0)
    stream.clock.increment(1)
    expect(beats(stream)).to.equal(1)
    for (let i = 0; i < 5; i++) stream.clock.increment(10)
    expect(beats(stream)).to.equal(6)
    expect(stream.state).to.equal('ready')
  })

  it('is not sent before READY was', () => {
    const stream = runStream(10)
    stream.send(...wayTo['established']!)
    stream.clock.increment(1000)
    expect(beats(stream)).to.equal(0)
  })

  it('does not report the stream as ready again', () => {
    const stream = runStream(10)
    stream.send(...wayTo['ready']!)
    stream.clock.increment(10)
    expect(stream.types.filter((type) => type === 'STREAM_READY')).to.have.length(1)
  })

  for (const keepaliveMs of [0, -5])
    it(`is off at ${keepaliveMs} [R-42]`, () => {
      const stream = runStream(keepaliveMs)
      stream.send(...wayTo['ready']!)
      stream.clock.increment(1_000_000)
      expect(beats(stream)).to.equal(0)
      expect(stream.state).to.equal('ready')
    })

  it('closes the stream when it cannot be sent [R-43]', () => {
    const stream = runStream(10)
    stream.send(...wayTo['ready']!)
    stream.clock.increment(10)
    stream.send({ type: 'ENDED', message: 'write EPIPE' })
    expect(stream.log.at(-1)).to.deep.equal({
      type: 'STREAM_ENDED',
      ccid: 'kv:1.0',
      streamId: 7,
      message: 'write EPIPE',
    })
    stream.clock.increment(1000)
    expect(beats(stream)).to.equal(1)
  })
})
