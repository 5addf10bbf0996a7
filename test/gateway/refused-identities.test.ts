import { status } from '@grpc/grpc-js'
import { type Contract, EndorseError, type Gateway } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { ProposedTransaction } from '../../proto/gen/gateway/gateway.js'
import { issueMember, type Member, memberOf, signHighS } from './members.js'
import { detail, rejectionOf, TestPeer } from './test-peer.js'

describe('gateway service, asked by somebody who may not', () => {
  let peer: TestPeer
  let other: TestPeer
  let gateway: Gateway
  let contract: Contract

  before(async () => {
    peer = await TestPeer.create()
    other = await TestPeer.create()
    const running = await peer.serve()
    gateway = peer.connect(peer.client(running))
    contract = gateway.getNetwork('mychannel').getContract('kv')
  })
  after(async () => {
    await peer.close()
    await other.close()
  })
  beforeEach(() => peer.reset())
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  describe('identities', () => {
    const denied = 'error validating proposal: access denied: channel [mychannel] creator org'
    /** Stands for the user, who signs off-line because an SDK's signer gives a low s only. */
    const highS = 'high s'
    const rows: [string, () => Member | typeof highS, string][] = [
      [
        "a key that is not the certificate's",
        () => ({ ...peer.user, signer: peer.admin.signer }),
        `${denied} [Org1MSP]`,
      ],
      ['a signature with a high s', () => highS, `${denied} [Org1MSP]`],
      ['the certificate of a foreign CA', () => other.user, `${denied} unknown, creator is malformed`],
      [
        'an unknown MSP id',
        () => memberOf('Org9MSP', Buffer.from(peer.user.identity.credentials), peer.user.privateKey),
        `${denied} unknown, creator is malformed`,
      ],
      [
        'a certificate that is none',
        () => memberOf('Org1MSP', 'garbage', peer.user.privateKey),
        `${denied} unknown, creator is malformed`,
      ],
      [
        "a peer's own identity",
        () => peer.peer,
        'Failed evaluating policy on signed data during check policy on channel [mychannel] with policy ' +
          '[/Channel/Application/Writers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, ' +
          "but this policy requires 1 of the 'Writers' sub-policies to be satisfied]",
      ],
    ]
    for (const [what, makeMember, text] of rows) {
      const proposalOf = () => {
        const member = makeMember()
        if (member !== highS) return peer.contract({ member }).newProposal('f')
        const bytes = contract.newProposal('f').getBytes()
        const { proposalBytes } = ProposedTransaction.decode(bytes).proposal!
        return gateway.newSignedProposal(bytes, signHighS(peer.user.privateKey, proposalBytes))
      }

      it(`Evaluate refuses ${what}`, async () => {
        const error = await rejectionOf(proposalOf().evaluate())
        expect(error.code).to.equal(status.FAILED_PRECONDITION)
        expect(error.cause.details).to.equal(`evaluate call to endorser returned error: ${text}`)
        expect(error.details).to.deep.equal(detail(text))
      })

      it(`Endorse refuses ${what}`, async () => {
        const error = await rejectionOf(proposalOf().endorse())
        expect(error).to.be.instanceOf(EndorseError)
        expect(error.code).to.equal(status.ABORTED)
        expect(error.cause.details).to.equal('failed to endorse transaction, see attached details for more info')
        expect(error.details).to.deep.equal(detail(text))
      })
    }

    it('Evaluate and Endorse refuse an expired certificate', async () => {
      const minute = 60_000
      const expired = issueMember(peer.organization, {
        notBefore: new Date(Date.now() - 3 * minute),
        notAfter: new Date(Date.now() - minute),
      })
      const evaluated = await rejectionOf(peer.contract({ member: expired }).evaluateTransaction('f'))
      expect(evaluated.code).to.equal(status.UNAVAILABLE)
      expect(evaluated.cause.details).to.equal('failed to evaluate transaction, see attached details for more info')
      expect(evaluated.details).to.deep.equal(detail('proposal client identity expired'))
      const endorsed = await rejectionOf(peer.contract({ member: expired }).newProposal('f').endorse())
      expect(endorsed.code).to.equal(status.ABORTED)
      expect(endorsed.details).to.deep.equal(detail('proposal client identity expired'))
    })
  })
})
