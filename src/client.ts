import { randomBytes } from 'node:crypto'
import { status as GrpcStatus } from '@grpc/grpc-js'
import { ChannelHeader, Envelope, Header, HeaderType, SignatureHeader } from '../proto/gen/common/common.js'
import { ChaincodeInvocationSpec, ChaincodeSpec_Type } from '../proto/gen/peer/chaincode.js'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  ProposalResponsePayload,
} from '../proto/gen/peer/proposal.js'
import { TxValidationCode } from '../proto/gen/peer/transaction.js'
import { failure } from './errors.js'
import type { Endorser } from './gateway/endorser.js'
import { classify } from './gateway/gateway-errors.js'
import { prepareTransaction } from './gateway/prepare-transaction.js'
import { ReceivedProposal } from './gateway/proposal.js'
import type { SigningIdentity } from './gateway/types.js'
import { bufferOf } from './gateway/unmarshal.js'
import { computeTxId } from './gateway/validate-envelope.js'
import type { LedgerProvider } from './ledger/types.js'

/** What to call. */
export interface Transaction {
  channel: string
  /** Name of the chaincode. */
  chaincode: string
  /** The function's name, first, and its arguments. */
  args: readonly (string | Uint8Array)[]
  /** Data for the chaincode that never gets onto the ledger. */
  transient?: Readonly<Record<string, string | Uint8Array>>
  /** An Init, for a chaincode that demands one. */
  isInit?: boolean
}

/** A transaction that was committed as valid. */
export interface CommittedTransaction {
  /** What the chaincode answered. */
  result: Buffer
  transactionId: string
  blockNumber: bigint
}

/**
 * A client application inside the process: the same proposals, signatures, checks and blocks as through the gateway, without
 * the network in between.
 */
export class InProcessClient {
  constructor(
    private readonly endorser: Endorser,
    private readonly ledgers: LedgerProvider,
    private readonly identity: SigningIdentity,
  ) {}

  /** Runs a transaction and forgets its writes. Rejects with TRANSACTION_FAILED. */
  async evaluate(transaction: Transaction): Promise<Buffer> {
    const { response } = await this.endorse(transaction)
    return response
  }

  /** Runs a transaction and commits it. Rejects with TRANSACTION_FAILED, or TRANSACTION_INVALID where it lost a race. */
  async invoke(transaction: Transaction): Promise<CommittedTransaction> {
    const { proposal, proposalResponse, response } = await this.endorse(transaction)
    const { payload } = prepareTransaction(proposal, proposalResponse)
    const envelope = Envelope.encode({ payload, signature: this.identity.sign(payload) }).finish()
    const ledger = this.ledgers.get(transaction.channel)
    if (!ledger) throw failure('NO_SUCH_CHANNEL', { channelId: transaction.channel })
    const { code, blockNumber } = await ledger.commit(bufferOf(envelope))
    const transactionId = proposal.channelHeader.txId
    if (code !== TxValidationCode.VALID)
      throw failure('TRANSACTION_INVALID', {
        txId: transactionId,
        status: TxValidationCode[code] ?? String(code),
        blockNumber,
      })
    return { result: response, transactionId, blockNumber }
  }

  /** A proposal as a client application signs it. */
  propose({ channel, chaincode, args, transient = {}, isInit = false }: Transaction): ReceivedProposal {
    const nonce = randomBytes(24)
    const creator = this.identity.serialized
    const txId = computeTxId(nonce, creator)
    const nowMs = Date.now()
    const chaincodeId = { path: '', name: chaincode, version: '' }
    const extension = bufferOf(ChaincodeHeaderExtension.encode({ chaincodeId }).finish())
    const channelHeader = ChannelHeader.encode({
      type: HeaderType.ENDORSER_TRANSACTION,
      version: 0,
      timestamp: { seconds: BigInt(Math.floor(nowMs / 1000)), nanos: (nowMs % 1000) * 1_000_000 },
      channelId: channel,
      txId,
      epoch: 0n,
      extension,
      tlsCertHash: Buffer.alloc(0),
    })
    const header = Header.encode({
      channelHeader: bufferOf(channelHeader.finish()),
      signatureHeader: bufferOf(SignatureHeader.encode({ creator, nonce }).finish()),
    })
    const bytes = (value: string | Uint8Array) => Buffer.from(value as string)
    const spec = ChaincodeInvocationSpec.encode({
      chaincodeSpec: {
        type: ChaincodeSpec_Type.NODE,
        chaincodeId,
        input: { args: args.map(bytes), decorations: new Map(), isInit },
        timeout: 0,
      },
    })
    const payload = ChaincodeProposalPayload.encode({
      input: bufferOf(spec.finish()),
      transientMap: new Map(Object.entries(transient).map(([key, value]) => [key, bytes(value)])),
    })
    const proposalBytes = bufferOf(
      Proposal.encode({
        header: bufferOf(header.finish()),
        payload: bufferOf(payload.finish()),
        extension: Buffer.alloc(0),
      }).finish(),
    )
    return new ReceivedProposal({ proposalBytes, signature: this.identity.sign(proposalBytes) })
  }

  private async endorse(transaction: Transaction) {
    const proposal = this.propose(transaction)
    const outcome = await this.endorser.processProposal(proposal)
    const refused = classify(outcome)
    const { proposalResponse } = outcome
    if (refused || !proposalResponse)
      throw failure('TRANSACTION_FAILED', { detail: refused?.message ?? GrpcStatus[GrpcStatus.UNKNOWN] })
    const { extension } = ProposalResponsePayload.decode(proposalResponse.payload)
    const response = ChaincodeAction.decode(extension).response?.payload ?? Buffer.alloc(0)
    return { proposal, proposalResponse, response }
  }
}
