import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import fabric from '@hyperledger/fabric-protos'
import type { CaptureOptions } from '../services/capture-output.js'
import { FakePeer, outcomeOf, type FakeStream } from './fixtures/fake-peer.js'
import { fixture, TestProcesses, type TestProcess } from './fixtures/start-chaincode.js'

const { peer: messages } = fabric
const Type = messages.ChaincodeMessage.Type

/** What the vice chaincodes are used for elsewhere holds only if each does what its name says. */
describe('the vice chaincode', () => {
  const processes = new TestProcesses()
  let peer: FakePeer
  beforeEach(async () => (peer = await FakePeer.start()))
  afterEach(async () => {
    peer.close()
    await processes.end()
  })

  const start = (name: string, env?: Record<string, string>, onLine?: CaptureOptions['onLine']) =>
    processes.startChaincode(fixture(name), peer.address, { env, onLine })
  const startReady = async (name: string): Promise<[FakeStream, TestProcess]> => {
    const running = await start(name)
    return [await peer.ready(), running]
  }
  const received = async (stream: FakeStream) =>
    JSON.parse((await peer.execute(stream, 'received')).payload) as { type: number; txId: string; text: string }[]
  /** Answers the next request of a transaction, as a peer that has given it up. */
  const refuse = async (stream: FakeStream, type: number) => {
    const message = await stream.next()
    expect(message.getType()).to.equal(type)
    const [txId, channelId] = [message.getTxid(), message.getChannelId()]
    stream.send({ type: Type.ERROR, payload: Buffer.from('too late'), txId, channelId })
  }
  const expectService = async (stream: FakeStream) => {
    expect(await peer.execute(stream, 'ping')).to.include({ status: 200, payload: 'pong' })
    await peer.execute(stream, 'put', 'k', 'v')
    expect(await peer.execute(stream, 'get', 'k')).to.include({ status: 200, payload: 'v' })
  }

  it('exits-before-register ends with code 3 and 25 reasons', async () => {
    const running = await start('exits-before-register')
    const { exitCode, lastWords } = await running.until('EXITED')
    expect(exitCode).to.equal(3)
    expect(lastWords).to.deep.equal(Array.from({ length: 20 }, (_, i) => `reason ${i + 6} of 25`))
  })

  it('never-registers runs without connecting, until it is stopped', async () => {
    const running = await start('never-registers')
    await running.until('SPAWNED')
    running.signal('SIGTERM')
    expect(await running.until('EXITED')).to.include({ signal: 'SIGTERM' })
  })

  it('opens-a-silent-stream stays when its stream has ended', async () => {
    let told = (_line: string) => {}
    const line = new Promise<string>((resolve) => (told = resolve))
    const running = await start('opens-a-silent-stream', undefined, (_source, text) => told(text))
    const stream = await peer.stream()
    stream.end('no REGISTER came')
    expect(await line).to.equal('stream failed: 2 UNKNOWN: no REGISTER came')
    running.signal('SIGTERM')
    expect(await running.until('EXITED')).to.include({ signal: 'SIGTERM' })
  })

  it('registers-twice sends a second REGISTER on its stream', async () => {
    const [stream] = await startReady('registers-twice')
    const second = await stream.next()
    expect(second.getType()).to.equal(Type.REGISTER)
    expect(messages.ChaincodeID.deserializeBinary(second.getPayload_asU8()).getName()).to.equal('test:1.0')
  })

  it('connects-twice registers on a second stream, serves on the first, and knows how the second ended', async () => {
    const [first] = await startReady('connects-twice')
    const second = await peer.stream()
    expect((await second.next()).getType()).to.equal(Type.REGISTER)
    expect((await peer.execute(first, 'second')).payload).to.equal('open')
    second.end('duplicate chaincodeID: test:1.0')
    await second.ended
    await expectService(first)
    let told = 'open'
    while (told === 'open') told = (await peer.execute(first, 'second')).payload
    expect(told).to.equal('2: duplicate chaincodeID: test:1.0')
  })

  it('registers-a-wrong-id, registers-an-empty-id and registers-undecodably do, and end when they are refused', async () => {
    const registered = async (name: string) => {
      const running = await start(name)
      const stream = await peer.stream()
      const register = await stream.next()
      expect(register.getType()).to.equal(Type.REGISTER)
      stream.end('refused')
      expect(await running.until('EXITED')).to.deep.include({
        exitCode: 1,
        lastWords: ['stream failed: 2 UNKNOWN: refused'],
      })
      return register.getPayload_asU8()
    }
    const wrong = await registered('registers-a-wrong-id')
    expect(messages.ChaincodeID.deserializeBinary(wrong).getName()).to.equal('somebody-else:9.9')
    const empty = await registered('registers-an-empty-id')
    expect(messages.ChaincodeID.deserializeBinary(empty).getName()).to.equal('')
    const undecodable = await registered('registers-undecodably')
    expect(() => messages.ChaincodeID.deserializeBinary(undecodable)).to.throw()
  })

  it('ignores-sigterm serves, and stays after SIGTERM and the end of its stream', async () => {
    const [stream, running] = await startReady('ignores-sigterm')
    await expectService(stream)
    running.signal('SIGTERM')
    await expectService(stream)
    stream.end()
    await stream.ended
    running.signal('SIGTERM')
    running.signal('SIGKILL')
    const { signal, lastWords } = await running.until('EXITED')
    expect(signal).to.equal('SIGKILL')
    expect(lastWords[0]).to.equal('SIGTERM ignored')
  })

  it('behind-npm serves as a grandchild of npm in its group, and ends with the group only', async () => {
    const [stream, running] = await startReady('behind-npm')
    await expectService(stream)
    const { pid } = await running.until('SPAWNED')
    const grandchild = Number((await peer.execute(stream, 'pid')).payload)
    expect(grandchild).not.to.equal(pid)
    stream.end()
    await stream.ended
    expect(process.kill(grandchild, 0)).to.equal(true)
    running.signal('SIGTERM')
    await running.until('GROUP_GONE')
  })

  it('floods-stdout writes 100 MB, or what it is told, and then serves', async () => {
    const source = await readFile(`${fixture('floods-stdout')}/chaincode.mjs`, 'utf8')
    expect(source).to.contain('?? 100_000_000')
    const running = await start('floods-stdout', { FLOOD_BYTES: '1000000' })
    await expectService(await peer.ready())
    expect(running.recentLines()).to.have.length(1000)
    expect(running.recentLines().at(-2)).to.equal('flood over')
  })

  for (const [args, end] of [
    [[], { exitCode: 7, signal: null }],
    [['SIGKILL'], { exitCode: null, signal: 'SIGKILL' }],
  ] as const)
    it(`dies-in-mid-transaction ends with ${end.signal ?? 'a code'} after it has written`, async () => {
      const [stream, running] = await startReady('dies-in-mid-transaction')
      await expectService(stream)
      const outcome: unknown = await peer.execute(stream, 'die', ...args).catch((error: unknown) => error)
      expect(outcome).to.have.property('message', 'the chaincode ended the stream')
      expect(await running.until('EXITED')).to.deep.include({ ...end, lastWords: ['cannot go on'] })
    })

  it('answers-late answers after the time that it is given, and knows what the peer said to it', async () => {
    const [stream] = await startReady('answers-late')
    const txId = peer.begin(stream, ['late', '5'])
    const late = await stream.next()
    expect(outcomeOf(late)).to.include({ status: 200, payload: 'late' })
    stream.send({ type: Type.ERROR, payload: Buffer.from('too late'), txId, channelId: 'mychannel' })
    expect(await received(stream)).to.deep.equal([{ type: Type.ERROR, txId, text: 'too late' }])
  })

  it('completes-twice completes twice', async () => {
    const [stream] = await startReady('completes-twice')
    const txId = peer.begin(stream, ['twice'])
    for (const payload of ['first', 'second']) {
      const message = await stream.next()
      expect(message.getTxid()).to.equal(txId)
      expect(outcomeOf(message)).to.include({ type: Type.COMPLETED, payload })
    }
    await expectService(stream)
  })

  it('asks-after-timeout reads after the time that it is given, and knows what the peer replied', async () => {
    const [stream] = await startReady('asks-after-timeout')
    peer.begin(stream, ['ask', '5'])
    await refuse(stream, Type.GET_STATE)
    expect(outcomeOf(await stream.next())).to.include({ status: 500, message: 'too late' })
    expect((await peer.execute(stream, 'answers')).payload).to.equal('[{"error":"too late"}]')
  })

  it('sends-an-unknown-type sends it, and never completes', async () => {
    const [stream] = await startReady('sends-an-unknown-type')
    for (const args of [[], ['12']]) {
      const txId = peer.begin(stream, ['unknown', ...args])
      const message = await stream.next()
      expect([message.getType(), message.getTxid()]).to.deep.equal([Number(args[0] ?? 9999), txId])
    }
    await expectService(stream)
  })

  it('answers-an-unknown-transaction completes a stranger, then its own', async () => {
    const [stream] = await startReady('answers-an-unknown-transaction')
    const txId = peer.begin(stream, ['stray'])
    const [stray, own] = [await stream.next(), await stream.next()]
    expect([stray.getType(), stray.getTxid()]).to.deep.equal([Type.COMPLETED, 'no-such-transaction'])
    expect([own.getType(), own.getTxid()]).to.deep.equal([Type.COMPLETED, txId])
  })
})

