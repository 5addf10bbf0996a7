import { expect } from 'chai'
import { statusTrailers } from '../../services/grpc-status.js'

const encoded = (message: string) => String(statusTrailers({ code: 2, message })['grpc-message'])

describe('statusTrailers', () => {
  it('carries the code alone where there is no text', () => {
    expect(statusTrailers({ code: 0, message: '' })).to.deep.equal({ 'grpc-status': 0 })
  })

  it('percent-encodes what a header cannot hold', () => {
    expect(encoded('100% ü\r\nx')).to.equal('100%25%20%C3%BC%0D%0Ax')
    expect(decodeURIComponent(encoded('時間 🙂 "q"'))).to.equal('時間 🙂 "q"')
  })

  it('replaces halves of surrogate pairs', () => {
    expect(decodeURIComponent(encoded('a\ud83db'))).to.equal('a\ufffdb')
  })

  it('cuts a long text between two characters, so that it fits beside the other headers', () => {
    for (const character of ['x', '%', 'ü', '時', '🙂']) {
      for (let shift = 0; shift < 12; shift++) {
        const text = 'y'.repeat(shift) + character.repeat(10_000)
        const header = encoded(text)
        expect(header.length).to.be.within(6132, 6144)
        expect(text.startsWith(decodeURIComponent(header)), `${character} after ${shift}`).to.be.true
      }
    }
  })

  it('does not cut a text that just fits', () => {
    expect(encoded('z'.repeat(6144))).to.have.length(6144)
  })
})
