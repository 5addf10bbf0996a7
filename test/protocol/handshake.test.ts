import { expect } from 'chai'
import { ChaincodeAdditionalParams } from '../../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import { failureOf, openStream, readyStream, short } from './open-stream.js'

const UNKNOWN = 2
const INTERNAL = 13

/** The status that a stream was closed with; fails unless it was closed exactly once. */
const statusOf = ({ transport }: ReturnType<typeof openStream>) => {
  expect(transport.closes).to.have.length(1)
  return transport.closes[0]
}

const violation = (text: string) => ({ code: UNKNOWN, message: `error handling message, ending stream: ${text}` })

describe('The handshake with a chaincode', () => {
  it('answers REGISTER with a bare REGISTERED and a READY that carries the parameters, and is then ready [B-270 … B-273]', () => {
    const chaincode = openStream()
    expect(chaincode.state).to.equal('created')
    chaincode.register('kv:1.0')
    expect(chaincode.state).to.equal('ready')
    expect(chaincode.stream.ccid).to.equal('kv:1.0')
    const [registered, ready, ...more] = chaincode.transport.sent
    expect(more).to.deep.equal([])
    expect(registered).to.include({ type: Type.REGISTERED, txid: '', channelId: '', proposal: undefined })
    expect(registered?.payload.length).to.equal(0)
    expect(ready).to.include({ type: Type.READY, txid: '', channelId: '', proposal: undefined })
    expect(ChaincodeAdditionalParams.decode(ready?.payload as Buffer)).to.deep.equal({
      useWriteBatch: false,
      maxSizeWriteBatch: 1000,
      useGetMultipleKeys: true,
      maxSizeGetMultipleKeys: 2000,
    })
  })

  it('tells the supervisor of REGISTER and of READY, with name and id of the stream', () => {
    const { reports, register } = openStream()
    register('kv:1.0')
    expect(reports.map(({ type, ccid, streamId }) => [type, ccid, streamId])).to.deep.equal([
      ['REGISTER', 'kv:1.0', 7],
      ['STREAM_READY', 'kv:1.0', 7],
    ])
  })

  it('takes no transaction before READY is written, and all once it is [R-47]', async () => {
    const chaincode = openStream()
    chaincode.transport.held = []
    chaincode.register()
    expect(chaincode.state).to.equal('established')
    expect((await failureOf(chaincode.execute())).code).to.equal('STREAM_TERMINATED')
    chaincode.transport.take()
    for (const written of chaincode.transport.held) written()
    expect(chaincode.state).to.equal('ready')
    void chaincode.execute('tx2')
    expect(chaincode.transport.take().map(short)).to.deep.equal(['TRANSACTION ch/tx2 the input'])
  })

  it('ends the stream when READY cannot be written, with the reason [R-45]', () => {
    const chaincode = openStream()
    chaincode.transport.held = []
    chaincode.register()
    for (const written of chaincode.transport.held) written(new Error('the stream is closed'))
    expect(chaincode.state).to.equal('closed')
    expect(chaincode.reports.at(-1)).to.include({ type: 'STREAM_ENDED', message: 'the stream is closed' })
    expect(statusOf(chaincode)).to.deep.equal({ code: UNKNOWN, message: 'the stream is closed' })
  })

  it('closes a refused stream with the text of the refusal, and sends no message [R-12]', () => {
    const chaincode = openStream({ decision: { type: 'REJECT', refusal: 'duplicate' } })
    chaincode.register('kv:1.0')
    expect(chaincode.transport.sent).to.deep.equal([])
    expect(statusOf(chaincode)).to.deep.equal({ code: UNKNOWN, message: 'duplicate chaincodeID: kv:1.0' })
    expect(chaincode.closures).to.deep.equal([{ kind: 'refused', refusal: 'duplicate' }])
  })

  it('closes the stream of an empty name, and asks nobody [R-15]', () => {
    const chaincode = openStream()
    chaincode.register('')
    expect(chaincode.closures).to.deep.equal([{ kind: 'emptyName' }])
    expect(chaincode.reports.map(({ type }) => type)).to.deep.equal(['STREAM_ENDED'])
  })

  for (const [what, payload, detail] of [
    ['is cut short', '120561', 'unexpected EOF'],
    ['is no protobuf', '0f', 'proto: cannot parse invalid wire-format data'],
  ] as const)
    it(`closes the stream of a REGISTER whose payload ${what}, and says so in the words of Go [R-14]`, () => {
      const chaincode = openStream()
      chaincode.send({ type: Type.REGISTER, payload: Buffer.from(payload, 'hex') })
      expect(chaincode.closures).to.deep.equal([{ kind: 'undecodable', detail }])
      expect(chaincode.transport.sent).to.deep.equal([])
    })

  it('closes a stream that never registers, after the delay and not before', () => {
    const chaincode = openStream({ registerTimeoutMs: 200 })
    chaincode.clock.increment(199)
    expect(chaincode.state).to.equal('created')
    chaincode.clock.increment(1)
    expect(chaincode.closures).to.deep.equal([{ kind: 'registerTimeout', afterMs: 200 }])
  })

  it('reads no further message of a stream that is closed', () => {
    const chaincode = openStream({ decision: { type: 'REJECT', refusal: 'duplicate' } })
    chaincode.register()
    chaincode.register()
    chaincode.stream.onMessage(Buffer.from('ff', 'hex'))
    chaincode.stream.onEnd({ kind: 'closed', message: '' })
    expect(chaincode.closures).to.have.length(1)
    expect(chaincode.transport.closes).to.have.length(1)
    expect(chaincode.logged(40)).to.deep.equal([])
  })
})

