import {
  ChaincodeAction,
  type ProposalResponse,
  ProposalResponsePayload,
  type Response,
} from '../../proto/gen/peer/proposal.js'
import { isFailure, messageOf } from '../errors.js'
import type { Ledger, LedgerProvider, TxSimulator } from '../ledger/types.js'
import type { Logger } from '../log.js'
import type { ChaincodeExecutor, InvocationResult } from '../protocol/types.js'
import { accessDenied, satisfies } from './channel-policies.js'
import type { ReceivedProposal, UnpackedProposal } from './proposal.js'
import { filterProposal, validateProposal } from './proposal-checks.js'
import type { MembershipProvider, SigningIdentity } from './types.js'
import { bufferOf } from './unmarshal.js'
import { endorsementMessage } from './validate-envelope.js'

/** What an endorser works with. */
export interface EndorserOptions {
  ledgers: Pick<LedgerProvider, 'get'>
  executor: ChaincodeExecutor
  membership: MembershipProvider
  /** The peer's own identity. */
  signer: SigningIdentity
  log: Logger
  /** Milliseconds since the epoch; default the system's clock. */
  now?: () => number
}

/**
 * What became of a proposal. `grpcError` alone: a filter refused it. `grpcError` with a response: it is malformed or not
 * allowed; over the wire only the error arrives. Else the response tells, whatever its status.
 */
export type EndorserOutcome =
  | { grpcError: string; proposalResponse?: ProposalResponse }
  | { grpcError?: undefined; proposalResponse: ProposalResponse }

/** Checks proposals, simulates them and signs what they lead to (`protos.Endorser`). */
export interface Endorser {
  /** Never rejects for what a client or a chaincode did. `signal` says that nobody waits for the answer any more. */
  processProposal(proposal: ReceivedProposal, options?: { signal?: AbortSignal }): Promise<EndorserOutcome>
}

/** Chaincode statuses from here on give no transaction. */
const errorThreshold = 400
/** Chaincode statuses from here on are errors: the result is shown but not endorsed. */
const errorStatus = 500

/** Makes the endorser of one logical peer. */
export function createEndorser(options: EndorserOptions): Endorser {
  const { ledgers, executor, membership, signer, log, now = Date.now } = options

  /** Header, identity, signature, replay and access; answers the text of the refusal. */
  function refusal(proposal: ReceivedProposal, unpacked: UnpackedProposal, ledger: Ledger | undefined) {
    const identity = validateProposal(proposal, unpacked, membership)
    if (typeof identity === 'string') return `error validating proposal: ${identity}`
    if (ledger === undefined) return undefined
    const { txId, channelId } = unpacked.channelHeader
    if (ledger.statusOf(txId) !== undefined) {
      const creator = unpacked.signatureHeader.creator.toString('hex')
      return `duplicate transaction found [${txId}]. Creator [${creator}]`
    }
    return satisfies(identity.role, 'Writers') ? undefined : accessDenied(channelId, 'Writers')
  }

  async function simulate(
    proposal: ReceivedProposal,
    unpacked: UnpackedProposal,
    ledger: Ledger,
    signal?: AbortSignal,
  ) {
    const { txId, channelId } = unpacked.channelHeader
    const { chaincodeName, input, isInit } = unpacked
    const simulator = ledger.newSimulator(txId)
    try {
      const invocation = {
        channelId,
        txId,
        chaincodeName,
        input,
        isInit,
        signedProposal: proposal.marshalled,
        simulator,
      }
      return respond(proposal, chaincodeName, await executor.execute(invocation, signal), simulator)
    } catch (error) {
      if (!isFailure(error)) log.error({ err: error, txId, chaincodeName }, 'simulation failed unexpectedly')
      return failed(`error in simulation: ${isFailure(error) ? error.explain() : messageOf(error)}`)
    } finally {
      simulator.done()
    }
  }

  /** Turns a chaincode's answer into the peer's: a result is shown up to 399 and from 500, and endorsed up to 399. */
  function respond(
    proposal: ReceivedProposal,
    chaincodeName: string,
    { response, event, version }: InvocationResult,
    simulator: TxSimulator,
  ): ProposalResponse {
    if (response.status >= errorThreshold && response.status < errorStatus) return responseOnly(response)
    const noBytes = Buffer.alloc(0)
    const action = ChaincodeAction.encode({
      results: simulator.getTxSimulationResults(),
      events: response.status < errorThreshold ? (event ?? noBytes) : noBytes,
      response,
      chaincodeId: { path: '', name: chaincodeName, version },
    })
    const { proposalHash } = proposal
    const payload = bufferOf(
      ProposalResponsePayload.encode({ proposalHash, extension: bufferOf(action.finish()) }).finish(),
    )
    const interest = { chaincodes: [{ ...noInterest, name: chaincodeName }] }
    if (response.status >= errorStatus) return { ...responseOnly(response), payload, interest }
    const endorser = signer.serialized
    const endorsement = { endorser, signature: signer.sign(endorsementMessage(payload, endorser)) }
    return { version: 1, response, payload, endorsement, interest }
  }

  return {
    async processProposal(proposal, { signal } = {}) {
      const filtered = filterProposal(proposal, membership, now())
      if (filtered !== undefined) {
        log.warn({ reason: filtered }, 'proposal refused')
        return { grpcError: filtered }
      }
      let unpacked: UnpackedProposal
      try {
        unpacked = proposal.unpack()
      } catch (error) {
        return { grpcError: messageOf(error), proposalResponse: failed(messageOf(error)) }
      }
      const { channelId } = unpacked.channelHeader
      const ledger = ledgers.get(channelId)
      if (ledger === undefined && channelId !== '')
        return { proposalResponse: failed(`channel '${channelId}' not found`) }
      const refused = refusal(proposal, unpacked, ledger)
      if (refused !== undefined) {
        log.warn({ channelId, txId: unpacked.channelHeader.txId, reason: refused }, 'proposal refused')
        return { grpcError: refused, proposalResponse: failed(refused) }
      }
      if (ledger === undefined || !executor.isDefined(channelId, unpacked.chaincodeName)) {
        return { proposalResponse: failed(notDefined(channelId, unpacked.chaincodeName)) }
      }
      return { proposalResponse: await simulate(proposal, unpacked, ledger, signal) }
    },
  }
}

const noInterest = {
  collectionNames: [],
  noPrivateReads: false,
  noPublicWrites: false,
  keyPolicies: [],
  disregardNamespacePolicy: false,
}

const responseOnly = (response: Response): ProposalResponse => ({ version: 0, response, payload: Buffer.alloc(0) })

/** An error that the peer made; the chaincode had no part in it, or no say. */
const failed = (message: string): ProposalResponse =>
  responseOnly({ status: errorStatus, message, payload: Buffer.alloc(0) })

const notDefined = (channelId: string, name: string): string =>
  `make sure the chaincode ${name} has been successfully defined on channel ${channelId} and try again: ` +
  (channelId === '' ? "could not get channel config for channel ''" : `chaincode ${name} not found`)
