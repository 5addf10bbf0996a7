import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { GatewayClient } from '../../proto/gen/gateway/gateway.js'
import { connect, type Contract, type Gateway, type GatewayError } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { ChaincodeInput } from '../../proto/gen/peer/chaincode.js'
import { issueIdentities, type OrganizationIdentities } from '../../services/issue-identities.js'
import { createMembership } from '../../src/gateway/membership.js'
import { type GatewayLimits, type RunningGateway, serveGateway } from '../../src/gateway/serve-gateway.js'
import { loadSigningIdentity } from '../../src/gateway/signing-identity.js'
import type { MembershipProvider, SigningIdentity } from '../../src/gateway/types.js'
import { createEnvelopeValidator } from '../../src/gateway/validate-envelope.js'
import { openLedgers } from '../../src/ledger/provider.js'
import type { Ledger } from '../../src/ledger/types.js'
import { silentLogger } from '../../src/log.js'
import type { ChaincodeExecutor, Invocation, InvocationResult } from '../../src/protocol/types.js'
import { HeldLedger } from './held-ledger.js'
import { type Member, memberIn } from './members.js'

/** A chaincode of a test: what the executor does with an invocation. */
export type Chaincode = (invocation: Invocation, signal?: AbortSignal) => InvocationResult | Promise<InvocationResult>

/** A chaincode that reads and writes one key. */
export const increments: Chaincode = ({ simulator }) => {
  const value = Number(simulator!.getState('kv', 'counter') ?? 0) + 1
  simulator!.setState('kv', 'counter', Buffer.from(String(value)))
  return answer(String(value))
}

/** The detail that every failure of this one peer carries. */
export const detail = (message: string) => [{ address: 'localhost:7051', mspId: 'Org1MSP', message }]

/** What `promise` is rejected with; fails where it is not. */
export const rejectionOf = (promise: Promise<unknown>): Promise<GatewayError> =>
  promise.then(
    () => expect.fail('expected a failure'),
    (error: GatewayError) => error,
  )

/** What a chaincode answers when it has nothing special to say. */
export const answer = (payload = '', status = 200, message = ''): InvocationResult => ({
  response: { status, message, payload: Buffer.from(payload) },
  event: undefined,
  version: '1.0',
})

/** Arguments of an invocation as text. */
export const argumentsOf = ({ input }: Invocation): string[] => ChaincodeInput.decode(input).args.map(String)

const isDefined = (channelId: string, name: string): boolean => channelId === 'mychannel' && name === 'kv'

/** A method of a generated service definition. */
interface Method<Request> {
  path: string
  requestSerialize: (request: Request) => Buffer
}

/** Parts of a peer for channel `mychannel` with the chaincode `kv`, which a test gives its behaviour. */
export class TestPeer {
  /** What `kv` does. */
  chaincode: Chaincode = () => answer()
  /** Every invocation that reached the executor. */
  readonly invocations: Invocation[] = []
  readonly executor: ChaincodeExecutor
  readonly ledger: HeldLedger
  readonly ledgers: { get(channelId: string): HeldLedger | undefined }
  readonly membership: MembershipProvider
  readonly signer: SigningIdentity
  readonly user: Member
  readonly admin: Member
  readonly peer: Member
  #running: RunningGateway | undefined
  #rawClient: GatewayClient | undefined
  readonly #closers: (() => Promise<void> | void)[] = []

  private constructor(
    readonly organization: OrganizationIdentities,
    membership: MembershipProvider,
    ledger: Ledger,
  ) {
    const { mspId, peerMspFolder, userMspFolders } = organization
    this.membership = membership
    this.signer = loadSigningIdentity(peerMspFolder, mspId)
    this.user = memberIn(userMspFolders.User1, mspId)
    this.admin = memberIn(userMspFolders.Admin, mspId)
    this.peer = memberIn(peerMspFolder, mspId)
    this.executor = {
      isDefined,
      execute: async (invocation, signal) => {
        this.invocations.push(invocation)
        return this.chaincode(invocation, signal)
      },
    }
    const held = (this.ledger = new HeldLedger(ledger))
    this.ledgers = { get: (channelId) => (channelId === held.channelId ? held : undefined) }
  }

