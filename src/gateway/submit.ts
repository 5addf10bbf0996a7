import { status } from '@grpc/grpc-js'
import { ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader, Status } from '../../proto/gen/common/common.js'
import type { SubmitRequest, SubmitResponse } from '../../proto/gen/gateway/gateway.js'
import { messageOf } from '../errors.js'
import type { Ledger, LedgerProvider } from '../ledger/types.js'
import type { Logger } from '../log.js'
import { satisfies, unsatisfied } from './channel-policies.js'
import { CallError, unknownChannel } from './gateway-errors.js'
import type { MembershipProvider } from './types.js'
import { bufferOf, unmarshal } from './unmarshal.js'

/** What ordering works with. */
export interface SubmitOptions {
  ledgers: Pick<LedgerProvider, 'get'>
  membership: MembershipProvider
  peer: { address: string; mspId: string }
  log: Logger
  /** Told of each transaction that is accepted; `loss` resolves to why it could not be committed after all, or nothing. */
  accepted: (channelId: string, txId: string, loss: Promise<string | undefined>) => void
}

/**
 * Makes Submit: the checks of a gateway, then those of an orderer, then the ledger. It answers as soon as the ledger has
 * taken the envelope, so an answer means ordered, not committed; CommitStatus tells the rest.
 */
export function createSubmit({ ledgers, membership, peer, log, accepted }: SubmitOptions) {
  return async function submit(request: SubmitRequest): Promise<SubmitResponse> {
    const envelope = request.preparedTransaction
    if (envelope === undefined) {
      throw new CallError(status.INVALID_ARGUMENT, 'a prepared transaction is required')
    }
    if (envelope.signature.length === 0) {
      throw new CallError(status.INVALID_ARGUMENT, 'prepared transaction must be signed')
    }
    if (ledgers.get(request.channelId) === undefined) {
      throw new CallError(status.FAILED_PRECONDITION, unknownChannel(request.channelId))
    }
    const { ledger, txId } = checkAsOrderer(envelope, ledgers, membership)
    const refusal = commit(ledger, txId, envelope)
    const refused = await Promise.race([refusal, nextTurn()])
    if (refused === undefined) {
      accepted(ledger.channelId, txId, refusal)
      return {}
    }
    const text = 'no orderers could successfully process transaction'
    throw new CallError(status.UNAVAILABLE, text, [{ ...peer, message: refused }])
  }

  /** Resolves to the reason why the ledger could not commit; undefined where it did, with whatever verdict. */
  function commit(ledger: Ledger, txId: string, envelope: Envelope): Promise<string | undefined> {
    return ledger.commit(bufferOf(Envelope.encode(envelope).finish())).then(
      () => undefined,
      (error: unknown) => {
        log.error({ err: error, channelId: ledger.channelId, txId }, 'a transaction could not be committed')
        return messageOf(error)
      },
    )
  }
}

/** A ledger that takes nothing any more says so at once; one that commits takes longer than this. */
const nextTurn = (): Promise<undefined> => new Promise((resolve) => setImmediate(() => resolve(undefined)))

/**
 * An orderer's checks of a broadcast envelope: message type, expired certificate, channel Writers policy.
 * Answers the ledger of the envelope's channel, and the transaction id that the envelope claims.
 * @throws CallError (ABORTED) with the orderer's status and text.
 */
function checkAsOrderer(
  { payload: payloadBytes, signature }: Envelope,
  ledgers: Pick<LedgerProvider, 'get'>,
  membership: MembershipProvider,
): { ledger: Ledger; txId: string } {
  const { channelHeader, signatureHeader } = headersOf(payloadBytes)
  const ledger = ledgers.get(channelHeader.channelId)
  if (ledger === undefined) throw refusedBy(Status.BAD_REQUEST, 'channel does not exist')
  const info = refusedTypes[channelHeader.type]
  if (info !== undefined) throw refusedBy(Status.BAD_REQUEST, info)
  const identity = membership.check(signatureHeader().creator)
  if (identity.ok && identity.expired) throw refusedBy(Status.BAD_REQUEST, 'broadcast client identity expired')
  if (!identity.ok || !satisfies(identity.role, 'Writers') || !identity.verify(payloadBytes, signature)) {
    throw refusedBy(Status.FORBIDDEN, `${unsatisfied('Writers')}: permission denied`)
  }
  return { ledger, txId: channelHeader.txId }
}

const refusedTypes: Readonly<Record<number, string>> = {
  [HeaderType.CONFIG]: 'message is of type that cannot be processed directly',
  [HeaderType.CONFIG_UPDATE]: 'error applying config update: the configuration of this network is fixed',
  [HeaderType.ORDERER_TRANSACTION]: 'message is of type that is no longer supported',
}

/** The channel header, and the signature header for later, because an orderer looks at the channel first. */
function headersOf(payloadBytes: Buffer) {
  const reading = <T>(what: string, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw refusedBy(Status.BAD_REQUEST, `${what}: ${messageOf(error)}`)
    }
  }
  const header = reading('could not determine channel ID', () => {
    const { header } = unmarshal(Payload, payloadBytes, 'Payload')
    if (header === undefined) throw new Error('header not set')
    if (header.channelHeader.length === 0) throw new Error('channel header not set')
    return header
  })
  const channelHeader = reading('could not determine channel ID', () =>
    unmarshal(ChannelHeader, header.channelHeader, 'ChannelHeader'),
  )
  const signatureHeader = () =>
    reading('could not convert message to signedData', () =>
      unmarshal(SignatureHeader, header.signatureHeader, 'SignatureHeader'),
    )
  return { channelHeader, signatureHeader }
}

const refusedBy = (orderer: Status, info: string): CallError =>
  new CallError(status.ABORTED, `received unsuccessful response from orderer: status=${Status[orderer]}, info=${info}`)
