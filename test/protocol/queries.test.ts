import { expect } from 'chai'
import { KV, KeyModification } from '../../proto/gen/ledger/query-result.js'
import {
  ChaincodeMessage_Type as Type,
  GetHistoryForKey,
  GetStateByRange,
  QueryResponse,
  QueryStateClose,
  QueryStateNext,
} from '../../proto/gen/peer/chaincode-shim.js'
import type { HistoryRow, StateRow } from '../../src/ledger/types.js'
import { handleRequest } from '../../src/protocol/handle-request.js'
import { Transaction } from '../../src/protocol/transaction.js'
import { failure } from '../../src/errors.js'
import { FakeRows, FakeSimulator, stateRows } from './fake-simulator.js'
import { failureOf } from './open-stream.js'

const bytes = (writer: { finish(): Uint8Array }) => Buffer.from(writer.finish())
const rangePayload = bytes(
  GetStateByRange.encode({ startKey: '', endKey: '', collection: '', metadata: Buffer.alloc(0) }),
)

/** A transaction whose queries give `rows`, and the words of a shim that reads them. */
function setUp(rows: readonly (StateRow | HistoryRow)[] = [], limits: { total?: number; open?: number } = {}) {
  const simulator = new FakeSimulator()
  const cursor = new FakeRows<StateRow | HistoryRow>(rows)
  simulator.cursors.push(cursor)
  const transaction = new Transaction('ch', 'tx1', 'kv', false, simulator, Buffer.alloc(0))
  const request = async (type: Type, payload: Buffer): Promise<QueryResponse> => {
    const answer = await handleRequest(type, transaction, payload, {
      limits: { totalQueryLimit: limits.total ?? 100_000, openIterators: limits.open ?? 10 },
      historyEnabled: true,
      invokeChaincode: () => Promise.reject(new Error('nothing to invoke')),
    })
    return QueryResponse.decode(answer)
  }
  const next = (id: string) => request(Type.QUERY_STATE_NEXT, bytes(QueryStateNext.encode({ id })))
  return {
    simulator,
    cursor,
    transaction,
    range: () => request(Type.GET_STATE_BY_RANGE, rangePayload),
    history: (key = 'k') => request(Type.GET_HISTORY_FOR_KEY, bytes(GetHistoryForKey.encode({ key }))),
    next,
    close: (id: string) => request(Type.QUERY_STATE_CLOSE, bytes(QueryStateClose.encode({ id }))),
    /** Reads a query to its end: every batch. */
    readAll: async (first: QueryResponse): Promise<QueryResponse[]> => {
      const batches = [first]
      while (batches.at(-1)?.hasMore) batches.push(await next(first.id))
      return batches
    },
  }
}

const keysOf = (batches: QueryResponse[]) =>
  batches.flatMap(({ results }) => results.map(({ resultBytes }) => KV.decode(resultBytes).key))

describe('A query', () => {
  for (const [count, sizes] of [
    [0, [0]],
    [1, [1]],
    [99, [99]],
    [100, [100]],
    [101, [100, 1]],
    [199, [100, 99]],
    [200, [100, 100]],
    [201, [100, 100, 1]],
    [1000, Array<number>(10).fill(100)],
  ] as const)
    it(`of ${count} rows comes in ${sizes.length} ${sizes.length === 1 ? 'answer' : 'answers'}, each row once and in order, and is closed once`, async () => {
      const query = setUp(stateRows(count))
      const batches = await query.readAll(await query.range())
      expect(batches.map(({ results }) => results.length)).to.deep.equal(sizes)
      expect(batches.map(({ hasMore }) => hasMore)).to.deep.equal([...Array(sizes.length - 1).fill(true), false])
      expect(keysOf(batches)).to.deep.equal(stateRows(count).map(({ key }) => key))
      expect(new Set(batches.map(({ id }) => id)).size).to.equal(1)
      expect(query.cursor.closes).to.equal(1)
      expect(query.transaction.openQueries).to.equal(0)
    })

  for (const [total, count, sizes] of [
    [103, 105, [100, 3]],
    [103, 103, [100, 3]],
    [103, 102, [100, 2]],
    [100, 105, [100]],
    [101, 105, [100, 1]],
    [99, 105, [99]],
    [200, 250, [100, 100]],
    [250, 1000, [100, 100, 50]],
    [1, 5, [1]],
  ] as const)
    it(`of ${count} rows ends at a total limit of ${total} as if the data did`, async () => {
      const query = setUp(stateRows(count), { total })
      const batches = await query.readAll(await query.range())
      expect(batches.map(({ results }) => results.length)).to.deep.equal(sizes)
      expect(keysOf(batches)).to.deep.equal(stateRows(Math.min(total, count)).map(({ key }) => key))
      expect(query.cursor.closes).to.equal(1)
    })

  it('asks the ledger for no row beyond the total limit, which would enter the read set', async () => {
    const query = setUp(stateRows(300), { total: 150 })
    await query.readAll(await query.range())
    expect(query.cursor.asked.reduce((sum, limit) => sum + limit)).to.equal(150)
  })

  it('answers rows of state as KV [B-141]', async () => {
    const query = setUp(stateRows(1))
    const [result] = (await query.range()).results
    expect(KV.decode(result!.resultBytes)).to.deep.equal({
      namespace: 'kv',
      key: 'k0000',
      value: Buffer.from('value of k0000'),
    })
  })

  it('answers rows of history as KeyModification, in the order of the ledger [B-200]', async () => {
    const timestamp = { seconds: 1_700_000_000n, nanos: 5 }
    const rows: HistoryRow[] = [
      { txId: 'tx2', value: Buffer.alloc(0), isDelete: true, timestamp },
      { txId: 'tx1', value: Buffer.from('v'), isDelete: false, timestamp: undefined },
    ]
    const query = setUp(rows)
    const { results, hasMore } = await query.history('the key')
    expect(results.map(({ resultBytes }) => KeyModification.decode(resultBytes))).to.deep.equal(rows)
    expect(hasMore).to.equal(false)
    expect(query.simulator.queries).to.deep.equal(['kv history of the key'])
    expect(query.cursor.closes).to.equal(1)
  })

  it('of a long history comes in batches too, and keeps to the total limit', async () => {
    const rows = stateRows(150).map(({ key, value }) => ({ txId: key, value, isDelete: false, timestamp: undefined }))
    const query = setUp(rows, { total: 120 })
    const batches = await query.readAll(await query.history())
    expect(batches.map(({ results }) => results.length)).to.deep.equal([100, 20])
  })

  it('has an id of its own; two of one transaction are read side by side', async () => {
    const query = setUp(stateRows(150))
    query.simulator.cursors.push(new FakeRows(stateRows(250)))
    const first = await query.range()
    const second = await query.range()
    expect(first.id).to.not.equal(second.id)
    expect((await query.next(second.id)).results).to.have.length(100)
    expect((await query.next(first.id)).results).to.have.length(50)
    expect((await query.next(second.id)).results).to.have.length(50)
  })
})

