import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { connect, type Gateway } from '@hyperledger/fabric-gateway'
import { ChaincodeInput } from '../../proto/gen/peer/chaincode.js'
import { issueIdentities, type OrganizationIdentities } from '../../services/issue-identities.js'
import { createMembership } from '../../src/gateway/membership.js'
import { type GatewayLimits, type RunningGateway, serveGateway } from '../../src/gateway/serve-gateway.js'
import { loadSigningIdentity } from '../../src/gateway/signing-identity.js'
import type { MembershipProvider, SigningIdentity } from '../../src/gateway/types.js'
import { createEnvelopeValidator } from '../../src/gateway/validate-envelope.js'
import { silentLogger } from '../../src/log.js'
import type { ChaincodeExecutor, Invocation, InvocationResult } from '../../src/protocol/types.js'
import { MemoryLedger } from './memory-ledger.js'
import { type Member, memberIn } from './members.js'

/** A chaincode of a test: what the executor does with an invocation. */
export type Chaincode = (invocation: Invocation, signal?: AbortSignal) => InvocationResult | Promise<InvocationResult>

/** What a chaincode answers when it has nothing special to say. */
export const answer = (payload = '', status = 200, message = ''): InvocationResult => ({
  response: { status, message, payload: Buffer.from(payload) },
  event: undefined,
  version: '1.0',
})

/** Arguments of an invocation as text. */
export const argumentsOf = ({ input }: Invocation): string[] => ChaincodeInput.decode(input).args.map(String)

/** Parts of a peer for channel `mychannel` with the chaincode `kv`, which a test gives its behaviour. */
export class TestPeer {
  /** What `kv` does. */
  chaincode: Chaincode = () => answer()
  /** Every invocation that reached the executor. */
  readonly invocations: Invocation[] = []
  readonly executor: ChaincodeExecutor
  readonly ledger: MemoryLedger
  readonly ledgers: { get(channelId: string): MemoryLedger | undefined }
  readonly membership: MembershipProvider
  readonly signer: SigningIdentity
  readonly user: Member
  readonly admin: Member
  readonly peer: Member
  readonly #closers: (() => Promise<void> | void)[] = []

  private constructor(readonly organization: OrganizationIdentities) {
    const { mspId, mspFolder, peerMspFolder, userMspFolders } = organization
    this.membership = createMembership([{ mspId, mspFolder }])
    this.signer = loadSigningIdentity(peerMspFolder, mspId)
    this.user = memberIn(userMspFolders.User1, mspId)
    this.admin = memberIn(userMspFolders.Admin, mspId)
    this.peer = memberIn(peerMspFolder, mspId)
    const isDefined = (channelId: string, name: string) => channelId === 'mychannel' && name === 'kv'
    this.executor = {
      isDefined,
      execute: async (invocation, signal) => {
        this.invocations.push(invocation)
        return this.chaincode(invocation, signal)
      },
    }
    const ledger = new MemoryLedger('mychannel', createEnvelopeValidator(this.membership, { isDefined }))
    this.ledger = ledger
    this.ledgers = { get: (channelId) => (channelId === ledger.channelId ? ledger : undefined) }
  }

  /** Makes a peer with fresh identities in a temporary folder. */
  static async create(): Promise<TestPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'chaincoded-gateway-'))
    const peer = new TestPeer(await issueIdentities(folder, { gatewayPort: 7051 }))
    peer.#closers.push(() => rm(folder, { recursive: true }))
    return peer
  }

  /** Starts the real server on a free port. */
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
    return running
  }

  /** A raw client, as samples make it. */
  client({ port }: RunningGateway, options: { plaintext?: boolean } = {}): Client {
    const tls = options.plaintext ? credentials.createInsecure() : credentials.createSsl(this.organization.tls.ca)
    const client = new Client(`127.0.0.1:${port}`, tls, {
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

  /** Closes clients and servers, the newest first, and removes the identities. */
  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }
}
