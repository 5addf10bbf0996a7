import {
  ChannelHeader,
  Envelope,
  type Header,
  HeaderType,
  Payload,
  SignatureHeader,
} from '../../proto/gen/common/common.js'
import { KVRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  ProposalResponsePayload,
} from '../../proto/gen/peer/proposal.js'
import { ChaincodeActionPayload, Transaction, type TransactionAction } from '../../proto/gen/peer/transaction.js'
import type { Issuer } from '../../services/issue-certificate.js'
import { signLowS } from '../../src/gateway/signatures.js'
import { computeTxId, endorsementMessage, proposalHash } from '../../src/gateway/validate-envelope.js'
import { issue, makeAuthority, serialize } from './certificates.js'

/** Ends an encoding. */
export const bytes = (encoded: { finish(): Uint8Array }): Buffer => Buffer.from(encoded.finish())
/** A field that is cut short: undecodable for every message. */
export const undecodable = Buffer.from([0x0a, 0x7f])
/** That of every channel header. */
export const timestamp = { seconds: 1_790_000_000n, nanos: 7 }

/** The CA of Org1MSP. */
export const ca = makeAuthority('ca.org1.example.com')
/** Somebody who signs with the key of his certificate. */
export interface Signatory {
  serialized: Buffer
  sign(message: Buffer): Buffer
}

/** Somebody whose certificate `issuer` issued for the organizational unit. */
export function signatory(unit: string, changes: Parameters<typeof issue>[2] = {}, issuer: Issuer = ca): Signatory {
  const { pem, privateKey } = issue(issuer, [unit], changes)
  return { serialized: serialize('Org1MSP', pem), sign: (message) => signLowS(privateKey, message) }
}

export const client = signatory('client')
export const peer = signatory('peer')
/** A client of an organization that has the same names, but another CA. */
export const stranger = signatory('client', {}, makeAuthority('ca.org1.example.com'))

/** Marshals the `kvrwset.KVRWSet` of a namespace. */
export const keyValueSet = (parts: Parameters<typeof KVRWSet.fromPartial>[0]): Buffer =>
  bytes(KVRWSet.encode(KVRWSet.fromPartial(parts)))
export const readOnly = keyValueSet({ reads: [{ key: 'a' }] })
export const writing = keyValueSet({ writes: [{ key: 'a', value: Buffer.from('1') }] })
/** Marshals a `rwset.TxReadWriteSet`. */
export const namespaces = (...sets: { namespace: string; rwset?: Buffer; hashed?: Buffer }[]): Buffer =>
  bytes(
    TxReadWriteSet.encode(
      TxReadWriteSet.fromPartial({
        nsRwset: sets.map(({ namespace, rwset = Buffer.alloc(0), hashed }) => ({
          namespace,
          rwset,
          collectionHashedRwset: hashed ? [{ collectionName: 'c', hashedRwset: hashed }] : [],
        })),
      }),
    ),
  )

/**
 * A transaction with one thing wrong. Each part takes the place of the right one, and what is built upon it (hashes and
 * signatures) is right for it, so that only the check in question can refuse.
 */
export interface Wrong {
  envelope?: Buffer
  payload?: Buffer
  noHeader?: true
  channelHeader?: Partial<ChannelHeader> | Buffer
  signatureHeader?: Partial<SignatureHeader> | Buffer
  creator?: Signatory
  signature?: Buffer
  data?: Buffer
  actions?: number
  actionHeader?: Buffer
  actionPayload?: Buffer
  noAction?: true
  proposalResponsePayload?: Buffer
  proposalHash?: Buffer
  chaincodeAction?: Buffer
  results?: Buffer
  events?: Buffer
  extension?: Buffer
  executed?: { name: string; version: string } | undefined
  endorsers?: Signatory[]
}

/** Builds the envelope of a transaction that is right but for `wrong`. */
export function transaction(wrong: Wrong = {}): { envelope: Buffer; txId: string; results: Buffer } {
  const { creator = client } = wrong
  const nonce = Buffer.alloc(24, 7)
  const signatureHeader = Buffer.isBuffer(wrong.signatureHeader)
    ? wrong.signatureHeader
    : bytes(SignatureHeader.encode({ creator: creator.serialized, nonce, ...wrong.signatureHeader }))
  const txId = computeTxId(nonce, creator.serialized)
  const channelHeader = Buffer.isBuffer(wrong.channelHeader)
    ? wrong.channelHeader
    : bytes(
        ChannelHeader.encode(
          ChannelHeader.fromPartial({
            type: HeaderType.ENDORSER_TRANSACTION,
            channelId: 'mychannel',
            txId,
            timestamp,
            extension:
              wrong.extension ??
              bytes(ChaincodeHeaderExtension.encode({ chaincodeId: { name: 'kv', path: '', version: '' } })),
            ...wrong.channelHeader,
          }),
        ),
      )
  const results = wrong.results ?? namespaces({ namespace: 'kv', rwset: writing })
  const executed = 'executed' in wrong ? wrong.executed : { name: 'kv', version: '1.0' }
  const chaincodeAction =
    wrong.chaincodeAction ??
    bytes(
      ChaincodeAction.encode({
        results,
        events: wrong.events ?? Buffer.alloc(0),
        response: { status: 200, message: '', payload: Buffer.from('answer') },
        chaincodeId: executed && { ...executed, path: '' },
      }),
    )
  const proposalPayload = bytes(
    ChaincodeProposalPayload.encode({ input: Buffer.from('input'), transientMap: new Map() }),
  )
  const actionHeader = wrong.actionHeader ?? signatureHeader
  const hash = wrong.proposalHash ?? proposalHash({ channelHeader, signatureHeader: actionHeader }, proposalPayload)
  const response =
    wrong.proposalResponsePayload ??
    bytes(ProposalResponsePayload.encode({ proposalHash: hash, extension: chaincodeAction }))
  const endorsements = (wrong.endorsers ?? [peer]).map(({ serialized, sign }) => ({
    endorser: serialized,
    signature: sign(endorsementMessage(response, serialized)),
  }))
  const actionPayload =
    wrong.actionPayload ??
    bytes(
      ChaincodeActionPayload.encode({
        chaincodeProposalPayload: proposalPayload,
        action: wrong.noAction ? undefined : { proposalResponsePayload: response, endorsements },
      }),
    )
  const action: TransactionAction = { header: actionHeader, payload: actionPayload }
  const data = wrong.data ?? bytes(Transaction.encode({ actions: Array(wrong.actions ?? 1).fill(action) }))
  const header: Header | undefined = wrong.noHeader ? undefined : { channelHeader, signatureHeader }
  const payload = wrong.payload ?? bytes(Payload.encode({ header, data }))
  const envelope = Envelope.encode({ payload, signature: wrong.signature ?? creator.sign(payload) })
  return { envelope: wrong.envelope ?? bytes(envelope), txId, results }
}