describe('QUERY_STATE_NEXT', () => {
  it('finds no query after the end of the data', async () => {
    const query = setUp(stateRows(101))
    const { id } = await query.range()
    await query.next(id)
    expect((await failureOf(query.next(id))).message).to.equal('query iterator not found')
  })

  it('finds no query after a query that fitted into its first answer', async () => {
    const query = setUp(stateRows(100))
    const { id } = await query.range()
    expect((await failureOf(query.next(id))).message).to.equal('query iterator not found')
  })

  it('finds no query after QUERY_STATE_CLOSE', async () => {
    const query = setUp(stateRows(101))
    const { id } = await query.range()
    await query.close(id)
    expect((await failureOf(query.next(id))).message).to.equal('query iterator not found')
  })

  it('finds no query under an unknown id [B-163]', async () => {
    expect((await failureOf(setUp().next('nobody'))).message).to.equal('query iterator not found')
  })

  it('finds no query of another transaction', async () => {
    const query = setUp(stateRows(101))
    const { id } = await query.range()
    expect((await failureOf(setUp().next(id))).message).to.equal('query iterator not found')
  })
})

describe('QUERY_STATE_CLOSE', () => {
  it('closes the query once, and answers its id without rows [B-170]', async () => {
    const query = setUp(stateRows(101))
    const { id } = await query.range()
    expect(await query.close(id)).to.deep.include({ results: [], hasMore: false, id })
    expect(query.cursor.closes).to.equal(1)
    await query.close(id)
    expect(query.cursor.closes).to.equal(1)
  })

  it('succeeds for an unknown id [B-172]', async () => {
    expect(await setUp().close('nobody')).to.deep.include({ results: [], hasMore: false, id: 'nobody' })
  })
})

describe('An error while iterating', () => {
  for (const [when, count] of [
    ['first', 0],
    ['second', 1],
  ] as const)
    it(`in the ${when} batch closes the query once, and is told as it is [R-22, B-151]`, async () => {
      const query = setUp(stateRows(101))
      const first = count === 0 ? undefined : await query.range()
      query.cursor.error = failure('LEDGER_UNREADABLE', { folder: '/data', detail: 'checksum' })
      const answer = first ? query.next(first.id) : query.range()
      expect((await failureOf(answer)).message).to.equal('cannot read the ledger in /data: checksum')
      expect(query.cursor.closes).to.equal(1)
      expect(query.transaction.openQueries).to.equal(0)
      if (first) expect((await failureOf(query.next(first.id))).message).to.equal('query iterator not found')
    })
})

describe('The end of a transaction', () => {
  for (const state of ['completed', 'abandoned'] as const)
    it(`closes every open query of it once: ${state}`, async () => {
      const query = setUp(stateRows(101))
      const second = new FakeRows(stateRows(101))
      query.simulator.cursors.push(second)
      await query.range()
      await query.range()
      query.transaction.end(state)
      query.transaction.end('completed')
      expect([query.cursor.closes, second.closes]).to.deep.equal([1, 1])
    })

  it('while a batch is being read closes the query once [R-23, R-24]', async () => {
    const query = setUp(stateRows(101))
    const release = query.cursor.hold()
    const answer = query.range().catch(() => undefined)
    query.transaction.end('completed')
    release()
    await answer
    expect(query.cursor.closes).to.equal(1)
    expect(query.transaction.openQueries).to.equal(0)
  })
})

describe('The limit of open queries', () => {
  it('is named with its key; the cursor of the refused query is closed, the others go on', async () => {
    const query = setUp(stateRows(101), { open: 1 })
    const refused = new FakeRows(stateRows(5))
    query.simulator.cursors.push(refused)
    const { id } = await query.range()
    expect((await failureOf(query.range())).message).to.equal(
      'the transaction already holds 1 queries open (chaincoded.limits.openIterators)',
    )
    expect(refused.closes).to.equal(1)
    expect((await query.next(id)).results).to.have.length(1)
    expect((await query.range()).results).to.deep.equal([])
  })
})
