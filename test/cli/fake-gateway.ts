import {
  Metadata,
  Server,
  ServerCredentials,
  type status,
  type sendUnaryData,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import { ChannelHeader, Envelope, Payload } from '../../proto/gen/common/common.js'
import {
  ErrorDetail,
  GatewayService,
  type EndorseRequest,
  type EvaluateRequest,
} from '../../proto/gen/gateway/gateway.js'
import { Status } from '../../proto/gen/google/rpc/status.js'
import { ChaincodeInvocationSpec } from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeAction,
  ChaincodeProposalPayload,
  Proposal,
  ProposalResponsePayload,
  type SignedProposal,
} from '../../proto/gen/peer/proposal.js'
import { ChaincodeActionPayload, Transaction } from '../../proto/gen/peer/transaction.js'

/** A call as the gateway saw it. */
export interface SeenCall {
  channel: string
  chaincode: string
  args: string[]
  transient: Record<string, string>
}

/** A gRPC error with ErrorDetails, as Fabric's gateway answers. */
export class GatewayRefusal {
  constructor(
    readonly code: status,
    readonly text: string,
    readonly details: readonly string[] = [],
  ) {}
}

/** A gateway that answers what a test wants: `answer` gives the chaincode's result, or throws a GatewayRefusal. */
export class FakeGateway {
  readonly seen: SeenCall[] = []
  answer: (call: SeenCall) => Uint8Array | string = () => ''
  /** A `protos.TxValidationCode`. */
  validationCode = 0
  readonly #server = new Server()

  /** Listens on a free port of 127.0.0.1, and resolves to the address. */
  async listen(credentials = ServerCredentials.createInsecure()): Promise<string> {
    this.#server.addService(GatewayService, {
      evaluate: reply(({ channelId, proposedTransaction }: EvaluateRequest) => ({
        result: { status: 200, message: '', payload: this.#run(channelId, proposedTransaction!) },
      })),
      endorse: reply(({ channelId, proposedTransaction }: EndorseRequest) => ({
        preparedTransaction: envelope(channelId, this.#run(channelId, proposedTransaction!)),
      })),
      submit: reply(() => ({})),
      commitStatus: reply(() => ({ result: this.validationCode, blockNumber: 7n })),
    })
    const port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    )
    return `127.0.0.1:${port}`
  }

  close(): void {
    this.#server.forceShutdown()
  }

  #run(channel: string, proposed: SignedProposal): Buffer {
    const proposal = ChaincodeProposalPayload.decode(Proposal.decode(proposed.proposalBytes).payload)
    const spec = ChaincodeInvocationSpec.decode(proposal.input).chaincodeSpec!
    const call = {
      channel,
      chaincode: spec.chaincodeId!.name,
      args: spec.input!.args.map(String),
      transient: Object.fromEntries([...proposal.transientMap].map(([key, value]) => [key, String(value)])),
    }
    this.seen.push(call)
    return Buffer.from(this.answer(call))
  }
}

function reply<Request, Response>(work: (request: Request) => Response) {
  return ({ request }: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => {
    try {
      answer(null, work(request))
    } catch (error) {
      if (!(error instanceof GatewayRefusal)) throw error
      const { code, text, details } = error
      const metadata = new Metadata()
      metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(statusOf(code, text, details)).finish()))
      answer({ code, details: text, metadata })
    }
  }
}

const statusOf = (code: number, message: string, details: readonly string[]): Status => ({
  code,
  message,
  details: details.map((detail) => ({
    typeUrl: 'type.googleapis.com/gateway.ErrorDetail',
    value: Buffer.from(ErrorDetail.encode({ address: 'localhost:7051', mspId: 'Org1MSP', message: detail }).finish()),
  })),
})

/** An envelope from which the SDK reads `result`. */
function envelope(channelId: string, result: Buffer): Envelope {
  const bytes = <T>(type: { encode(message: T): { finish(): Uint8Array } }, message: T) =>
    Buffer.from(type.encode(message).finish())
  const action = ChaincodeAction.create({ response: { status: 200, payload: result } })
  const endorsed = ProposalResponsePayload.create({ extension: bytes(ChaincodeAction, action) })
  const payload = ChaincodeActionPayload.create({
    action: { proposalResponsePayload: bytes(ProposalResponsePayload, endorsed) },
  })
  const transaction = Transaction.create({ actions: [{ payload: bytes(ChaincodeActionPayload, payload) }] })
  const header = { channelHeader: bytes(ChannelHeader, ChannelHeader.create({ channelId })) }
  return Envelope.create({
    payload: bytes(Payload, Payload.create({ header, data: bytes(Transaction, transaction) })),
  })
}
