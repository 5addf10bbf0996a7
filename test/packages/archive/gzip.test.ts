import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { Gzip } from '../../../src/packages/archive/gzip.js'
import { letters } from '../letters.js'

const compress = (input: Buffer, pieceBytes = 32 * 1024): Buffer => {
  const gzip = new Gzip()
  for (let start = 0; start < input.length; start += pieceBytes) gzip.write(input.subarray(start, start + pieceBytes))
  return gzip.finish()
}

const page = letters(256, 32_700)

/** Four bytes that come again at the distance from which such a short match is no longer worth its bits, or just before. */
const farRepeat = (distance: number): Buffer =>
  Buffer.concat([
    Buffer.from('QRST'),
    letters(60, distance - 4, distance),
    Buffer.from('QRST'),
    Buffer.of(distance % 251),
  ])

/** Inputs, and the SHA-256 of what gzip.NewWriter of Go 1.26 makes of them, written in pieces of 32 KiB. */
const byGo: [string, Buffer, string][] = [
  ['nothing', Buffer.alloc(0), '30e6fa98fb48c2b132824d1ac5e2243c0be9e9082ff32598d34d7687ca7f6c7f'],
  ['one byte', Buffer.from('a'), 'f1a7c8e8de042bc4fa970708757b62042de31814df7516c674d1379535f4ec21'],
  [
    'text that repeats itself',
    Buffer.from('chaincode '.repeat(50)),
    '651b82a3fee584438a013182017968e1445d4900fa3754bb9b87becb6959c2aa',
  ],
  ['zeros', Buffer.alloc(300_000), '37a5dc016e05f8eea9b19b8d12908eb396f8701e8b73280d1ebe1e22f4480bf5'],
  [
    'bytes that cannot be compressed',
    letters(256, 200_000),
    '9a5f2d925c551c2ae88ffa33098798ac1133f21f18de5f7e9e787ecffd07d1fa',
  ],
  ['two letters', letters(2, 100_000), '3cb3754d70180cad53084064254f79b6eebca0f215a80fc4fa958f2ba266288b'],
  ['seven letters', letters(7, 200_000), '9ffd94699bf1162792842f3b1651fd1cff5db2cde22481d7854cf27dc22208ac'],
  ['ninety letters', letters(90, 400_000), '1bb3542d7cb5713bb00151beeeca896e2095092142c0195a1bc5224df1542c90'],
  [
    'matches as far away as they can be',
    Buffer.concat([page, page, letters(256, 1000, 7), page, page, page]),
    '8e42f6d73c5c588d43585756314c6aba9a276c54f2b41af1846d946fa3cb01e8',
  ],
  [
    'short matches near and far',
    Buffer.concat([4094, 4095, 4096, 4097, 4098, 4099].map(farRepeat)),
    'cf9ec089c4574bcc04ea50def8bfb48e02937b15891d1e9741d92dc11d798527',
  ],
  [
    'letters for which a code of their own is no smaller than the fixed one',
    letters(15, 29),
    '0139bed24c610385f49779bc88f72749a4e59b005400491b0276a9a92ad0ad3d',
  ],
  [
    'a file of many kinds',
    Buffer.concat([letters(4, 70_000), page, Buffer.alloc(70_000), letters(60, 70_000)]),
    'fa04d0cffc93af7a20b5240418ebdf38afa4031933d117434ad8542fe15ee3dd',
  ],
]

describe('Gzip', () => {
  for (const [what, input, expected] of byGo) {
    it(`makes of ${what} what Go makes of it, to the byte`, () => {
      expect(createHash('sha256').update(compress(input)).digest('hex')).to.equal(expected)
    })
  }

  it('makes what zlib unpacks again', () => {
    const input = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 0, max: 40_000 }), fc.integer()), {
        maxLength: 8,
      })
      .map((parts) => Buffer.concat(parts.map(([count, length, seed]) => letters(count, length, seed))))
    fc.assert(
      fc.property(input, fc.integer({ min: 100, max: 100_000 }), (bytes, pieceBytes) => {
        expect(gunzipSync(compress(bytes, pieceBytes)).equals(bytes)).to.equal(true)
      }),
      { numRuns: 40 },
    )
  })

  it('unpacks again where a block holds the most tokens that it can and no match', () => {
    const input = letters(200, (1 << 14) * 3 + 1)
    expect(gunzipSync(compress(input)).equals(input)).to.equal(true)
  })
})
