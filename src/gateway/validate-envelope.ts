import { createHash } from 'node:crypto'
import {
  ChannelHeader,
  Envelope,
  type Header,
  HeaderType,
  Payload,
  SignatureHeader,
} from '../../proto/gen/common/common.js'
import { HashedRWSet, KVRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { ChaincodeEvent } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  type Endorsement,
  ProposalResponsePayload,
} from '../../proto/gen/peer/proposal.js'
import {
  ChaincodeActionPayload,
  type ChaincodeEndorsedAction,
  Transaction,
  TxValidationCode as Code,
} from '../../proto/gen/peer/transaction.js'
import type { EnvelopeValidator } from '../ledger/types.js'
import { decodeStrict } from './strict-decode.js'
import type { MembershipProvider } from './types.js'

/** What the validation has to know of the channel's chaincodes. */
export interface EnvelopeValidatorOptions {
  /** Whether the chaincode is defined on the channel. */
  isDefined(channelId: string, chaincodeName: string): boolean
}

/** Lower-case hex of SHA-256 over nonce and creator: the transaction id that Fabric demands. */
export const computeTxId = (nonce: Uint8Array, creator: Uint8Array): string =>
  createHash('sha256').update(nonce).update(creator).digest('hex')

/**
 * The hash that binds a result to its proposal. Both headers go in as the client sent them, and the payload
 * (`protos.ChaincodeProposalPayload`) without its transient data.
 */
export const proposalHash = (
  header: Pick<Header, 'channelHeader' | 'signatureHeader'>,
  chaincodeProposalPayload: Uint8Array,
): Buffer =>
  createHash('sha256')
    .update(header.channelHeader)
    .update(header.signatureHeader)
    .update(chaincodeProposalPayload)
    .digest()

/** What an endorser signs: the marshalled `protos.ProposalResponsePayload`, followed by its own identity. */
export const endorsementMessage = (proposalResponsePayload: Uint8Array, endorser: Uint8Array): Buffer =>
  Buffer.concat([proposalResponsePayload, endorser])

/** Header types that Fabric lets into a block; its codes tell apart what becomes of each. */
const acceptedTypes: ReadonlySet<number> = new Set([
  HeaderType.CONFIG,
  HeaderType.CONFIG_UPDATE,
  HeaderType.ENDORSER_TRANSACTION,
])

/** The verdict on an envelope, thrown from wherever it becomes clear. */
class Verdict {
  constructor(readonly code: Code) {}
}

function refuseIf(condition: boolean, code: Code): void {
  if (condition) throw new Verdict(code)
}

function decodeOr<T>(code: Code, codec: Parameters<typeof decodeStrict<T>>[0], bytes: Uint8Array): T {
  try {
    return decodeStrict(codec, bytes)
  } catch {
    throw new Verdict(code)
  }
}

function checkSignatureHeader(bytes: Uint8Array, code: Code): SignatureHeader {
  const header = decodeOr(code, SignatureHeader, bytes)
  refuseIf(header.nonce.length === 0 || header.creator.length === 0, code)
  return header
}

/** The one action of an endorser transaction, bound to its proposal by the proposal hash. */
function checkAction(header: Header, data: Uint8Array): ChaincodeEndorsedAction {
  const invalid = Code.INVALID_ENDORSER_TRANSACTION
  const { actions } = decodeOr(invalid, Transaction, data)
  const action = actions[0]
  if (!action || actions.length > 1) throw new Verdict(invalid)
  checkSignatureHeader(action.header, invalid)
  const payload = decodeOr(invalid, ChaincodeActionPayload, action.payload)
  if (!payload.action) throw new Verdict(invalid)
  const response = decodeOr(invalid, ProposalResponsePayload, payload.action.proposalResponsePayload)
  const expected = proposalHash(
    { channelHeader: header.channelHeader, signatureHeader: action.header },
    payload.chaincodeProposalPayload,
  )
  refuseIf(!expected.equals(response.proposalHash), invalid)
  return payload.action
}

/** The namespaces of a read-write set, and whether the transaction would change each. */
function readNamespaces(results: Uint8Array): { namespace: string; isWritten: boolean }[] {
  const code = Code.BAD_RWSET
  return decodeOr(code, TxReadWriteSet, results).nsRwset.map(({ namespace, rwset, collectionHashedRwset }) => {
    const open = decodeOr(code, KVRWSet, rwset)
    const hashed = collectionHashedRwset.map((collection) => decodeOr(code, HashedRWSet, collection.hashedRwset))
    const changes = [
      open.writes,
      open.metadataWrites,
      ...hashed.flatMap(({ hashedWrites, metadataWrites }) => [hashedWrites, metadataWrites]),
    ]
    return { namespace, isWritten: changes.some((writes: readonly unknown[]) => writes.length > 0) }
  })
}

