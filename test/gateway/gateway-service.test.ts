import { type ClientUnaryCall, status } from '@grpc/grpc-js'
import { type Contract, EndorseError, type Gateway, GatewayError } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { EvaluateRequest, ProposedTransaction } from '../../proto/gen/gateway/gateway.js'
import { signLowS } from '../../services/sign-low-s.js'
import { failure } from '../../src/errors.js'
import type { RunningGateway } from '../../src/gateway/serve-gateway.js'
import { answer, argumentsOf, detail, increments, rejectionOf, TestPeer } from './test-peer.js'

describe('gateway service, asked by the published SDK', () => {
  let peer: TestPeer
  let running: RunningGateway
  let gateway: Gateway
  let contract: Contract

  before(async () => {
    peer = await TestPeer.create()
    running = await peer.serve()
    gateway = peer.connect(peer.client(running))
    contract = gateway.getNetwork('mychannel').getContract('kv')
  })
  after(() => peer.close())
  beforeEach(() => peer.reset())
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  describe('Evaluate', () => {
    it('answers what the chaincode returned for the arguments', async () => {
      peer.chaincode = (invocation) => answer(argumentsOf(invocation).join(' '))
      const result = await contract.evaluateTransaction('concat', 'a', 'ü')
      expect(Buffer.from(result).toString()).to.equal('concat a ü')
    })

    it('answers no bytes where the chaincode returned none', async () => {
      peer.chaincode = () => answer()
      expect(await contract.evaluateTransaction('nothing')).to.have.length(0)
    })

    it('answers results of many megabytes', async () => {
      peer.chaincode = () => answer('x'.repeat(20_000_000))
      expect(await contract.evaluateTransaction('big')).to.have.length(20_000_000)
    })

    it('serves an administrator', async () => {
      expect(await peer.contract({ member: peer.admin }).evaluateTransaction('get')).to.have.length(4)
    })

    for (const code of [200, 201, 399]) {
      it(`takes status ${code} for success`, async () => {
        peer.chaincode = () => answer('fine', code)
        expect(Buffer.from(await contract.evaluateTransaction('f')).toString()).to.equal('fine')
      })
    }

    for (const code of [500, 501, 400, 404, 499, 199, 99]) {
      it(`reports status ${code} as the chaincode's own error`, async () => {
        peer.chaincode = () => answer('', code, 'boom')
        const error = await rejectionOf(contract.evaluateTransaction('f'))
        expect(error).to.be.instanceOf(GatewayError)
        expect(error.code).to.equal(status.UNKNOWN)
        const text = `chaincode response ${code}, boom`
        expect(error.cause.details).to.equal(`evaluate call to endorser returned error: ${text}`)
        expect(error.details).to.deep.equal(detail(text))
      })
    }

    it('reports what kept the peer from executing, with the last words of the chaincode', async () => {
      peer.chaincode = () => {
        throw failure('STREAM_TERMINATED', { lastWords: ['panic: äöü'], suggestion: 'mend it' })
      }
      const error = await rejectionOf(contract.evaluateTransaction('f'))
      expect(error.code).to.equal(status.ABORTED)
      expect(error.cause.details).to.equal('failed to evaluate transaction, see attached details for more info')
      expect(error.details).to.deep.equal(
        detail('error in simulation: chaincode stream terminated\n  | panic: äöü\nhint: mend it'),
      )
    })

    it('reports an unknown channel', async () => {
      const error = await rejectionOf(peer.contract({ channel: 'nochan' }).evaluateTransaction('f'))
      expect(error.code).to.equal(status.UNAVAILABLE)
      expect(error.cause.details).to.equal(
        'failed to get config for channel [nochan]: could not get last config for channel nochan',
      )
      expect(error.details).to.deep.equal([])
    })

    it('reports an unknown chaincode', async () => {
      const missing = gateway.getNetwork('mychannel').getContract('missing')
      const error = await rejectionOf(missing.evaluateTransaction('f'))
      expect(error.code).to.equal(status.FAILED_PRECONDITION)
      const text = 'no peers available to evaluate chaincode missing in channel mychannel'
      expect(error.cause.details).to.equal(text)
      const secret = await rejectionOf(missing.evaluate('f', { transientData: { k: 'v' } }))
      expect(secret.cause.details).to.equal(
        "no endorsers found in the gateway's organization; " +
          `retry specifying target organization(s) to protect transient data: ${text}`,
      )
    })

    it('asks only the organizations that the client names', async () => {
      const named = await contract.evaluate('f', { endorsingOrganizations: ['Org2MSP', 'Org1MSP'] })
      expect(Buffer.from(named).toString()).to.equal('done')
      const error = await rejectionOf(contract.evaluate('f', { endorsingOrganizations: ['Org2MSP'] }))
      expect(error.code).to.equal(status.FAILED_PRECONDITION)
      expect(error.cause.details).to.equal('no peers available to evaluate chaincode kv in channel mychannel')
    })

    it('passes transient data to the chaincode, and keeps it off the ledger', async () => {
      await contract.evaluate('f', { transientData: { secret: 'hush' } })
      expect(peer.invocations.at(-1)!.signedProposal.includes('hush')).to.equal(true)
      const transaction = await contract.newProposal('f', { transientData: { secret: 'hush' } }).endorse()
      expect(Buffer.from(transaction.getBytes()).includes('hush')).to.equal(false)
    })

    it('leaves the message of a very long error readable', async () => {
      peer.chaincode = () => answer('', 500, 'ü'.repeat(1_000_000))
      const error = await rejectionOf(contract.evaluateTransaction('f'))
      expect(error.code).to.equal(status.UNKNOWN)
      expect(error.cause.details).to.match(/^evaluate call to endorser returned error: chaincode response 500, ü+… \(/)
      expect(error.details[0]!.message).to.match(/^chaincode response 500, ü+… \(19\d{5} more bytes\)$/)
    })

    it('tells the executor when the client goes away', async () => {
      let arrive!: () => void
      const arrived = new Promise<void>((resolve) => (arrive = resolve))
      const aborted = new Promise<void>((resolve) => {
        peer.chaincode = (_invocation, signal) =>
          new Promise((_resolve, reject) => {
            signal!.addEventListener('abort', () => {
              reject(failure('CALL_CANCELLED', {}))
              resolve()
            })
            arrive()
          })
      })
      const { proposal } = ProposedTransaction.decode(contract.newProposal('hang').getBytes())
      proposal!.signature = signLowS(peer.user.privateKey, proposal!.proposalBytes)
      const request = EvaluateRequest.fromPartial({ proposedTransaction: proposal })
      const client = peer.client(running)
      let call!: ClientUnaryCall
      const ended = new Promise<number>((resolve) => {
        call = client.evaluate(request, (error) => resolve(error!.code))
      })
      await arrived
      call.cancel()
      expect(await ended).to.equal(status.CANCELLED)
      await aborted
    })
  })

  describe('Endorse', () => {
    it('answers a transaction whose result the SDK finds', async () => {
      peer.chaincode = () => answer('1')
      const proposal = contract.newProposal('inc')
      const transaction = await proposal.endorse()
      expect(transaction.getTransactionId()).to.equal(proposal.getTransactionId())
      expect(Buffer.from(transaction.getResult()).toString()).to.equal('1')
    })

    for (const code of [500, 501, 400, 404, 499, 199, 99]) {
      it(`reports status ${code} as the chaincode's own error`, async () => {
        peer.chaincode = () => answer('', code, 'boom')
        const proposal = contract.newProposal('f')
        const error = (await rejectionOf(proposal.endorse())) as EndorseError
        expect(error).to.be.instanceOf(EndorseError)
        expect(error.transactionId).to.equal(proposal.getTransactionId())
        expect(error.code).to.equal(status.ABORTED)
        expect(error.cause.details).to.equal('failed to endorse transaction, see attached details for more info')
        expect(error.details).to.deep.equal(detail(`chaincode response ${code}, boom`))
      })
    }

    it('words the failure of organizations that the client names as Fabric does', async () => {
      peer.chaincode = () => answer('', 500, 'boom')
      const error = await rejectionOf(contract.submit('f', { endorsingOrganizations: ['Org1MSP'] }))
      expect(error.code).to.equal(status.ABORTED)
      expect(error.cause.details).to.equal(
        'failed to collect enough transaction endorsements, see attached details for more info',
      )
    })

    it('reports organizations without a peer', async () => {
      const error = await rejectionOf(
        contract.submit('f', { endorsingOrganizations: ['Org2MSP', 'Org1MSP', 'Org3MSP'] }),
      )
      expect(error.code).to.equal(status.UNAVAILABLE)
      expect(error.cause.details).to.equal('failed to find any endorsing peers for org(s): Org2MSP, Org3MSP')
    })

    it('reports an unknown chaincode or channel', async () => {
      const prefix =
        'no combination of peers can be derived which satisfy the endorsement policy: No metadata was found for chaincode'
      const missing = await rejectionOf(
        peer.contract({ channel: 'mychannel', chaincode: 'missing' }).submitTransaction('f'),
      )
      expect(missing.code).to.equal(status.FAILED_PRECONDITION)
      expect(missing.cause.details).to.equal(`${prefix} missing in channel mychannel`)
      const noChannel = await rejectionOf(peer.contract({ channel: 'nochan' }).submitTransaction('f'))
      expect(noChannel.code).to.equal(status.FAILED_PRECONDITION)
      expect(noChannel.cause.details).to.equal(`${prefix} kv in channel nochan`)
      const secret = await rejectionOf(
        peer.contract({ channel: 'mychannel', chaincode: 'missing' }).submit('f', { transientData: { k: 'v' } }),
      )
      expect(secret.cause.details).to.equal(
        "no endorsers found in the gateway's organization; " +
          'retry specifying endorsing organization(s) to protect transient data',
      )
    })

    it('refuses the proposal of a committed transaction, and so does Evaluate', async () => {
      const proposal = contract.newProposal('f')
      const committed = await (await proposal.endorse()).submit()
      expect((await committed.getStatus()).code).to.equal(0)
      const creator = peer.user.serialized.toString('hex')
      const text = `duplicate transaction found [${proposal.getTransactionId()}]. Creator [${creator}]`
      const endorsed = await rejectionOf(proposal.endorse())
      expect([endorsed.code, endorsed.details]).to.deep.equal([status.ABORTED, detail(text)])
      const evaluated = await rejectionOf(proposal.evaluate())
      expect([evaluated.code, evaluated.details]).to.deep.equal([status.FAILED_PRECONDITION, detail(text)])
    })
  })

  it('serves a client that signs elsewhere', async () => {
    peer.chaincode = increments
    const sign = (digest: Uint8Array) => peer.user.signer(digest)
    const unsigned = contract.newProposal('inc')
    const proposal = gateway.newSignedProposal(unsigned.getBytes(), await sign(unsigned.getDigest()))
    expect(await proposal.evaluate()).not.to.have.length(0)
    const prepared = await proposal.endorse()
    const transaction = gateway.newSignedTransaction(prepared.getBytes(), await sign(prepared.getDigest()))
    const submitted = await transaction.submit()
    const commit = gateway.newSignedCommit(submitted.getBytes(), await sign(submitted.getDigest()))
    expect((await commit.getStatus()).successful).to.equal(true)
  })

  it('says that chaincode events are not there yet', async () => {
    const events = await gateway.getNetwork('mychannel').getChaincodeEvents('kv')
    const error = await rejectionOf(events[Symbol.asyncIterator]().next())
    expect(error.code).to.equal(status.UNIMPLEMENTED)
    expect(error.cause.details).to.equal('chaincode events are not supported yet')
  })
})
