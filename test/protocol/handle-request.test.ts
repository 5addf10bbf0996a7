import { expect } from 'chai'
import { ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeMessage_Type as Type,
  DelState,
  GetHistoryForKey,
  GetState,
  GetStateByRange,
  PutState,
  QueryMetadata,
  QueryStateClose,
  QueryStateNext,
} from '../../proto/gen/peer/chaincode-shim.js'
import {
  type RequestContext,
  errorPayload,
  handleRequest,
  isRequest,
  isSupported,
} from '../../src/protocol/handle-request.js'
import { Transaction } from '../../src/protocol/transaction.js'
import { FakeSimulator } from './fake-simulator.js'
import { failureOf } from './open-stream.js'

const bytes = (writer: { finish(): Uint8Array }) => Buffer.from(writer.finish())
const get = (collection = '') => bytes(GetState.encode({ key: 'k', collection }))
const put = (collection = '') => bytes(PutState.encode({ key: 'k', value: Buffer.from('v'), collection }))
const range = (change: Partial<GetStateByRange> = {}) =>
  bytes(GetStateByRange.encode({ startKey: 'a', endKey: 'c', collection: '', metadata: Buffer.alloc(0), ...change }))
const metadata = (pageSize: number, bookmark: string) => bytes(QueryMetadata.encode({ pageSize, bookmark }))

/** Requests that are done, each with a payload that decodes. */
const done: readonly [Type, Buffer][] = [
  [Type.GET_STATE, get()],
  [Type.PUT_STATE, put()],
  [Type.DEL_STATE, bytes(DelState.encode({ key: 'k', collection: '' }))],
  [Type.GET_STATE_BY_RANGE, range()],
  [Type.GET_HISTORY_FOR_KEY, bytes(GetHistoryForKey.encode({ key: 'k' }))],
  [Type.QUERY_STATE_NEXT, bytes(QueryStateNext.encode({ id: 'x' }))],
  [Type.QUERY_STATE_CLOSE, bytes(QueryStateClose.encode({ id: 'x' }))],
  [Type.INVOKE_CHAINCODE, bytes(ChaincodeSpec.encode(ChaincodeSpec.fromPartial({ chaincodeId: { name: 'b' } })))],
]

const notYet = [
  Type.GET_QUERY_RESULT,
  Type.GET_STATE_METADATA,
  Type.PUT_STATE_METADATA,
  Type.GET_PRIVATE_DATA_HASH,
  Type.PURGE_PRIVATE_DATA,
  Type.WRITE_BATCH_STATE,
  Type.GET_STATE_MULTIPLE,
]

function setUp(change: { isInit?: boolean; simulator?: FakeSimulator | null } & Partial<RequestContext> = {}) {
  const { isInit = false, simulator = new FakeSimulator(), ...context } = change
  const transaction = new Transaction('ch', 'tx1', 'kv', isInit, simulator ?? undefined, Buffer.from('the proposal'))
  const invoked: ChaincodeSpec[] = []
  const handle = async (type: number, payload: Buffer): Promise<Buffer> =>
    handleRequest(type, transaction, payload, {
      limits: { totalQueryLimit: 1000, openIterators: 10 },
      historyEnabled: true,
      invokeChaincode: (_caller, spec) => {
        invoked.push(spec)
        return Promise.resolve(Buffer.from('the answer of the callee'))
      },
      ...context,
    })
  return { simulator: simulator as FakeSimulator, transaction, invoked, handle }
}

/** The text that a request fails with. */
const textOf = async (answer: Promise<Buffer>): Promise<string> => (await failureOf(answer)).message

