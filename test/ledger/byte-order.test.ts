import { expect } from 'chai'
import * as fc from 'fast-check'
import { compareBytes, firstIndex } from '../../src/ledger/byte-order.js'
import { orderedNumber } from '../../src/ledger/keys.js'

const character = fc.oneof(
  fc.constantFrom(
    '\0',
    'a',
    'z',
    '\x7f',
    '\x80',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '𐀀',
    '😀',
    '\u{10ffff}',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const text = fc.array(character, { maxLength: 5 }).map((characters) => characters.join(''))

describe('The order of keys', () => {
  it('is that of their UTF-8 bytes', () =>
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).to.equal(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
      { numRuns: 2000 },
    ))

  it('is that of the numbers in them', () =>
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [low, high] = [a % 2 ** 48, b % 2 ** 48]
        expect(Math.sign(compareBytes(orderedNumber(low), orderedNumber(high)))).to.equal(Math.sign(low - high))
      }),
      { numRuns: 2000 },
    ))

  it('is searched by halves', () => {
    const items = [1, 3, 5]
    const at = [0, 1, 2, 5, 6].map((wanted) => firstIndex(items.length, (index) => items[index]! >= wanted))
    expect(at).to.deep.equal([0, 0, 1, 2, 3])
  })
})
