import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Block, Envelope, Header, Payload } from '../../proto/gen/common/common.js'
import { Proposal, ProposalResponsePayload } from '../../proto/gen/peer/proposal.js'
import { ChaincodeActionPayload, Transaction } from '../../proto/gen/peer/transaction.js'
import { ReceivedProposal } from '../../src/gateway/proposal.js'
import { UnreadableMessage } from '../../src/gateway/unmarshal.js'

describe('a received proposal', () => {
  const received = (proposal: Partial<Proposal>) =>
    new ReceivedProposal({
      proposalBytes: Buffer.from(Proposal.encode(Proposal.fromPartial(proposal)).finish()),
      signature: Buffer.alloc(0),
    })

  it('has the hash that a peer of Fabric signed', () => {
    const fixture = new URL('../fixtures/fabric-block.json', import.meta.url)
    const { block } = JSON.parse(readFileSync(fixture, 'utf8')) as { block: string }
    const [envelope] = Block.decode(Buffer.from(block, 'base64')).data!.data
    const { header, data } = Payload.decode(Envelope.decode(envelope!).payload)
    const action = ChaincodeActionPayload.decode(Transaction.decode(data).actions[0]!.payload)
    const proposal = received({
      header: Buffer.from(Header.encode(header!).finish()),
      payload: action.chaincodeProposalPayload,
    })
    const signed = ProposalResponsePayload.decode(action.action!.proposalResponsePayload)
    expect(proposal.proposalHash).to.deep.equal(signed.proposalHash)
    expect(proposal.inputOnlyPayload).to.deep.equal(action.chaincodeProposalPayload)
    expect(proposal.unpack().chaincodeName).to.equal('kv')
  })

  it('reads only the parts that are asked for', () => {
    const proposal = received({ header: Buffer.alloc(0), payload: Buffer.from([0x0a, 9]) })
    expect(proposal.channelHeader.channelId).to.equal('')
    expect(() => proposal.payload).to.throw(
      UnreadableMessage,
      'error unmarshalling ChaincodeProposalPayload: unexpected EOF',
    )
  })
})
