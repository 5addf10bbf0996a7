import { status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { failure, isFailure } from '../../src/errors.js'
import { CallLimit } from '../../src/gateway/unary-call.js'
import { serveGateway } from '../../src/gateway/serve-gateway.js'
import { silentLogger } from '../../src/log.js'
import { answer, rejectionOf, TestPeer } from './test-peer.js'

describe('the client port of a peer', () => {
  let peer: TestPeer

  beforeEach(async () => {
    peer = await TestPeer.create()
  })
  afterEach(() => peer.close())

  const refusedAt = (port: number, tls?: { key: Buffer; certificate: Buffer }) => {
    const { ledgers, executor, membership, signer } = peer
    const parts = { ledgers, executor, membership, signer, log: silentLogger() }
    return serveGateway({ host: '127.0.0.1', port, tls, address: 'localhost:7051', ...parts }).then(
      () => expect.fail('it listens'),
      (error: unknown) => error,
    )
  }

  it('serves plaintext where TLS is off', async () => {
    const running = await peer.serve({ plaintext: true })
    const gateway = peer.connect(peer.client(running, { plaintext: true }))
    peer.chaincode = () => answer('plain')
    const result = await gateway.getNetwork('mychannel').getContract('kv').evaluateTransaction('f')
    expect(Buffer.from(result).toString()).to.equal('plain')
  })

  it('names the address of a port in use, what it was for, and what to do', async () => {
    const { port } = await peer.serve()
    const error = await refusedAt(port)
    expect(isFailure(error, 'PORT_IN_USE')).to.equal(true)
    expect(error).to.have.property(
      'message',
      `cannot listen on 127.0.0.1:${port} for the gateway: the port is already in use`,
    )
    expect(error)
      .to.have.property('hint')
      .that.matches(/choose another port/)
  })

  it('tells TLS material that is none', async () => {
    const nothing = Buffer.from('nothing')
    const error = await refusedAt(0, { key: nothing, certificate: nothing })
    expect(isFailure(error, 'LISTEN_FAILED')).to.equal(true)
    expect(error)
      .to.have.property('message')
      .that.matches(/^cannot listen on 127.0.0.1:0 for the gateway: .*PEM/)
  })

  it('takes no more calls at a time than its limit, and others when those have ended', async () => {
    await peer.serve({ limits: { gatewayCalls: 2 } })
    const contract = peer.contract()
    const release: (() => void)[] = []
    let arrive!: () => void
    const bothArrived = new Promise<void>((resolve) => (arrive = resolve))
    peer.chaincode = () =>
      new Promise((resolve) => {
        release.push(() => resolve(answer('through')))
        if (release.length === 2) arrive()
      })
    const running = [contract.evaluateTransaction('f'), contract.evaluateTransaction('f')]
    await bothArrived
    const error = await rejectionOf(contract.evaluateTransaction('f'))
    expect(error.code).to.equal(status.RESOURCE_EXHAUSTED)
    expect(error.cause.details).to.equal(
      'too many requests for /gateway.Gateway, exceeding concurrency limit (2), ' +
        'see peer.limits.concurrency.gatewayService',
    )
    for (const letThrough of release) letThrough()
    await Promise.all(running)
    peer.chaincode = () => answer('again')
    expect(Buffer.from(await contract.evaluateTransaction('f')).toString()).to.equal('again')
  })

  it('counts a call as ended when its client has gone and the chaincode has stopped', () => {
    const limit = new CallLimit('s', 'k', 1)
    expect([limit.tryEnter(), limit.tryEnter(), limit.running]).to.deep.equal([true, false, 1])
    limit.leave()
    expect(limit.tryEnter()).to.equal(true)
  })

  it('ends the calls that wait for a commit at once when it closes', async () => {
    const running = await peer.serve()
    const contract = peer.contract()
    peer.ledger.mayCommit = new Promise(() => {})
    const submitted = await contract.submitAsync('f')
    const waiting = rejectionOf(submitted.getStatus())
    await contract.evaluateTransaction('f')
    await running.close(60_000)
    const error = await waiting
    expect(error.code).to.equal(status.UNAVAILABLE)
    expect(error.cause.details).to.equal('the peer is stopping')
  })

  it('lets an evaluation end when it closes', async () => {
    const running = await peer.serve()
    let closing: Promise<void> | undefined
    peer.chaincode = () => {
      closing = running.close(60_000)
      return answer('in time')
    }
    const result = await peer.contract().evaluateTransaction('f')
    expect(Buffer.from(result).toString()).to.equal('in time')
    await closing
  })

  it('tells the executor when it cuts a call', async () => {
    const running = await peer.serve()
    let closing: Promise<void> | undefined
    const aborted = new Promise<void>((resolve) => {
      peer.chaincode = (_invocation, signal) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener('abort', () => {
            reject(failure('CALL_CANCELLED', {}))
            resolve()
          })
          closing = running.close(10)
        })
    })
    const error = await rejectionOf(peer.contract().evaluateTransaction('f'))
    expect(error.code).to.be.oneOf([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL])
    await Promise.all([closing, aborted])
    expect(peer.ledger.openSimulators).to.equal(0)
  })
})
