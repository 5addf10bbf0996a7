import { ChannelHeader, Header, SignatureHeader } from '../../proto/gen/common/common.js'
import { ChaincodeInput, ChaincodeInvocationSpec, type ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  SignedProposal,
} from '../../proto/gen/peer/proposal.js'
import { bufferOf, unmarshal } from './unmarshal.js'
import { proposalHash } from './validate-envelope.js'

/** What a proposal asks for, read out of a well-formed proposal. */
export interface UnpackedProposal {
  channelHeader: ChannelHeader
  signatureHeader: SignatureHeader
  /** Name in the header extension: the ledger namespace. */
  chaincodeName: string
  /** Marshalled `protos.ChaincodeInput` for the chaincode; decorations are the peer's to set, so the client's are gone. */
  input: Buffer
  isInit: boolean
}

/**
 * A signed proposal as it came in. Its parts are decoded when they are first asked for, and once, because the gateway,
 * the filters and the endorser each look at them in an order of their own, and the first unreadable part makes the text
 * of the error. Nothing that is signed or hashed is encoded anew. Every accessor throws UnreadableMessage.
 */
export class ReceivedProposal {
  #proposal?: Proposal
  #header?: Header
  #channelHeader?: ChannelHeader
  #signatureHeader?: SignatureHeader
  #payload?: ChaincodeProposalPayload
  #spec?: ChaincodeInvocationSpec
  #inputOnlyPayload?: Buffer
  #marshalled?: Buffer

  constructor(readonly signed: SignedProposal) {}

  /** Marshalled `protos.SignedProposal`: what the chaincode is shown. */
  get marshalled(): Buffer {
    return (this.#marshalled ??= bufferOf(SignedProposal.encode(this.signed).finish()))
  }

  /** `protos.Proposal`. */
  get proposal(): Proposal {
    return (this.#proposal ??= unmarshal(Proposal, this.signed.proposalBytes, 'Proposal'))
  }

  /** `common.Header`, both fields verbatim. */
  get header(): Header {
    return (this.#header ??= unmarshal(Header, this.proposal.header, 'Header'))
  }

  get channelHeader(): ChannelHeader {
    return (this.#channelHeader ??= unmarshal(ChannelHeader, this.header.channelHeader, 'ChannelHeader'))
  }

  get signatureHeader(): SignatureHeader {
    return (this.#signatureHeader ??= unmarshal(SignatureHeader, this.header.signatureHeader, 'SignatureHeader'))
  }

  get payload(): ChaincodeProposalPayload {
    return (this.#payload ??= unmarshal(ChaincodeProposalPayload, this.proposal.payload, 'ChaincodeProposalPayload'))
  }

  /** What is to be called; undefined where the client left it out. */
  get spec(): ChaincodeSpec | undefined {
    this.#spec ??= unmarshal(ChaincodeInvocationSpec, this.payload.input, 'ChaincodeInvocationSpec')
    return this.#spec.chaincodeSpec
  }

  /** Marshalled `ChaincodeProposalPayload` without transient data: the form that is hashed and goes on the ledger. */
  get inputOnlyPayload(): Buffer {
    return (this.#inputOnlyPayload ??= bufferOf(
      ChaincodeProposalPayload.encode({ input: this.payload.input, transientMap: new Map() }).finish(),
    ))
  }

  /** SHA-256 over both headers verbatim and the input-only payload; endorsers sign it, committers compute it again. */
  get proposalHash(): Buffer {
    return proposalHash(this.header, this.inputOnlyPayload)
  }

  /**
   * Reads everything that an endorser needs, in Fabric's order.
   * @throws UnreadableMessage, or an Error that names the missing part.
   */
  unpack(): UnpackedProposal {
    const { channelHeader, signatureHeader } = this
    const { chaincodeId } = unmarshal(ChaincodeHeaderExtension, channelHeader.extension, 'ChaincodeHeaderExtension')
    if (chaincodeId === undefined) throw new Error('ChaincodeHeaderExtension.ChaincodeId is nil')
    if (chaincodeId.name === '') throw new Error('ChaincodeHeaderExtension.ChaincodeId.Name is empty')
    const { spec } = this
    if (spec === undefined) throw new Error('chaincode invocation spec did not contain chaincode spec')
    if (spec.input === undefined) throw new Error('chaincode input did not contain any input')
    const { args, isInit } = spec.input
    const input = bufferOf(ChaincodeInput.encode({ args, isInit, decorations: new Map() }).finish())
    return { channelHeader, signatureHeader, chaincodeName: chaincodeId.name, input, isInit }
  }
}