describe('A message that is out of place', () => {
  for (const [type, name] of [
    [Type.GET_STATE, 'GET_STATE'],
    [Type.ERROR, 'ERROR'],
    [Type.COMPLETED, 'COMPLETED'],
    [Type.READY, 'READY'],
    [Type.TRANSACTION, 'TRANSACTION'],
    [9999, '9999'],
  ] as const)
    it(`ends the stream when it is ${name} before REGISTER [B-287]`, () => {
      const chaincode = openStream()
      chaincode.send({ type, txid: '0123456789abcdef' })
      expect(statusOf(chaincode)).to.deep.equal(
        violation(`[0123456789abcdef] Fabric side handler cannot handle message (${name}) while in created state`),
      )
    })

  for (const [type, name] of [
    [Type.REGISTER, 'REGISTER'],
    [Type.REGISTERED, 'REGISTERED'],
    [Type.READY, 'READY'],
    [Type.INIT, 'INIT'],
    [Type.TRANSACTION, 'TRANSACTION'],
    [Type.RESPONSE, 'RESPONSE'],
    [Type.UNDEFINED, 'UNDEFINED'],
    [12, '12'],
    [26, '26'],
    [-1, '-1'],
  ] as const)
    it(`ends the stream when it is ${name} in ready, and every transaction with it [R-44]`, async () => {
      const chaincode = readyStream()
      const running = failureOf(chaincode.execute())
      chaincode.ask(type, undefined, '0123456789abcdef')
      expect(statusOf(chaincode)).to.deep.equal(
        violation(`[0123456789abcdef] Fabric side handler cannot handle message (${name}) while in ready state`),
      )
      expect((await running).message).to.equal('chaincode stream terminated')
    })

  it('ends the stream when the chaincode itself sends READY after REGISTERED: that is never taken for ready [R-53]', () => {
    const chaincode = openStream()
    chaincode.transport.held = []
    chaincode.register()
    chaincode.send({ type: Type.READY, txid: 'tx9' })
    expect(statusOf(chaincode)).to.deep.equal(
      violation('handle message: invalid state established for transaction tx9'),
    )
    expect(chaincode.reports.map(({ type }) => type)).to.deep.equal(['REGISTER', 'STREAM_ENDED'])
  })

  it('ends the stream when it comes while the supervisor still decides', () => {
    const chaincode = openStream({ decision: undefined })
    chaincode.register()
    chaincode.ask(Type.GET_STATE, undefined, 'tx9')
    expect(statusOf(chaincode)?.message).to.contain('handle message: invalid state deciding for transaction tx9')
  })

  for (const [what, bytes, text] of [
    ['is cut short', '08041205', 'unexpected EOF'],
    ['has a wire type that there is not', '0f', 'proto: cannot parse invalid wire-format data'],
    ['has a text that is no UTF-8', '2201ff', 'string field contains invalid UTF-8'],
  ] as const)
    it(`ends the stream with INTERNAL and the text of gRPC when it ${what}, in every state`, async () => {
      const message = `grpc: failed to unmarshal the received message ${text}`
      const created = openStream()
      created.stream.onMessage(Buffer.from(bytes, 'hex'))
      expect(statusOf(created)).to.deep.equal({ code: INTERNAL, message })
      const ready = readyStream()
      const running = failureOf(ready.execute())
      ready.stream.onMessage(Buffer.from(bytes, 'hex'))
      expect(statusOf(ready)).to.deep.equal({ code: INTERNAL, message })
      expect((await running).code).to.equal('STREAM_TERMINATED')
      expect(ready.logged(40)).to.deep.equal([`chaincode stream ended: ${message}`])
    })
})

