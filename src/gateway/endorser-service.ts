import { status } from '@grpc/grpc-js'
import type { EndorserServer } from '../../proto/gen/peer/proposal.js'
import type { Logger } from '../log.js'
import type { Endorser } from './endorser.js'
import { CallError } from './gateway-errors.js'
import { ReceivedProposal } from './proposal.js'
import { type CallLimit, unary } from './unary-call.js'

/** Makes `protos.Endorser` for grpc-js: what the `peer` CLI and legacy SDKs call. */
export const createEndorserService = (endorser: Endorser, limit: CallLimit, log: Logger): EndorserServer => ({
  processProposal: unary(limit, log, async (signed, { signal }) => {
    const outcome = await endorser.processProposal(new ReceivedProposal(signed), { signal })
    if (outcome.grpcError !== undefined) throw new CallError(status.UNKNOWN, outcome.grpcError)
    return outcome.proposalResponse
  }),
})
