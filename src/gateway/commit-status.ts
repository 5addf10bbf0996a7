import { status } from '@grpc/grpc-js'
import {
  CommitStatusRequest,
  type CommitStatusResponse,
  type SignedCommitStatusRequest,
} from '../../proto/gen/gateway/gateway.js'
import { messageOf } from '../errors.js'
import type { LedgerProvider } from '../ledger/types.js'
import { accessDenied, satisfies } from './channel-policies.js'
import { CallError } from './gateway-errors.js'
import type { MembershipProvider } from './types.js'
import { unmarshal, UnreadableMessage } from './unmarshal.js'

/** What CommitStatus works with. */
export interface CommitStatusOptions {
  ledgers: Pick<LedgerProvider, 'get'>
  membership: MembershipProvider
}

/** How many lost transactions are remembered. */
const lostLimit = 1000

/** Makes CommitStatus: a Reader asks for any transaction, and waits until it is committed, or for as long as it likes. */
export function createCommitStatus({ ledgers, membership }: CommitStatusOptions) {
  /** Who waits, for which transaction. */
  const waiting = new Map<AbortController, string>()
  /** Why transactions that were accepted cannot be committed; the oldest goes first. */
  const lost = new Map<string, CallError>()

  async function handle(signed: SignedCommitStatusRequest, abort: AbortController): Promise<CommitStatusResponse> {
    const { channelId, transactionId, identity } = requestIn(signed)
    const ledger = ledgers.get(channelId)
    if (ledger === undefined) {
      throw new CallError(status.PERMISSION_DENIED, `Failed to get policy manager for channel [${channelId}]`)
    }
    const reader = membership.check(identity)
    if (!reader.ok || !satisfies(reader.role, 'Readers') || !reader.verify(signed.request, signed.signature)) {
      throw new CallError(status.PERMISSION_DENIED, accessDenied(channelId, 'Readers'))
    }
    const transaction = `${channelId}/${transactionId}`
    const loss = lost.get(transaction)
    if (loss !== undefined && ledger.statusOf(transactionId) === undefined) throw loss
    waiting.set(abort, transaction)
    try {
      const { code, blockNumber } = await ledger.whenCommitted(transactionId, abort.signal)
      return { result: code, blockNumber }
    } catch (error) {
      throw error instanceof CallError ? error : new CallError(status.ABORTED, messageOf(error))
    } finally {
      waiting.delete(abort)
    }
  }

  /**
   * Notes that Submit has accepted a transaction. Where `loss` resolves to a reason, it could not be committed after all,
   * which is told to who waits for it, and to who asks soon after.
   */
  function accepted(channelId: string, transactionId: string, loss: Promise<string | undefined>): void {
    const transaction = `${channelId}/${transactionId}`
    lost.delete(transaction)
    void loss.then((reason) => {
      if (reason === undefined) return
      const text = `transaction ${transactionId} could not be committed: ${reason}`
      const error = new CallError(status.ABORTED, text)
      if (lost.size >= lostLimit) lost.delete(lost.keys().next().value!)
      lost.set(transaction, error)
      for (const [abort, awaited] of waiting) if (awaited === transaction) abort.abort(error)
    })
  }

  /** Ends the calls that wait. */
  function stopWaiting(): void {
    for (const abort of waiting.keys()) abort.abort(new CallError(status.UNAVAILABLE, 'the peer is stopping'))
  }

  return { handle, accepted, stopWaiting }
}

function requestIn({ request: bytes }: SignedCommitStatusRequest): CommitStatusRequest {
  const refuse = (text: string) => new CallError(status.INVALID_ARGUMENT, text)
  if (bytes.length === 0) throw refuse('a commit status request is required')
  let request: CommitStatusRequest
  try {
    request = unmarshal(CommitStatusRequest, bytes, 'CommitStatusRequest')
  } catch (error) {
    throw refuse(`invalid status request: ${error instanceof UnreadableMessage ? error.detail : messageOf(error)}`)
  }
  if (request.identity.length === 0) throw refuse('no identity provided')
  if (request.channelId === '') throw refuse('no channel ID provided')
  if (request.transactionId === '') throw refuse('transaction ID should not be empty')
  return request
}