describe('KEEPALIVE', () => {
  it('is ignored in every state, and answered in none [B-280]', () => {
    const created = openStream()
    created.send({ type: Type.KEEPALIVE })
    expect(created.state).to.equal('created')
    const deciding = openStream({ decision: undefined })
    deciding.register()
    deciding.send({ type: Type.KEEPALIVE })
    expect(deciding.state).to.equal('deciding')
    const established = openStream()
    established.transport.held = []
    established.register()
    established.transport.take()
    established.send({ type: Type.KEEPALIVE, txid: 'tx1' })
    expect(established.state).to.equal('established')
    const ready = readyStream()
    for (let count = 0; count < 99; count++) ready.send({ type: Type.KEEPALIVE })
    expect(ready.state).to.equal('ready')
    for (const { transport } of [created, deciding, established, ready]) {
      expect(transport.take()).to.deep.equal([])
      expect(transport.closes).to.deep.equal([])
    }
  })

  it('is sent at each interval of a stream that is ready, bare, until the stream ends [B-285]', () => {
    const chaincode = readyStream({ keepaliveMs: 50 })
    for (let count = 0; count < 5; count++) chaincode.clock.increment(50)
    expect(chaincode.transport.take().map(short)).to.deep.equal(Array(5).fill('KEEPALIVE /'))
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    chaincode.clock.increment(1000)
    expect(chaincode.transport.take()).to.deep.equal([])
  })

  it('is not sent where its interval is 0 [B-286]', () => {
    const chaincode = readyStream({ keepaliveMs: 0 })
    chaincode.clock.increment(1_000_000)
    expect(chaincode.transport.take()).to.deep.equal([])
  })
})

describe('The end of a stream', () => {
  it('is UNKNOWN EOF when the chaincode half-closes', () => {
    const chaincode = readyStream()
    chaincode.stream.onEnd({ kind: 'eof', message: '' })
    expect(statusOf(chaincode)).to.deep.equal({ code: UNKNOWN, message: 'EOF' })
    expect(chaincode.closures).to.deep.equal([{ kind: 'ended', message: '' }])
    expect(chaincode.reports.at(-1)).to.include({ type: 'STREAM_ENDED', ccid: 'kv:1.0', streamId: 7, message: '' })
  })

  it("keeps the transport's reason", () => {
    const chaincode = readyStream()
    chaincode.stream.onEnd({ kind: 'error', message: 'read ECONNRESET' })
    expect(chaincode.reports.at(-1)).to.include({ type: 'STREAM_ENDED', message: 'read ECONNRESET' })
  })

  it('is OK when the program closes it', () => {
    const chaincode = readyStream()
    chaincode.stream.actor.send({ type: 'CLOSE' })
    expect(chaincode.transport.closes).to.deep.equal([undefined])
    expect(chaincode.closures).to.deep.equal([{ kind: 'closed' }])
  })
})
