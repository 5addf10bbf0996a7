import { expect } from 'chai'
import fc from 'fast-check'
import { KV } from '../../proto/gen/ledger/query-result.js'
import {
  ChaincodeMessage,
  ChaincodeMessage_Type as Type,
  DelState,
  GetHistoryForKey,
  GetState,
  GetStateByRange,
  PutState,
  QueryResponse,
  QueryStateClose,
  QueryStateNext,
} from '../../proto/gen/peer/chaincode-shim.js'
import { ChaincodeEvent } from '../../proto/gen/peer/chaincode.js'
import { Response, SignedProposal } from '../../proto/gen/peer/proposal.js'
import {
  decodeDelState,
  decodeGetState,
  decodeGetStateByRange,
  decodeMessage,
  decodeOneText,
  decodePutState,
  decodeResponse,
  encodeKV,
  encodeMessage,
  encodeQueryResponse,
  messageTypeName,
} from '../../src/protocol/message-codec.js'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const text = fc.string({ unit: 'binary', maxLength: 200 })
const type = fc.oneof(fc.integer({ min: 0, max: 25 }), fc.nat())
const proposal = fc.record({ proposalBytes: bytes, signature: bytes })
const event = fc.record({ chaincodeId: text, txId: text, eventName: text, payload: bytes })
const timestamp = fc.record({ seconds: fc.bigInt(-1n, 1n << 40n), nanos: fc.nat(999_999_999) })

const hex = (digits: string) => Buffer.from(digits.replace(/ /g, ''), 'hex')
const bytesOf = (writer: { finish(): Uint8Array }) => Buffer.from(writer.finish())

/** The texts that decoding may fail with. */
const texts = ['unexpected EOF', 'proto: cannot parse invalid wire-format data', 'string field contains invalid UTF-8']

const errorOf = (decode: () => unknown): string => {
  try {
    decode()
  } catch (error) {
    expect(Object.getPrototypeOf(error), String(error)).to.equal(Error.prototype)
    return (error as Error).message
  }
  return 'none'
}

