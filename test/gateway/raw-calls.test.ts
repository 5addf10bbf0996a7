import { type ServiceError, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import fc from 'fast-check'
import { CommitStatusRequest, GatewayService } from '../../proto/gen/gateway/gateway.js'
import { ChaincodeInvocationSpec, ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import { EndorserService, type ProposalResponse, SignedProposal } from '../../proto/gen/peer/proposal.js'
import { type ProposalParts, signedProposal } from './signed-proposals.js'
import { answer, TestPeer } from './test-peer.js'

describe('the client port, asked without an SDK', () => {
  let peer: TestPeer

  before(async () => {
    peer = await TestPeer.create()
    await peer.serve()
  })
  after(() => peer.close())
  beforeEach(() => peer.reset())

  const cut = Buffer.from([0x0a, 0x05, 0x01])

  describe('Evaluate', () => {
    const refused = (parts: ProposalParts) => {
      const proposedTransaction = signedProposal(peer.user, parts)
      return peer.refusalOf(GatewayService.evaluate, {
        transactionId: '',
        channelId: '',
        proposedTransaction,
        targetOrganizations: [],
      })
    }
    const invocation = (spec: object) =>
      Buffer.from(ChaincodeInvocationSpec.encode({ chaincodeSpec: ChaincodeSpec.fromPartial(spec) }).finish())

    for (const [what, parts, cause] of [
      ['no proposal bytes', { proposal: Buffer.alloc(0) }, 'a signed proposal is required'],
      ['a proposal that is cut short', { proposal: cut }, 'error unmarshalling Proposal: unexpected EOF'],
      ['a header that is cut short', { header: cut }, 'error unmarshalling Header: unexpected EOF'],
      ['no channel', { channelId: '' }, 'no channel id provided'],
      ['no chaincode spec', { input: Buffer.alloc(0) }, 'no chaincode spec is provided, channel id [mychannel]'],
      ['no chaincode id', { input: invocation({}) }, 'no chaincode id is provided, channel id [mychannel]'],
      [
        'no chaincode name',
        { input: invocation({ chaincodeId: {} }) },
        'no chaincode name is provided, channel id [mychannel]',
      ],
    ] as [string, ProposalParts, string][]) {
      it(`refuses ${what}`, async () => {
        expect(await refused(parts)).to.equal(`INVALID_ARGUMENT failed to unpack transaction proposal: ${cause}`)
      })
    }

    it('refuses a request without a proposal', async () => {
      const answered = (await peer.send(GatewayService.evaluate.path, Buffer.alloc(0))) as ServiceError
      expect(answered.details).to.equal('failed to unpack transaction proposal: a signed proposal is required')
    })

    it('goes by the proposal, whatever the request around it says', async () => {
      expect(await refused({})).to.equal(undefined)
    })
  })

  describe('Endorse', () => {
    const refused = (proposedTransaction?: SignedProposal) =>
      peer.refusalOf(GatewayService.endorse, {
        transactionId: '',
        channelId: '',
        proposedTransaction,
        endorsingOrganizations: [],
      })

    it('refuses a request without a proposal', async () => {
      const text = 'INVALID_ARGUMENT the proposed transaction must contain a signed proposal'
      expect(await refused()).to.equal(text)
      expect(await refused(signedProposal(peer.user, { proposal: Buffer.alloc(0) }))).to.equal(text)
    })

    it('refuses a proposal that cannot be read', async () => {
      expect(await refused(signedProposal(peer.user, { payload: cut }))).to.equal(
        'INVALID_ARGUMENT error unmarshalling ChaincodeProposalPayload: unexpected EOF',
      )
    })
  })

  describe('CommitStatus', () => {
    const refused = (request: Uint8Array) =>
      peer.refusalOf(GatewayService.commitStatus, { request: Buffer.from(request), signature: Buffer.from('none') })
    const request = (parts: Partial<CommitStatusRequest>) =>
      CommitStatusRequest.encode({
        transactionId: 't',
        channelId: 'mychannel',
        identity: peer.user.serialized,
        ...parts,
      }).finish()

    it('refuses requests that lack something', async () => {
      expect(await refused(Buffer.alloc(0))).to.equal('INVALID_ARGUMENT a commit status request is required')
      expect(await refused(cut)).to.equal('INVALID_ARGUMENT invalid status request: unexpected EOF')
      expect(await refused(request({ identity: Buffer.alloc(0) }))).to.equal('INVALID_ARGUMENT no identity provided')
      expect(await refused(request({ channelId: '' }))).to.equal('INVALID_ARGUMENT no channel ID provided')
      expect(await refused(request({ transactionId: '' }))).to.equal(
        'INVALID_ARGUMENT transaction ID should not be empty',
      )
    })
  })

  describe('protos.Endorser', () => {
    const { path, requestSerialize, responseDeserialize } = EndorserService.processProposal
    const propose = async (parts: ProposalParts): Promise<ProposalResponse> => {
      const answered = await peer.send(path, requestSerialize(signedProposal(peer.user, parts)))
      if (answered instanceof Error) throw answered
      return responseDeserialize(answered)
    }

    it('answers an endorsed response', async () => {
      const { response, endorsement } = await propose({})
      expect(response).to.deep.equal({ status: 200, message: '', payload: Buffer.from('done') })
      expect(endorsement!.endorser).to.deep.equal(peer.signer.serialized)
    })

    it('answers the error of a chaincode as a response', async () => {
      peer.chaincode = () => answer('', 500, 'boom')
      expect((await propose({})).response).to.deep.include({ status: 500, message: 'boom' })
    })

    it('refuses a bad proposal with the bare text', async () => {
      const refusal = await peer.refusalOf(
        EndorserService.processProposal,
        signedProposal(peer.user, { nonce: Buffer.alloc(0) }),
      )
      expect(refusal).to.equal('UNKNOWN error validating proposal: nonce is empty')
    })

    it('refuses an empty request', async () => {
      const answered = (await peer.send(path, Buffer.alloc(0))) as ServiceError
      expect(answered.details).to.match(/^request unauthorized due to incorrect timestamp 1970-01-01T00:00:00Z/)
    })
  })

  describe('whatever comes', () => {
    const paths = [...Object.values(GatewayService), ...Object.values(EndorserService)]
      .filter(({ responseStream }) => !responseStream)
      .map(({ path }) => path)
    const stillServes = async () =>
      expect(await peer.send(GatewayService.evaluate.path, evaluation(signedProposal(peer.user)))).to.be.instanceOf(
        Buffer,
      )
    const evaluation = (proposedTransaction: SignedProposal) =>
      GatewayService.evaluate.requestSerialize({
        transactionId: '',
        channelId: '',
        proposedTransaction,
        targetOrganizations: [],
      })

    for (const path of paths) {
      it(`${path} answers bytes that are no message with INTERNAL`, async () => {
        const answered = (await peer.send(path, Buffer.from([0x0a, 0xff, 0xff, 0xff]))) as ServiceError
        expect(answered.code).to.equal(status.INTERNAL)
        await stillServes()
      })
    }

    it('a method or service that does not exist is UNIMPLEMENTED', async () => {
      for (const path of ['/gateway.Gateway/Dance', '/protos.Deliver/Deliver']) {
        expect((await peer.send(path, Buffer.alloc(0))) as ServiceError).to.have.property('code', status.UNIMPLEMENTED)
      }
    })

    it('bytes flipped in signed proposals end in a status, and never in the chaincode', async () => {
      const { proposalBytes, signature } = signedProposal(peer.user)
      const flips = fc.array(fc.tuple(fc.nat(proposalBytes.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      })
      await fc.assert(
        fc.asyncProperty(flips, fc.constantFrom(...paths), async (changes, path) => {
          const changed = Buffer.from(proposalBytes)
          for (const [at, mask] of changes) changed[at]! ^= mask
          if (changed.equals(proposalBytes)) return
          const signed = { proposalBytes: changed, signature }
          const bytes = path.includes('Endorser') ? SignedProposal.encode(signed).finish() : evaluation(signed)
          const answered = await peer.send(path, bytes)
          if (answered instanceof Error) expect((answered as ServiceError).code).to.be.within(1, 16)
          expect(peer.invocations).to.deep.equal([])
        }),
        { seed: 7, numRuns: 300 },
      )
      await stillServes()
    })
  })
})
