import { HeaderType } from '../../proto/gen/common/common.js'
import type { Timestamp } from '../../proto/gen/google/protobuf/timestamp.js'
import { messageOf } from '../errors.js'
import type { ReceivedProposal, UnpackedProposal } from './proposal.js'
import type { IdentityCheck, MembershipProvider } from './types.js'
import { computeTxId } from './validate-envelope.js'

/** How far a proposal's timestamp may be from the peer's clock, ms. Fabric: `peer.authentication.timewindow`, 15 min. */
export const timeWindowMs = 15 * 60 * 1000

/**
 * The filters that stand in front of every endorser: expired certificates and clocks that are off.
 * Answers the text of the refusal, or undefined.
 */
export function filterProposal(
  proposal: ReceivedProposal,
  membership: MembershipProvider,
  nowMs: number,
): string | undefined {
  const read = <T>(part: () => T, name: string): T => {
    try {
      return part()
    } catch (error) {
      throw new Error(`failed parsing ${name}: ${messageOf(error)}`)
    }
  }
  try {
    read(() => proposal.proposal, 'proposal')
    read(() => proposal.header, 'header')
    const { creator } = read(() => proposal.signatureHeader, 'signature header')
    const { timestamp } = read(() => proposal.channelHeader, 'channel header')
    const identity = membership.check(creator)
    if (identity.ok && identity.expired) return 'proposal client identity expired'
    const clientMs = millisecondsOf(timestamp)
    if (Math.abs(clientMs - nowMs) <= timeWindowMs) return undefined
    return (
      `request unauthorized due to incorrect timestamp ${rfc3339(clientMs)}, ` +
      `peer time ${rfc3339(nowMs)}, peer.authentication.timewindow 15m0s`
    )
  } catch (error) {
    return messageOf(error)
  }
}

/**
 * Checks what a client signed: header, nonce, creator, transaction id, identity and signature, in Fabric's order.
 * Answers the identity, or the text of the refusal.
 */
export function validateProposal(
  proposal: ReceivedProposal,
  { channelHeader, signatureHeader }: UnpackedProposal,
  membership: MembershipProvider,
): (IdentityCheck & { ok: true }) | string {
  const { type, epoch, txId, channelId } = channelHeader
  const { nonce, creator } = signatureHeader
  const { proposalBytes, signature } = proposal.signed
  if (type !== HeaderType.ENDORSER_TRANSACTION && type !== HeaderType.CONFIG) {
    return `invalid header type ${HeaderType[type] ?? type}`
  }
  if (epoch !== 0n) return 'epoch is non-zero'
  if (nonce.length === 0) return 'nonce is empty'
  if (creator.length === 0) return 'creator is empty'
  const expected = computeTxId(nonce, creator)
  if (txId !== expected) return `incorrectly computed txid '${txId}' -- expected '${expected}'`
  if (signature.length === 0) return 'empty signature bytes'
  const identity = membership.check(creator)
  if (!identity.ok && identity.reason === 'malformed') {
    return `access denied: channel [${channelId}] creator org unknown, creator is malformed`
  }
  if (!identity.ok || !identity.verify(proposalBytes, signature)) {
    return `access denied: channel [${channelId}] creator org [${identity.mspId}]`
  }
  return identity
}

/** A client that sends no timestamp is taken to be at the epoch, as Go does. */
const millisecondsOf = (timestamp: Timestamp | undefined): number =>
  timestamp === undefined ? 0 : Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6

/** Whole seconds in UTC; a moment that no calendar has is given as seconds since the epoch. */
function rfc3339(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms / 1000} s` : `${date.toISOString().slice(0, -5)}Z`
}
