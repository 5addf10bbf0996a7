import { createHash, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { HeaderType } from '../../proto/gen/common/common.js'
import {
  ChaincodeInput,
  ChaincodeInvocationSpec,
  ChaincodeSpec,
  ChaincodeEvent,
} from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  ProposalResponsePayload,
  SignedProposal,
} from '../../proto/gen/peer/proposal.js'
import { Header } from '../../proto/gen/common/common.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { failure } from '../../src/errors.js'
import { createEndorser, type Endorser } from '../../src/gateway/endorser.js'
import { ReceivedProposal } from '../../src/gateway/proposal.js'
import { verifyLowS } from '../../src/gateway/signatures.js'
import { silentLogger } from '../../src/log.js'
import { type Member } from './members.js'
import { type ProposalParts, signedProposal } from './signed-proposals.js'
import { answer, TestPeer } from './test-peer.js'

describe('endorser', () => {
  let peer: TestPeer
  let endorser: Endorser

  before(async () => {
    peer = await TestPeer.create()
    const { ledgers, executor, membership, signer } = peer
    endorser = createEndorser({ ledgers, executor, membership, signer, log: silentLogger() })
  })
  after(() => peer.close())
  beforeEach(() => {
    peer.chaincode = () => answer('done')
    peer.invocations.length = 0
  })
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  const propose = (parts: ProposalParts = {}, member: Member = peer.user) => {
    const signed = signedProposal(member, parts)
    return Object.assign(endorser.processProposal(new ReceivedProposal(signed)), { txId: signed.txId })
  }
  const bytes = (encoded: { finish(): Uint8Array }) => Buffer.from(encoded.finish())

  describe('with a proposal that is right', () => {
    it('hands the executor the input, the signed proposal verbatim and a simulator of the channel', async () => {
      const signed = signedProposal(peer.user, { args: ['put', 'a', '1'], transient: { secret: 's' }, isInit: true })
      await endorser.processProposal(new ReceivedProposal(signed))
      const [invocation] = peer.invocations
      const { channelId, txId, chaincodeName, isInit } = invocation!
      expect({ channelId, txId, chaincodeName, isInit }).to.deep.equal({
        channelId: 'mychannel',
        txId: signed.txId,
        chaincodeName: 'kv',
        isInit: true,
      })
      expect(ChaincodeInput.decode(invocation!.input).args.map(String)).to.deep.equal(['put', 'a', '1'])
      expect(invocation!.signedProposal).to.deep.equal(bytes(SignedProposal.encode(signed)))
      expect(invocation!.simulator!.txId).to.equal(signed.txId)
    })

    it('does not hand on decorations that a client made up', async () => {
      const input = { args: [Buffer.from('get')], decorations: new Map([['faked', Buffer.from('x')]]), isInit: false }
      const spec = ChaincodeSpec.fromPartial({ chaincodeId: { name: 'kv' }, input })
      await propose({ input: bytes(ChaincodeInvocationSpec.encode({ chaincodeSpec: spec })) })
      expect(ChaincodeInput.decode(peer.invocations[0]!.input).decorations.size).to.equal(0)
    })

    it('answers a payload that holds result, event, response and chaincode id, and signs it', async () => {
      const event = bytes(
        ChaincodeEvent.encode({ chaincodeId: 'kv', txId: 't', eventName: 'E', payload: Buffer.from('p') }),
      )
      peer.chaincode = ({ simulator }) => {
        simulator!.setState('kv', 'a', Buffer.from('1'))
        return { ...answer('result', 201, 'created'), event }
      }
      const { proposalResponse, grpcError } = await propose()
      expect(grpcError).to.equal(undefined)
      const { version, response, payload, endorsement, interest } = proposalResponse!
      expect(version).to.equal(1)
      expect(response).to.deep.equal({ status: 201, message: 'created', payload: Buffer.from('result') })
      expect(interest!.chaincodes.map(({ name }) => name)).to.deep.equal(['kv'])
      const action = ChaincodeAction.decode(ProposalResponsePayload.decode(payload).extension)
      expect(TxReadWriteSet.decode(action.results).nsRwset.map(({ namespace }) => namespace)).to.deep.equal(['kv'])
      expect(action.events).to.deep.equal(event)
      expect(action.response).to.deep.equal(response)
      expect(action.chaincodeId).to.deep.equal({ path: '', name: 'kv', version: '1.0' })
      expect(endorsement!.endorser).to.deep.equal(peer.signer.serialized)
      const { publicKey } = new X509Certificate(peer.peer.identity.credentials)
      const message = Buffer.concat([payload, peer.signer.serialized])
      expect(verifyLowS(publicKey, message, endorsement!.signature)).to.equal(true)
    })

    it('hashes the headers verbatim and the payload without transient data', async () => {
      const extension = bytes(ChaincodeHeaderExtension.encode({ chaincodeId: { path: '', name: 'kv', version: '' } }))
      const plain = signedProposal(peer.user, { extension, transient: { secret: 's' } })
      const { header, payload } = Proposal.decode(plain.proposalBytes)
      // An unknown field in a header is signed and hashed as well; a decoder that encoded anew would lose it.
      const { channelHeader, signatureHeader } = Header.decode(header)
      const channelHeaderBytes = Buffer.concat([channelHeader, Buffer.from([0xa2, 0x06, 1, 0x61])])
      const signed = signedProposal(peer.user, { channelHeaderBytes, signatureHeaderBytes: signatureHeader, payload })
      const { proposalResponse } = await endorser.processProposal(new ReceivedProposal(signed))
      const { input } = ChaincodeProposalPayload.decode(payload)
      const inputOnly = bytes(ChaincodeProposalPayload.encode({ input, transientMap: new Map() }))
      const hash = createHash('sha256').update(channelHeaderBytes).update(signatureHeader).update(inputOnly).digest()
      expect(ProposalResponsePayload.decode(proposalResponse!.payload).proposalHash).to.deep.equal(hash)
    })

    it('accepts the header type CONFIG, as Fabric does', async () => {
      const { proposalResponse } = await propose({ channelHeader: { type: HeaderType.CONFIG } })
      expect(proposalResponse!.response!.status).to.equal(200)
    })

    it('accepts an administrator', async () => {
      const { proposalResponse } = await propose({}, peer.admin)
      expect(proposalResponse!.endorsement).not.to.equal(undefined)
    })
  })

  describe('by the status that the chaincode answers', () => {
    for (const status of [0, 99, 199, 200, 399]) {
      it(`endorses ${status}`, async () => {
        peer.chaincode = () => answer('p', status, 'm')
        const { proposalResponse } = await propose()
        expect(proposalResponse!.response).to.deep.equal({ status, message: 'm', payload: Buffer.from('p') })
        expect(proposalResponse!.payload).not.to.have.length(0)
        expect(proposalResponse!.endorsement).not.to.equal(undefined)
      })
    }
    for (const status of [400, 404, 499]) {
      it(`answers ${status} with the response alone`, async () => {
        peer.chaincode = () => answer('p', status, 'm')
        const { proposalResponse } = await propose()
        expect(proposalResponse).to.deep.equal({
          version: 0,
          response: { status, message: 'm', payload: Buffer.from('p') },
          payload: Buffer.alloc(0),
        })
      })
    }
    for (const status of [500, 501]) {
      it(`shows the result of ${status}, without its event and without an endorsement`, async () => {
        peer.chaincode = () => ({ ...answer('p', status, 'm'), event: Buffer.from('event') })
        const { proposalResponse } = await propose()
        const { extension } = ProposalResponsePayload.decode(proposalResponse!.payload)
        expect(ChaincodeAction.decode(extension).response!.status).to.equal(status)
        expect(ChaincodeAction.decode(extension).events).to.have.length(0)
        expect(proposalResponse!.endorsement).to.equal(undefined)
      })
    }
  })

  describe('when the chaincode cannot be executed', () => {
    it('answers 500 with the reason, the last words and the hint', async () => {
      peer.chaincode = ({ txId }) => {
        throw failure('LAUNCH_FAILED', {
          ccid: 'kv:1',
          detail: `failed to execute transaction ${txId}: exit code 1`,
          lastWords: ['Error: Cannot find module', 'Node.js v20'],
          suggestion: 'run npm install',
        })
      }
      const proposed = propose()
      const { proposalResponse, grpcError } = await proposed
      expect(grpcError).to.equal(undefined)
      expect(proposalResponse!.payload).to.have.length(0)
      expect(proposalResponse!.response!.status).to.equal(500)
      expect(proposalResponse!.response!.message.split('\n')).to.deep.equal([
        `error in simulation: could not launch chaincode kv:1: failed to execute transaction ${proposed.txId}: exit code 1`,
        '  | Error: Cannot find module',
        '  | Node.js v20',
        'hint: run npm install',
      ])
    })

    it('is done with the simulator when the caller goes away', async () => {
      const abort = new AbortController()
      peer.chaincode = (_invocation, signal) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener('abort', () => reject(failure('CALL_CANCELLED', {})))
          abort.abort()
        })
      const signed = signedProposal(peer.user)
      const { proposalResponse } = await endorser.processProposal(new ReceivedProposal(signed), {
        signal: abort.signal,
      })
      expect(proposalResponse!.response!.message).to.match(/^error in simulation: the caller went away/)
    })

    it('answers a mistake of ours, too', async () => {
      peer.chaincode = () => {
        throw new TypeError('undefined is not a function')
      }
      const { proposalResponse } = await propose()
      expect(proposalResponse!.response!.message).to.equal('error in simulation: undefined is not a function')
    })

    it('says that a chaincode is not defined', async () => {
      const { proposalResponse } = await propose({ chaincode: 'missing' })
      expect(proposalResponse!.response).to.deep.include({
        status: 500,
        message:
          'make sure the chaincode missing has been successfully defined on channel mychannel and try again: ' +
          'chaincode missing not found',
      })
    })

    it('says that a channel is not known', async () => {
      const { proposalResponse, grpcError } = await propose({ channelId: 'nochan' })
      expect(grpcError).to.equal(undefined)
      expect(proposalResponse!.response).to.deep.include({ status: 500, message: "channel 'nochan' not found" })
    })

    it('says that the empty channel has no chaincode', async () => {
      const { proposalResponse } = await propose({ channelId: '' })
      expect(proposalResponse!.response!.message).to.equal(
        'make sure the chaincode kv has been successfully defined on channel  and try again: ' +
          "could not get channel config for channel ''",
      )
    })
  })
})