describe('A request of a chaincode', () => {
  it('is one of the fifteen types, and no other', () => {
    const requests = [...done.map(([type]) => type), ...notYet].sort((a, b) => a - b)
    const known = Array.from({ length: 40 }, (_, type) => type - 5).filter(isRequest)
    expect(known).to.deep.equal(requests)
    expect([9999, -1, 2 ** 31 - 1].some(isRequest)).to.equal(false)
    expect(known.filter(isSupported)).to.deep.equal(done.map(([type]) => type).sort((a, b) => a - b))
  })

  for (const type of notYet)
    it(`is told that ${Type[type]} is not supported yet`, async () => {
      const { handle } = setUp()
      expect(await textOf(handle(type, Buffer.alloc(0)))).to.equal(`${Type[type]} is not supported yet`)
    })

  for (const [type, payload] of done)
    it(`says unmarshal failed when the payload of ${Type[type]} is cut short or no protobuf [B-031, B-080, B-150]`, async () => {
      const { handle } = setUp()
      expect(await textOf(handle(type, payload.subarray(0, -1)))).to.equal('unmarshal failed: unexpected EOF')
      expect(await textOf(handle(type, Buffer.from('0f', 'hex')))).to.equal(
        'unmarshal failed: proto: cannot parse invalid wire-format data',
      )
    })

  for (const [type] of done.slice(0, 7))
    it(`says unmarshal failed when a text in the payload of ${Type[type]} is no UTF-8, and reads no other key instead`, async () => {
      const { handle, simulator } = setUp()
      expect(await textOf(handle(type, Buffer.from('0a01ff', 'hex')))).to.equal(
        'unmarshal failed: string field contains invalid UTF-8',
      )
      expect(simulator.writes).to.deep.equal([])
    })

  for (const type of [...done.map(([one]) => one), ...notYet])
    it(`is refused without ledger context before it is looked at: ${Type[type]} [B-013 … B-018]`, async () => {
      const text = type === Type.INVOKE_CHAINCODE ? 'could not get valid transaction' : 'no ledger context'
      const undecodable = Buffer.from('0f', 'hex')
      expect(await textOf(setUp({ simulator: null }).handle(type, undecodable))).to.equal(text)
      const over = setUp()
      over.transaction.end('completed')
      expect(await textOf(over.handle(type, undecodable))).to.equal(text)
    })

  it('fails with the text of the ledger [B-033, B-089]', async () => {
    const { handle, simulator } = setUp()
    simulator.error = await failureOf(setUp({ simulator: null }).handle(Type.GET_STATE, get()))
    for (const [type, payload] of done.slice(0, 3))
      expect(await textOf(handle(type, payload))).to.equal(simulator.error.message)
  })
})

describe('State requests', () => {
  it('read the committed value, and an empty payload where there is none [B-088, B-090]', async () => {
    const { handle, simulator } = setUp()
    expect(await handle(Type.GET_STATE, get())).to.deep.equal(Buffer.alloc(0))
    simulator.state.set('kv/k', Buffer.from('committed'))
    await handle(Type.PUT_STATE, put())
    expect((await handle(Type.GET_STATE, get())).toString()).to.equal('committed')
  })

  it('write and delete in the namespace of the transaction, in order, with an empty answer [B-030, B-055]', async () => {
    const { handle, simulator } = setUp()
    for (const [type, payload] of done.slice(1, 3)) expect((await handle(type, payload)).length).to.equal(0)
    expect(simulator.writes).to.deep.equal([
      ['kv', 'k', 'v'],
      ['kv', 'k', undefined],
    ])
  })

  it('read an empty key as any other', async () => {
    const empty = bytes(GetState.encode({ key: '', collection: '' }))
    expect((await setUp().handle(Type.GET_STATE, empty)).length).to.equal(0)
  })

  for (const [type, payload] of [
    [Type.GET_STATE, get('secret')],
    [Type.PUT_STATE, put('secret')],
    [Type.DEL_STATE, bytes(DelState.encode({ key: 'k', collection: 'secret' }))],
    [Type.GET_STATE_BY_RANGE, range({ collection: 'secret', metadata: metadata(5, '') })],
  ] as const)
    it(`refuse a collection: ${Type[type]} in Init by that rule, else for want of a configuration [B-036, B-085]`, async () => {
      const invoke = setUp()
      expect(await textOf(invoke.handle(type, payload))).to.equal(
        'collection config not defined for chaincode [kv], pass the collection configuration upon chaincode definition/instantiation',
      )
      const init = setUp({ isInit: true })
      expect(await textOf(init.handle(type, payload))).to.equal('private data APIs are not allowed in chaincode Init()')
      expect([...invoke.simulator.writes, ...init.simulator.writes]).to.deep.equal([])
    })
})

