import { expect } from 'chai'
import { Envelope, Header, Payload } from '../../proto/gen/common/common.js'
import { decodeStrict } from '../../src/gateway/strict-decode.js'

describe('Strict decoding', () => {
  const bytes = Buffer.from(Envelope.encode({ payload: Buffer.from('abc'), signature: Buffer.from([0]) }).finish())

  it('gives the message of its bytes, and an empty one for no bytes', () => {
    expect(decodeStrict(Envelope, bytes)).to.deep.equal({ payload: Buffer.from('abc'), signature: Buffer.from([0]) })
    expect(decodeStrict(Envelope, Buffer.alloc(0)).payload).to.have.length(0)
  })

  it('passes over fields that it does not know', () => {
    const unknown = Buffer.from([0x98, 0x06, 0x01])
    expect(decodeStrict(Envelope, Buffer.concat([bytes, unknown])).payload.toString()).to.equal('abc')
  })

  it('refuses bytes that are cut short anywhere within a field', () => {
    const whole = new Set([0, 5, bytes.length])
    for (let length = 0; length < bytes.length; length++) {
      if (whole.has(length)) continue
      expect(() => decodeStrict(Envelope, bytes.subarray(0, length)), `${length} bytes`).to.throw(RangeError)
    }
  })

  it('refuses what cannot be a tag, at the end and in front of more', () => {
    for (const tag of [0x00, 0x0c, 0x0f, 0x02]) {
      expect(() => decodeStrict(Envelope, Buffer.concat([bytes, Buffer.from([tag])])), `tag ${tag}`).to.throw()
      expect(() => decodeStrict(Envelope, Buffer.concat([Buffer.from([tag]), bytes])), `tag ${tag}`).to.throw()
    }
  })

  it('refuses an inner message that is longer than the outer one', () => {
    const header = Header.encode({ channelHeader: Buffer.from('abc'), signatureHeader: Buffer.alloc(0) }).finish()
    const payload = Buffer.concat([Buffer.from([0x0a, header.length]), header])
    expect(decodeStrict(Payload, payload).header?.channelHeader.toString()).to.equal('abc')
    payload[1] = header.length + 1
    expect(() => decodeStrict(Payload, payload)).to.throw(RangeError)
  })
})