describe('the chaincode kv', () => {
  const processes = new TestProcesses()
  let peer: FakePeer
  let stream: FakeStream
  before(async () => {
    peer = await FakePeer.start()
    await processes.startChaincode(fixture('kv'), peer.address)
    stream = await peer.ready()
  })
  after(async () => {
    peer.close()
    await processes.end()
  })

  const call = async (...args: string[]) => (await peer.execute(stream, ...args)).payload

  it('puts, gets and deletes', async () => {
    await call('put', 'a', '1')
    expect(await call('get', 'a')).to.equal('1')
    expect(await call('putGet', 'a', '2')).to.equal('1')
    expect(await call('get', 'a')).to.equal('2')
    await call('del', 'a')
    expect(await call('get', 'a')).to.equal('')
  })

  it('reads ranges and histories', async () => {
    for (const key of ['r1', 'r2', 'r3']) await call('put', key, key.toUpperCase())
    expect(JSON.parse(await call('range', 'r1', 'r3'))).to.deep.equal([
      ['r1', 'R1'],
      ['r2', 'R2'],
    ])
    await call('del', 'r1')
    const history = JSON.parse(await call('history', 'r1')) as object[]
    expect(history).to.have.length(2)
    expect(history[1]).to.include({ value: 'R1', isDelete: false })
  })

  it('calls another chaincode and passes its response on', async () => {
    expect(await peer.execute(stream, 'invoke', 'other', 'f', 'x')).to.include({
      status: 200,
      payload: 'other/mychannel was called with f x',
    })
  })

  it('sets events', async () => {
    expect((await peer.execute(stream, 'event', 'happened', 'now')).event).to.deep.equal({
      name: 'happened',
      payload: 'now',
    })
  })

  it('fails in every way', async () => {
    for (const name of ['fail', 'throw'])
      expect(await peer.execute(stream, name, 'reason')).to.include({ status: 500, message: 'reason' })
    expect(await peer.execute(stream, 'status', '404', 'reason')).to.include({ status: 404, message: 'reason' })
    expect(await peer.execute(stream, 'nothing')).to.include({ status: 500, message: 'no function nothing' })
  })

  it('tells who calls', async () => {
    const caller = JSON.parse(await call('caller')) as object
    expect(caller).to.deep.include({ mspid: 'Org1MSP', channelId: 'mychannel', transient: { secret: 'of the caller' } })
  })
})