/** The name of the invoked chaincode, on which header, action and event must agree. */
function checkChaincodeName(extension: ChaincodeHeaderExtension, action: ChaincodeAction): string {
  const [invoked, executed] = [extension.chaincodeId, action.chaincodeId]
  if (!invoked || !executed) throw new Verdict(Code.INVALID_OTHER_REASON)
  refuseIf(invoked.name === '' || invoked.name !== executed.name || executed.version === '', Code.INVALID_CHAINCODE)
  if (action.events.length > 0) {
    const event = decodeOr(Code.INVALID_OTHER_REASON, ChaincodeEvent, action.events)
    refuseIf(event.chaincodeId !== invoked.name, Code.INVALID_OTHER_REASON)
  }
  return invoked.name
}

/**
 * Makes the validation that an envelope passes before MVCC, in Fabric's order and with its codes: form, the creator's
 * signature, transaction id, the proposal hash, chaincode names, read-write set, endorsements. It does not look at
 * expiry, roles of the creator, or time, as Fabric does not at commit. Endorsed is what at least one peer of any
 * organization of `membership` signed. A CONFIG envelope is refused: clients do not configure channels here.
 */
export function createEnvelopeValidator(
  membership: MembershipProvider,
  options: EnvelopeValidatorOptions,
): EnvelopeValidator {
  function isEndorsed(payload: Uint8Array, endorsements: readonly Endorsement[]): boolean {
    return endorsements.some(({ endorser, signature }) => {
      const check = membership.check(endorser)
      return check.ok && check.role === 'peer' && check.verify(endorsementMessage(payload, endorser), signature)
    })
  }

  /** Answers the marshalled read-write set. */
  function checkChaincodeAction(channelHeader: ChannelHeader, endorsed: ChaincodeEndorsedAction): Buffer {
    const extension = decodeOr(Code.BAD_HEADER_EXTENSION, ChaincodeHeaderExtension, channelHeader.extension)
    const response = decodeOr(Code.BAD_RESPONSE_PAYLOAD, ProposalResponsePayload, endorsed.proposalResponsePayload)
    refuseIf(response.extension.length === 0, Code.BAD_RESPONSE_PAYLOAD)
    const action = decodeOr(Code.BAD_RESPONSE_PAYLOAD, ChaincodeAction, response.extension)
    const namespaces = readNamespaces(action.results)
    const name = checkChaincodeName(extension, action)
    const names = new Set(namespaces.map(({ namespace }) => namespace))
    refuseIf(names.size < namespaces.length, Code.ILLEGAL_WRITESET)
    const written = namespaces.filter(({ isWritten }) => isWritten).map(({ namespace }) => namespace)
    const touched = [...new Set([name, ...written])]
    const isDefined = (chaincode: string): boolean => options.isDefined(channelHeader.channelId, chaincode)
    refuseIf(!touched.every(isDefined), Code.INVALID_CHAINCODE)
    refuseIf(!isEndorsed(endorsed.proposalResponsePayload, endorsed.endorsements), Code.ENDORSEMENT_POLICY_FAILURE)
    return action.results
  }

  return (channelId, envelopeBytes) => {
    let channelHeader: ChannelHeader | undefined
    const outcome = (code: Code, results?: Buffer) => ({
      code,
      txId: channelHeader?.txId ?? '',
      ...(results && { results }),
      ...(channelHeader?.timestamp && { timestamp: channelHeader.timestamp }),
    })
    try {
      refuseIf(envelopeBytes.length === 0, Code.NIL_ENVELOPE)
      const envelope = decodeOr(Code.INVALID_OTHER_REASON, Envelope, envelopeBytes)
      const { header, data } = decodeOr(Code.BAD_PAYLOAD, Payload, envelope.payload)
      if (!header) throw new Verdict(Code.BAD_COMMON_HEADER)
      channelHeader = decodeOr(Code.BAD_COMMON_HEADER, ChannelHeader, header.channelHeader)
      const { nonce, creator } = checkSignatureHeader(header.signatureHeader, Code.BAD_COMMON_HEADER)
      const { type, epoch } = channelHeader
      refuseIf(!acceptedTypes.has(type) || epoch !== 0n, Code.BAD_COMMON_HEADER)
      const identity = membership.check(creator)
      refuseIf(!identity.ok || !identity.verify(envelope.payload, envelope.signature), Code.BAD_CREATOR_SIGNATURE)
      refuseIf(type === HeaderType.CONFIG, Code.INVALID_CONFIG_TRANSACTION)
      refuseIf(type === HeaderType.CONFIG_UPDATE, Code.UNSUPPORTED_TX_PAYLOAD)
      refuseIf(channelHeader.txId !== computeTxId(nonce, creator), Code.BAD_PROPOSAL_TXID)
      const endorsed = checkAction(header, data)
      refuseIf(channelHeader.channelId !== channelId, Code.TARGET_CHAIN_NOT_FOUND)
      return outcome(Code.VALID, checkChaincodeAction(channelHeader, endorsed))
    } catch (error) {
      if (error instanceof Verdict) return outcome(error.code)
      throw error
    }
  }
}