  /** Makes a peer with fresh identities and an empty ledger in a temporary folder. */
  static async create(): Promise<TestPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'chaincoded-gateway-'))
    const organization = await issueIdentities(folder, { gatewayPort: 7051 })
    const membership = createMembership([organization])
    const validate = createEnvelopeValidator(membership, { isDefined })
    const ledgers = await openLedgers({ folder: join(folder, 'ledger'), validate })
    const peer = new TestPeer(organization, membership, await ledgers.open('mychannel'))
    peer.#closers.push(async () => {
      await ledgers.close()
      await rm(folder, { recursive: true })
    })
    return peer
  }

  /** Starts the real server on a free port; `contract` asks the last one that was started. */
  async serve(options: { limits?: Partial<GatewayLimits>; plaintext?: boolean; now?: () => number } = {}) {
    const { certificate, key } = this.organization.tls
    const running = await serveGateway({
      host: '127.0.0.1',
      port: 0,
      tls: options.plaintext ? undefined : { certificate, key },
      address: 'localhost:7051',
      ledgers: this.ledgers,
      executor: this.executor,
      membership: this.membership,
      signer: this.signer,
      log: silentLogger(),
      limits: options.limits,
      now: options.now,
    })
    this.#closers.push(() => running.close(0))
    this.#running = running
    return running
  }

  /** A gRPC client with the options of Fabric's samples; the SDK takes it, and it has the raw methods, too. */
  client({ port }: RunningGateway, options: { plaintext?: boolean } = {}): GatewayClient {
    const tls = options.plaintext ? credentials.createInsecure() : credentials.createSsl(this.organization.tls.ca)
    const client = new GatewayClient(`127.0.0.1:${port}`, tls, {
      'grpc.ssl_target_name_override': 'peer0.org1.example.com',
      'grpc.max_receive_message_length': -1,
    })
    this.#closers.push(() => client.close())
    return client
  }

  /** The published SDK, as `member`. */
  connect(client: Client, member: Member = this.user): Gateway {
    const gateway = connect({ client, identity: member.identity, signer: member.signer })
    this.#closers.push(() => gateway.close())
    return gateway
  }

  /** `kv` through the published SDK, as the user or as somebody else. */
  contract({ member = this.user, channel = 'mychannel', chaincode = 'kv' } = {}): Contract {
    return this.connect(this.client(this.#running!), member).getNetwork(channel).getContract(chaincode)
  }

  /** Sends a request as it is to a method; resolves to the answer's bytes, or to the status it was refused with. */
  async send(path: string, request: Uint8Array): Promise<Buffer | ServiceError> {
    this.#rawClient ??= this.client(this.#running!)
    const client = this.#rawClient
    return new Promise((resolve) => {
      const serialize = (bytes: Uint8Array) => Buffer.from(bytes)
      const answered = (error: ServiceError | null, bytes?: Buffer) => resolve(error ?? bytes!)
      client.makeUnaryRequest(path, serialize, (bytes) => bytes, request, answered)
    })
  }

  /** Calls a method with a well-formed request; resolves to `CODE text`, or to nothing where it succeeds. */
  async refusalOf<Request>(method: Method<Request>, request: Request): Promise<string | undefined> {
    const answered = await this.send(method.path, method.requestSerialize(request))
    return answered instanceof Error ? `${status[answered.code]} ${answered.details}` : undefined
  }

  /** Undoes what a test has set. */
  reset(): void {
    this.chaincode = () => answer('done')
    this.invocations.length = 0
    this.ledger.mayCommit = Promise.resolve()
    this.ledger.refusal = undefined
  }

  /** Closes clients and servers, the newest first, and removes the identities. */
  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }
}
