import { Payload } from '../../proto/gen/common/common.js'
import type { ProposalResponse } from '../../proto/gen/peer/proposal.js'
import { ChaincodeActionPayload, Transaction } from '../../proto/gen/peer/transaction.js'
import type { ReceivedProposal } from './proposal.js'
import { bufferOf } from './unmarshal.js'

/** Assembles the envelope that the client signs: headers verbatim, and of the payload what the proposal hash covers. */
export function prepareTransaction(proposal: ReceivedProposal, { payload, endorsement }: ProposalResponse) {
  const action = ChaincodeActionPayload.encode({
    chaincodeProposalPayload: proposal.inputOnlyPayload,
    action: { proposalResponsePayload: payload, endorsements: endorsement === undefined ? [] : [endorsement] },
  })
  const transaction = Transaction.encode({
    actions: [{ header: proposal.header.signatureHeader, payload: bufferOf(action.finish()) }],
  })
  const envelope = Payload.encode({ header: proposal.header, data: bufferOf(transaction.finish()) })
  return { payload: bufferOf(envelope.finish()), signature: Buffer.alloc(0) }
}
