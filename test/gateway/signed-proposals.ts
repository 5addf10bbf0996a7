import { randomBytes } from 'node:crypto'
import {
  ChannelHeader,
  type Envelope,
  Header,
  HeaderType,
  Payload,
  SignatureHeader,
} from '../../proto/gen/common/common.js'
import { ChaincodeInvocationSpec, ChaincodeSpec_Type } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  type SignedProposal,
} from '../../proto/gen/peer/proposal.js'
import { signLowS } from '../../services/sign-low-s.js'
import { computeTxId } from '../../src/gateway/validate-envelope.js'
import type { Member } from './members.js'

/** What a proposal of a test says; everything has a default that is right. */
export interface ProposalParts {
  channelId?: string
  chaincode?: string
  args?: string[]
  transient?: Record<string, string>
  isInit?: boolean
  nonce?: Buffer
  channelHeader?: Partial<ChannelHeader>
  signatureHeader?: Partial<SignatureHeader>
  /** Take the place of the marshalled parts. */
  channelHeaderBytes?: Buffer
  signatureHeaderBytes?: Buffer
  extension?: Buffer
  input?: Buffer
  payload?: Buffer
  header?: Buffer
  proposal?: Buffer
  /** Default: the member signs. */
  signature?: Buffer
}

const bytes = (encoded: { finish(): Uint8Array }): Buffer => Buffer.from(encoded.finish())

/** Builds and signs a proposal as an SDK does, or as an SDK would never do. */
export function signedProposal(member: Member, parts: ProposalParts = {}): SignedProposal & { txId: string } {
  const { channelId = 'mychannel', chaincode = 'kv', args = ['get', 'a'], nonce = randomBytes(24) } = parts
  const chaincodeId = { path: '', name: chaincode, version: '' }
  const creator = parts.signatureHeader?.creator ?? member.serialized
  const txId = computeTxId(parts.signatureHeader?.nonce ?? nonce, creator)
  const now = Date.now()
  const channelHeader = ChannelHeader.fromPartial({
    type: HeaderType.ENDORSER_TRANSACTION,
    timestamp: { seconds: BigInt(Math.floor(now / 1000)), nanos: (now % 1000) * 1e6 },
    channelId,
    txId,
    extension: parts.extension ?? bytes(ChaincodeHeaderExtension.encode({ chaincodeId })),
    ...parts.channelHeader,
  })
  const header = Header.encode({
    channelHeader: parts.channelHeaderBytes ?? bytes(ChannelHeader.encode(channelHeader)),
    signatureHeader:
      parts.signatureHeaderBytes ?? bytes(SignatureHeader.encode({ creator, nonce, ...parts.signatureHeader })),
  })
  const spec = ChaincodeInvocationSpec.encode({
    chaincodeSpec: {
      type: ChaincodeSpec_Type.NODE,
      chaincodeId,
      input: { args: args.map((arg) => Buffer.from(arg)), decorations: new Map(), isInit: parts.isInit ?? false },
      timeout: 0,
    },
  })
  const transient = Object.entries(parts.transient ?? {}).map(([key, value]): [string, Buffer] => [
    key,
    Buffer.from(value),
  ])
  const payload = ChaincodeProposalPayload.encode({
    input: parts.input ?? bytes(spec),
    transientMap: new Map(transient),
  })
  const proposalBytes =
    parts.proposal ??
    bytes(
      Proposal.encode({
        header: parts.header ?? bytes(header),
        payload: parts.payload ?? bytes(payload),
        extension: Buffer.alloc(0),
      }),
    )
  const signature = parts.signature ?? signLowS(member.privateKey, proposalBytes)
  return { proposalBytes, signature, txId }
}

/** Signs a payload as an envelope. */
export function signedEnvelope(member: Member, payload: Buffer): Envelope {
  return { payload, signature: signLowS(member.privateKey, payload) }
}

/** Decodes the payload of an envelope, lets `change` alter it, and signs the result. */
export function alteredEnvelope(member: Member, payload: Buffer, change: (payload: Payload) => Payload): Envelope {
  return signedEnvelope(member, bytes(Payload.encode(change(Payload.decode(payload)))))
}
