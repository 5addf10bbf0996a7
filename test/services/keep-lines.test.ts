import { expect } from 'chai'
import { LineBuffer } from '../../services/keep-lines.js'

describe('LineBuffer', () => {
  it('keeps the last lines, oldest first', () => {
    const buffer = new LineBuffer(3)
    expect(buffer.last()).to.deep.equal([])
    buffer.push(['a', 'b'])
    buffer.push(['c', 'd'])
    expect(buffer.last()).to.deep.equal(['b', 'c', 'd'])
    expect(buffer.last(2)).to.deep.equal(['c', 'd'])
    expect(buffer.last(0)).to.deep.equal([])
    buffer.push(['e', 'f', 'g', 'h', 'i'])
    expect(buffer.last()).to.deep.equal(['g', 'h', 'i'])
  })

  it('keeps no more than the total length, but always the newest line', () => {
    const buffer = new LineBuffer(100, 10)
    buffer.push(['12345', '12345'])
    expect(buffer.last()).to.have.length(2)
    buffer.push(['1'])
    expect(buffer.last()).to.deep.equal(['12345', '1'])
    buffer.push(['a line over the limit'])
    expect(buffer.last()).to.deep.equal(['a line over the limit'])
    buffer.push(['x'])
    expect(buffer.last()).to.deep.equal(['x'])
  })
})
