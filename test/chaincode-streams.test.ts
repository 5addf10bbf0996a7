import { expect } from 'chai'
import { ChaincodeAdditionalParams } from '../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../proto/gen/peer/chaincode-shim.js'
import { short } from './protocol/open-stream.js'
import { type DirectoryScript, runDirectory } from './run-directory.js'

const UNKNOWN = 2
const dev: DirectoryScript['supervisor'] = { acceptsUnsolicited: true }

describe('A stream that is refused is closed with UNKNOWN and the reason, which is logged too:', () => {
  const cases: Record<string, { script?: DirectoryScript; name: string; text: string; up?: boolean }> = {
    'a chaincode that nobody has started, outside dev mode': {
      name: 'stranger:1.0',
      text: 'peer will not accept external chaincode connection stranger:1.0 (except in dev mode)',
    },
    'a second stream of one that is up [R-12]': {
      up: true,
      name: 'kv:1.0',
      text: 'duplicate chaincodeID: kv:1.0',
    },
    'in dev mode another id than the one that is awaited': {
      script: { supervisor: { ...dev, isAwaited: false }, awaitedIds: ['kv:1.0', 'other:1.0'] },
      name: 'vk:1.0',
      text: 'chaincode registered as vk:1.0, but the id that is awaited is kv:1.0 or other:1.0',
    },
    'in dev mode one more than may be': {
      script: { supervisor: { ...dev, chaincodesLimit: 0 }, config: { 'chaincoded.limits.chaincodes': 7 } },
      name: 'kv:1.0',
      text: 'chaincode kv:1.0 is one too many: 7 are known (chaincoded.limits.chaincodes)',
    },
    'an empty name [R-15]': {
      name: '',
      text: 'error in handling register chaincode, chaincodeID name is empty',
    },
  }
  for (const [what, { script, name, text, up }] of Object.entries(cases))
    it(what, async () => {
      const daemon = await runDirectory(script)
      if (up) {
        daemon.add(name)
        void daemon.directory.ensureReady(name)
        daemon.comeUp(name)
      }
      const before = daemon.directory.openStreams()
      const chaincode = daemon.connect()
      chaincode.register(name)
      expect(chaincode.transport.closes).to.deep.equal([{ code: UNKNOWN, message: text }])
      expect(chaincode.transport.sent).to.deep.equal([])
      expect(daemon.logged(40)).to.deep.equal([`chaincode stream closed: ${text}`])
      expect(daemon.directory.openStreams()).to.deep.equal(before)
    })

  it('a chaincode whose process has not been started yet', async () => {
    const daemon = await runDirectory()
    daemon.add('kv:1.0')
    void daemon.directory.ensureReady('kv:1.0')
    const chaincode = daemon.connect()
    chaincode.register('kv:1.0')
    expect(chaincode.transport.closes[0]?.message).to.contain('peer will not accept external chaincode connection')
  })

  it('an undecodable REGISTER [R-14]', async () => {
    const daemon = await runDirectory()
    const chaincode = daemon.connect()
    chaincode.send({ type: Type.REGISTER, payload: Buffer.from('1205', 'hex') })
    const text = 'Error in received REGISTER, could NOT unmarshal registration info: unexpected EOF'
    expect(chaincode.transport.closes).to.deep.equal([{ code: UNKNOWN, message: text }])
  })

  it('one that never registers', async () => {
    const daemon = await runDirectory({ config: { 'chaincoded.registerTimeout': '5s' } })
    const chaincode = daemon.connect()
    daemon.clock.increment(5000)
    const text = 'no REGISTER within 5000 ms, closing the stream'
    expect(chaincode.transport.closes).to.deep.equal([{ code: UNKNOWN, message: text }])
  })
})

describe('A stream that is taken', () => {
  it('of a chaincode that was started by hand is up at once', async () => {
    const daemon = await runDirectory({ supervisor: dev })
    const chaincode = daemon.connect()
    chaincode.register('kv:1.0')
    expect(chaincode.transport.take().map(({ type }) => type)).to.deep.equal([Type.REGISTERED, Type.READY])
    expect(daemon.directory.status('kv:1.0')).to.deep.include({ state: 'ready', kind: 'byHand' })
    expect(await daemon.directory.ensureReady('kv:1.0')).to.equal(daemon.directory.readyStream('kv:1.0'))
  })

  it('is told no batches as long as they are not done, whatever the configuration says: it then sends single requests', async () => {
    const daemon = await runDirectory({
      supervisor: dev,
      config: {
        'chaincode.runtimeParams.useWriteBatch': true,
        'chaincode.runtimeParams.maxSizeWriteBatch': 11,
        'chaincode.runtimeParams.useGetMultipleKeys': true,
        'chaincode.runtimeParams.maxSizeGetMultipleKeys': 12,
      },
    })
    const chaincode = daemon.connect()
    chaincode.register('kv:1.0')
    expect(ChaincodeAdditionalParams.decode(chaincode.transport.sent[1]!.payload)).to.deep.equal({
      useWriteBatch: false,
      maxSizeWriteBatch: 11,
      useGetMultipleKeys: false,
      maxSizeGetMultipleKeys: 12,
    })
  })

  it('gets an id of its own', async () => {
    const daemon = await runDirectory({ supervisor: dev })
    daemon.connect().register('a:1')
    daemon.connect().register('b:1')
    expect(daemon.directory.openStreams().map(({ streamId }) => streamId)).to.deep.equal([1, 2])
  })

  it('keeps to the limits of the configuration', async () => {
    const daemon = await runDirectory({
      supervisor: dev,
      config: {
        'chaincoded.limits.transactionsInFlight': 1,
        'chaincoded.limits.messageBytes': 1024 * 1024,
        'chaincode.executetimeout': '2s',
      },
    })
    const chaincode = daemon.connect()
    chaincode.register('kv:1.0')
    chaincode.transport.take()
    const stream = daemon.directory.readyStream('kv:1.0')!
    const execute = (txId: string, input: Buffer) =>
      stream
        .execute({
          type: Type.TRANSACTION,
          channelId: 'ch',
          txId,
          namespace: 'kv',
          input,
          signedProposal: Buffer.alloc(0),
          simulator: undefined,
        })
        .then(
          () => 'it did not fail',
          (error: Error) => error.message,
        )
    expect(await execute('tx0', Buffer.alloc(1024 * 1024))).to.contain('1048576 bytes (chaincoded.limits.messageBytes)')
    const first = execute('tx1', Buffer.from('input'))
    expect(chaincode.transport.take().map(short)).to.deep.equal(['TRANSACTION ch/tx1 input'])
    expect(await execute('tx2', Buffer.alloc(0))).to.contain('already runs 1 transactions')
    daemon.clock.increment(1999)
    expect(stream.inFlight).to.equal(1)
    daemon.clock.increment(1)
    expect(await first).to.equal('timeout expired while executing transaction')
  })

  it('leaves one line in the log when it breaks a rule, and a debug line when it simply ends', async () => {
    const daemon = await runDirectory({ supervisor: dev })
    const first = daemon.connect()
    first.register('a:1')
    first.send({ type: Type.REGISTERED, txid: 'tx1' })
    expect(daemon.logged(40)).to.deep.equal([
      'chaincode stream closed: [tx1] Fabric side handler cannot handle message (REGISTERED) while in ready state',
    ])
    const second = daemon.connect()
    second.register('b:1')
    second.end()
    expect(daemon.logged(40)).to.have.length(1)
    expect(daemon.logged(20)).to.deep.equal(['chaincode stream ended'])
  })
})
