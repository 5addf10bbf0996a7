import { status } from '@grpc/grpc-js'
import type {
  EndorseRequest,
  EndorseResponse,
  ErrorDetail,
  EvaluateRequest,
  EvaluateResponse,
  GatewayServer,
} from '../../proto/gen/gateway/gateway.js'
import type { SignedProposal } from '../../proto/gen/peer/proposal.js'
import { messageOf } from '../errors.js'
import type { LedgerProvider } from '../ledger/types.js'
import type { Logger } from '../log.js'
import type { ChaincodeExecutor } from '../protocol/types.js'
import { createCommitStatus } from './commit-status.js'
import type { Endorser } from './endorser.js'
import { CallError, classify, unknownChannel } from './gateway-errors.js'
import { ReceivedProposal } from './proposal.js'
import { prepareTransaction } from './prepare-transaction.js'
import { createSubmit } from './submit.js'
import type { MembershipProvider } from './types.js'
import { type CallLimit, unary } from './unary-call.js'

/** What the gateway works with. It stands for one logical peer, which is also its network's only orderer. */
export interface GatewayServiceOptions {
  endorser: Endorser
  ledgers: Pick<LedgerProvider, 'get'>
  executor: Pick<ChaincodeExecutor, 'isDefined'>
  membership: MembershipProvider
  /** The peer as its network knows it; shown in error details. `address`: host:port (Fabric: `peer.address`). */
  peer: { address: string; mspId: string }
  limit: CallLimit
  log: Logger
}

/** `gateway.Gateway` for grpc-js, and what ends the calls that wait. */
export interface GatewayService {
  handlers: GatewayServer
  /** Ends the calls that wait for a commit with UNAVAILABLE. */
  stopWaiting(): void
}

/** Makes the service that client applications talk to. */
export function createGatewayService(options: GatewayServiceOptions): GatewayService {
  const { endorser, ledgers, executor, peer, limit, log } = options
  const commitStatus = createCommitStatus(options)
  const submit = createSubmit({ ...options, accepted: commitStatus.accepted })
  const detailOf = (message: string): ErrorDetail => ({ ...peer, message })

  async function evaluate(request: EvaluateRequest, { signal }: AbortController): Promise<EvaluateResponse> {
    const { proposal, channelId, chaincodeName } = unpackForEvaluate(request.proposedTransaction)
    if (ledgers.get(channelId) === undefined) {
      throw new CallError(status.UNAVAILABLE, unknownChannel(channelId))
    }
    const { targetOrganizations: targets } = request
    if (!executor.isDefined(channelId, chaincodeName) || (targets.length > 0 && !targets.includes(peer.mspId))) {
      const text = `no peers available to evaluate chaincode ${chaincodeName} in channel ${channelId}`
      const hasTransient = targets.length === 0 && proposal.payload.transientMap.size > 0
      throw new CallError(status.FAILED_PRECONDITION, hasTransient ? protectTransient('target') + `: ${text}` : text)
    }
    const outcome = await endorser.processProposal(proposal, { signal })
    const failure = classify(outcome)
    if (failure !== undefined) {
      const text = failure.retry
        ? 'failed to evaluate transaction, see attached details for more info'
        : `evaluate call to endorser returned error: ${failure.message}`
      throw new CallError(failure.code, text, [detailOf(failure.message)])
    }
    return { result: outcome.proposalResponse!.response }
  }

  async function endorse(request: EndorseRequest, { signal }: AbortController): Promise<EndorseResponse> {
    const proposal = unpackForEndorse(request.proposedTransaction)
    const organizations = request.endorsingOrganizations
    requireEndorsers(proposal, organizations)
    const outcome = await endorser.processProposal(proposal, { signal })
    const failure = classify(outcome)
    if (failure !== undefined) {
      const what = organizations.length === 0 ? 'endorse transaction' : 'collect enough transaction endorsements'
      const text = `failed to ${what}, see attached details for more info`
      throw new CallError(status.ABORTED, text, [detailOf(failure.message)])
    }
    return { preparedTransaction: prepareTransaction(proposal, outcome.proposalResponse!) }
  }

  /** Without named organizations the gateway plans; with them the client vouches for the endorsement policy. */
  function requireEndorsers(proposal: ReceivedProposal, organizations: readonly string[]): void {
    const { channelId } = proposal.channelHeader
    const chaincodeName = proposal.spec?.chaincodeId?.name ?? ''
    const present = ledgers.get(channelId) !== undefined && executor.isDefined(channelId, chaincodeName)
    const missing = organizations.filter((mspId) => !present || mspId !== peer.mspId)
    if (missing.length > 0) {
      const text = `failed to find any endorsing peers for org(s): ${missing.join(', ')}`
      throw new CallError(status.UNAVAILABLE, text)
    }
    if (present) return
    const text =
      proposal.payload.transientMap.size > 0
        ? protectTransient('endorsing')
        : 'no combination of peers can be derived which satisfy the endorsement policy: ' +
          `No metadata was found for chaincode ${chaincodeName} in channel ${channelId}`
    throw new CallError(status.FAILED_PRECONDITION, text)
  }

  return {
    handlers: {
      evaluate: unary(limit, log, evaluate),
      endorse: unary(limit, log, endorse),
      submit: unary(limit, log, submit),
      commitStatus: unary(limit, log, commitStatus.handle),
      chaincodeEvents: (stream) => {
        stream.emit('error', { code: status.UNIMPLEMENTED, details: 'chaincode events are not supported yet' })
      },
    },
    stopWaiting: commitStatus.stopWaiting,
  }
}

/** Tells the client to name organizations rather than to have its transient data go anywhere. */
function protectTransient(role: 'target' | 'endorsing'): string {
  const organizations = role === 'target' ? 'target organization(s)' : 'endorsing organization(s)'
  return `no endorsers found in the gateway's organization; retry specifying ${organizations} to protect transient data`
}

/** Reads what Evaluate routes by; channel and chaincode come from the proposal, never from the request around it. */
function unpackForEvaluate(signed: SignedProposal | undefined) {
  const refuse = (cause: string) =>
    new CallError(status.INVALID_ARGUMENT, `failed to unpack transaction proposal: ${cause}`)
  if (signed === undefined || signed.proposalBytes.length === 0) throw refuse('a signed proposal is required')
  const proposal = new ReceivedProposal(signed)
  try {
    const { channelId } = proposal.channelHeader
    const { spec } = proposal
    if (channelId === '') throw new Error('no channel id provided')
    if (spec === undefined) throw new Error(`no chaincode spec is provided, channel id [${channelId}]`)
    if (spec.chaincodeId === undefined) throw new Error(`no chaincode id is provided, channel id [${channelId}]`)
    const chaincodeName = spec.chaincodeId.name
    if (chaincodeName === '') throw new Error(`no chaincode name is provided, channel id [${channelId}]`)
    return { proposal, channelId, chaincodeName }
  } catch (error) {
    throw refuse(messageOf(error))
  }
}

function unpackForEndorse(signed: SignedProposal | undefined): ReceivedProposal {
  if (signed === undefined || signed.proposalBytes.length === 0) {
    throw new CallError(status.INVALID_ARGUMENT, 'the proposed transaction must contain a signed proposal')
  }
  const proposal = new ReceivedProposal(signed)
  try {
    void [proposal.channelHeader, proposal.spec]
    return proposal
  } catch (error) {
    throw new CallError(status.INVALID_ARGUMENT, messageOf(error))
  }
}