describe('The codec of ChaincodeMessage', () => {
  it('writes the bytes that the generated codec writes', () => {
    const message = fc.record(
      { type, payload: bytes, txid: text, channelId: text, proposal },
      { requiredKeys: ['type'] },
    )
    fc.assert(
      fc.property(message, (fields) => {
        const ours = encodeMessage({
          ...fields,
          proposal: fields.proposal && SignedProposal.encode(fields.proposal).finish(),
        })
        expect(ours).to.deep.equal(bytesOf(ChaincodeMessage.encode(ChaincodeMessage.fromPartial(fields))))
      }),
    )
  })

  it('reads what the generated codec writes', () => {
    const message = fc.record(
      { type: fc.integer(), payload: bytes, txid: text, channelId: text, proposal, chaincodeEvent: event, timestamp },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(message, (fields) => {
        const encoded = bytesOf(ChaincodeMessage.encode(ChaincodeMessage.fromPartial(fields)))
        expect(decodeMessage(encoded)).to.deep.equal({
          type: fields.type ?? 0,
          payload: fields.payload ?? Buffer.alloc(0),
          txid: fields.txid ?? '',
          channelId: fields.channelId ?? '',
          proposal: fields.proposal && bytesOf(SignedProposal.encode(fields.proposal)),
          chaincodeEvent: fields.chaincodeEvent && bytesOf(ChaincodeEvent.encode(fields.chaincodeEvent)),
        })
      }),
    )
  })

  it('gives views of the message, not copies', () => {
    const message = encodeMessage({ type: Type.PUT_STATE, payload: Buffer.from('value'), proposal: Buffer.from([1]) })
    const decoded = decodeMessage(message)
    message.fill(0x21)
    expect(String(decoded.payload)).to.equal('!!!!!')
    expect(String(decoded.proposal)).to.equal('!')
  })

  it('reads lengths that take several bytes', () => {
    for (const length of [127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const payload = Buffer.alloc(length, 7)
      const encoded = encodeMessage({ type: Type.TRANSACTION, payload, txid: 't' })
      expect(
        encoded.equals(bytesOf(ChaincodeMessage.encode(ChaincodeMessage.fromPartial({ type: 5, payload, txid: 't' })))),
      ).to.be.true
      expect(decodeMessage(encoded).payload.equals(payload)).to.be.true
    }
  })

  it('lets the last one count when a field comes twice', () => {
    const twice = Buffer.concat([
      encodeMessage({ type: 8, payload: Buffer.from('a'), txid: 'one', channelId: 'c1', proposal: Buffer.from('p') }),
      encodeMessage({ type: 9, payload: Buffer.from('b'), txid: 'two', channelId: 'c2', proposal: Buffer.from('q') }),
    ])
    expect(decodeMessage(twice)).to.deep.equal({
      type: 9,
      payload: Buffer.from('b'),
      txid: 'two',
      channelId: 'c2',
      proposal: Buffer.from('q'),
      chaincodeEvent: undefined,
    })
  })

  it('passes over fields that it does not know, and known ones of another wire type', () => {
    const unknown = {
      varint: hex('c0 3e ff ff ff ff ff ff ff ff ff 01'),
      fixed64: hex('c1 3e 01 02 03 04 05 06 07 08'),
      bytes: hex('c2 3e 03 01 02 03'),
      fixed32: hex('c5 3e 01 02 03 04'),
      group: hex('c3 3e 08 01 13 c2 3e 01 ff 14 c4 3e'),
      'the payload as a varint': hex('18 05'),
      'the type as bytes': hex('0a 01 08'),
    }
    const first = encodeMessage({ type: 8, txid: 'tx' })
    const second = encodeMessage({ type: 0, channelId: 'ch' })
    for (const [name, field] of Object.entries(unknown)) {
      const decoded = decodeMessage(Buffer.concat([field, first, field, second, field]))
      expect([decoded.type, decoded.txid, decoded.channelId, decoded.payload.length], name).to.deep.equal([
        8,
        'tx',
        'ch',
        0,
      ])
    }
  })

  it('ends with unexpected EOF wherever a message is cut, except between two fields', () => {
    const fields = [
      encodeMessage({ type: 300 }),
      encodeMessage({ type: 0, payload: Buffer.alloc(200) }),
      encodeMessage({ type: 0, txid: 'transaction' }),
      encodeMessage({ type: 0, proposal: Buffer.alloc(3) }),
      hex('c1 3e 01 02 03 04 05 06 07 08'),
      hex('c3 3e 08 01 c4 3e'),
      encodeMessage({ type: 0, channelId: 'mychannel' }),
    ]
    const whole = Buffer.concat(fields)
    let end = 0
    const boundaries = new Set([0, ...fields.map((field) => (end += field.length))])
    for (let cut = 0; cut <= whole.length; cut++) {
      const expected = boundaries.has(cut) ? 'none' : 'unexpected EOF'
      expect(
        errorOf(() => decodeMessage(whole.subarray(0, cut))),
        `cut at ${cut}`,
      ).to.equal(expected)
    }
  })

  it('refuses what is no message, in the words of Go', () => {
    const cases: [string, string][] = [
      ['1a ff ff ff ff ff ff ff ff ff 01 00', 'unexpected EOF'],
      ['1a 80 80 80 80 10 00', 'unexpected EOF'],
      ['00 00', 'proto: cannot parse invalid wire-format data'],
      ['07', 'proto: cannot parse invalid wire-format data'],
      ['0e 01', 'proto: cannot parse invalid wire-format data'],
      ['0c', 'proto: cannot parse invalid wire-format data'],
      ['c3 3e cc 3e', 'proto: cannot parse invalid wire-format data'],
      ['88 80 80 80 80 01 01', 'proto: cannot parse invalid wire-format data'],
      ['08 ff ff ff ff ff ff ff ff ff ff 01', 'proto: cannot parse invalid wire-format data'],
      ['10 ff ff ff ff ff ff ff ff ff ff 01', 'proto: cannot parse invalid wire-format data'],
      ['22 02 c3 28', 'string field contains invalid UTF-8'],
      ['3a 03 ed a0 80', 'string field contains invalid UTF-8'],
    ]
    for (const [digits, message] of cases)
      expect(
        errorOf(() => decodeMessage(hex(digits))),
        digits,
      ).to.equal(message)
  })

  it('keeps a replacement character that was really sent', () => {
    expect(decodeMessage(encodeMessage({ type: 1, txid: 'a\ufffdb' })).txid).to.equal('a\ufffdb')
  })

  it('survives arbitrary bytes with its own errors only', () => {
    const message = fc
      .record({ type, payload: bytes, txid: text, channelId: text })
      .map((fields) => encodeMessage(fields))
    const damaged = fc.tuple(message, fc.nat(), fc.nat(255), fc.nat()).map(([good, at, byte, cut]) => {
      const bad = Buffer.from(good)
      if (bad.length > 0) bad[at % bad.length] = byte
      return bad.subarray(0, cut % (bad.length + 1))
    })
    fc.assert(
      fc.property(fc.oneof(bytes, damaged), (input) => {
        for (const decode of [decodeMessage, decodeGetState, decodePutState, decodeDelState]) {
          expect(errorOf(() => decode(input))).to.be.oneOf(['none', ...texts])
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('The codecs of state requests', () => {
  it('read what the generated codecs write', () => {
    fc.assert(
      fc.property(text, bytes, text, (key, value, collection) => {
        const get = GetState.encode({ key, collection })
        expect(decodeGetState(bytesOf(get))).to.deep.equal({ key, collection })
        const put = PutState.encode({ key, value, collection })
        expect(decodePutState(bytesOf(put))).to.deep.equal({ key, value, collection })
        const range = { startKey: key, endKey: collection, collection: key, metadata: value }
        expect(decodeGetStateByRange(bytesOf(GetStateByRange.encode(range)))).to.deep.equal(range)
        expect(decodeOneText(bytesOf(QueryStateNext.encode({ id: key })))).to.equal(key)
        expect(decodeOneText(bytesOf(QueryStateClose.encode({ id: key })))).to.equal(key)
        expect(decodeOneText(bytesOf(GetHistoryForKey.encode({ key })))).to.equal(key)
        const del = DelState.encode({ key, collection })
        expect(decodeDelState(bytesOf(del))).to.deep.equal({ key, collection })
      }),
    )
  })
})

describe('The codec of Response', () => {
  it('reads what the generated codec writes', () => {
    const response = fc.record({ status: fc.integer(), message: text, payload: bytes })
    fc.assert(
      fc.property(response, (fields) => {
        expect(decodeResponse(bytesOf(Response.encode(fields)))).to.deep.equal(fields)
      }),
    )
  })
})

describe('The codecs of query results', () => {
  it('write the rows that the generated codec writes', () => {
    fc.assert(
      fc.property(fc.record({ namespace: text, key: text, value: bytes }), (row) => {
        expect(encodeKV(row)).to.deep.equal(bytesOf(KV.encode(row)))
      }),
    )
  })

  it('write the answers that the generated codec writes', () => {
    const row = fc.oneof(bytes, fc.constantFrom(Buffer.alloc(0), Buffer.alloc(126, 1), Buffer.alloc(20_000, 2)))
    fc.assert(
      fc.property(
        fc.array(row),
        fc.boolean(),
        text,
        fc.option(bytes, { nil: undefined }),
        (rows, hasMore, id, metadata) => {
          const results = rows.map((resultBytes) => ({ resultBytes }))
          const expected = QueryResponse.encode({ results, hasMore, id, metadata: metadata ?? Buffer.alloc(0) })
          expect(encodeQueryResponse(rows, hasMore, id, metadata).equals(bytesOf(expected))).to.be.true
        },
      ),
    )
  })
})

describe('The name of a message type', () => {
  it("is Fabric's, or the number where there is none", () => {
    expect([0, 1, 8, 13, 25].map(messageTypeName)).to.deep.equal([
      'UNDEFINED',
      'REGISTER',
      'GET_STATE',
      'RESPONSE',
      'GET_STATE_MULTIPLE',
    ])
    expect([12, 26, 9999, -1].map(messageTypeName)).to.deep.equal(['12', '26', '9999', '-1'])
  })
})