describe('Range, history and chaincode requests', () => {
  it('ask the ledger for the bounds as they came, empty ones too [B-142]', async () => {
    const { handle, simulator } = setUp()
    await handle(Type.GET_STATE_BY_RANGE, range())
    await handle(Type.GET_STATE_BY_RANGE, range({ startKey: '', endKey: '' }))
    await handle(
      Type.GET_STATE_BY_RANGE,
      range({ startKey: '\u0000pair\u0000a\u0000', endKey: '\u0000pair\u0000a\u{10ffff}' }),
    )
    expect(simulator.queries).to.deep.equal([
      'kv a..c',
      'kv ..',
      'kv \u0000pair\u0000a\u0000..\u0000pair\u0000a\u{10ffff}',
    ])
  })

  it('say that pages are not supported yet, where one is asked for by size or bookmark', async () => {
    const { handle, simulator } = setUp()
    for (const page of [metadata(10, ''), metadata(-1, ''), metadata(0, 'k5')])
      expect(await textOf(handle(Type.GET_STATE_BY_RANGE, range({ metadata: page })))).to.equal(
        'pagination is not supported yet',
      )
    expect(simulator.queries).to.deep.equal([])
  })

  it('take metadata that ask for no page as none, and refuse those that do not decode', async () => {
    const { handle, simulator } = setUp()
    await handle(Type.GET_STATE_BY_RANGE, range({ metadata: Buffer.from('1200', 'hex') }))
    expect(simulator.queries).to.have.length(1)
    const undecodable = range({ metadata: Buffer.from('1205', 'hex'), collection: 'secret' })
    expect(await textOf(handle(Type.GET_STATE_BY_RANGE, undecodable))).to.equal('unmarshal failed: unexpected EOF')
  })

  it('say that there is no history where none is kept, before the request is looked at [B-209]', async () => {
    const { handle, simulator } = setUp({ historyEnabled: false })
    expect(await textOf(handle(Type.GET_HISTORY_FOR_KEY, Buffer.from('0f', 'hex')))).to.equal(
      'history database is not enabled',
    )
    expect(simulator.queries).to.deep.equal([])
  })

  it('hand the whole specification to who runs chaincodes, and answer what that gives', async () => {
    const { handle, invoked } = setUp()
    const spec = ChaincodeSpec.fromPartial({ chaincodeId: { name: 'other/ch2' }, input: { args: [Buffer.from('f')] } })
    const answer = await handle(Type.INVOKE_CHAINCODE, bytes(ChaincodeSpec.encode(spec)))
    expect(answer.toString()).to.equal('the answer of the callee')
    expect(invoked).to.deep.equal([spec])
  })
})

describe('The payload of an ERROR', () => {
  it('names type, transaction and reason of an operating error [B-022]', async () => {
    const error = await failureOf(setUp({ simulator: null }).handle(Type.GET_STATE, get()))
    expect(errorPayload(Type.GET_STATE, 'tx-id', error).toString()).to.equal(
      'GET_STATE failed: transaction ID: tx-id: no ledger context',
    )
  })

  it('says panic during execution, and nothing of the defect, for any other error [B-023]', () => {
    expect(errorPayload(Type.PUT_STATE, 'tx-id', new TypeError('secret details')).toString()).to.equal(
      'PUT_STATE failed: transaction ID: tx-id: panic during execution',
    )
  })
})
