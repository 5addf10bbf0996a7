import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { IdentityFileError } from '../services/identity-layout.js'
import { type OrganizationIdentities, issueIdentities } from '../services/issue-identities.js'
import { reapLeftovers } from '../services/reap-leftovers.js'
import { listenGrpcJs } from '../services/listen-grpc-js.js'
import { listenHttp2 } from '../services/listen-http2.js'
import type { AcceptStream, ChaincodeListener } from '../services/stream-transport.js'
import { ChaincodeCertificates } from './chaincode-certificates.js'
import { version } from './cli/version.js'
import { type Config, chaincodeEndpoint } from './config.js'
import { joinHostPort, splitHostPort } from './config/values.js'
import { type DataFolderClaim, claimDataFolder } from './control/daemon-file.js'
import { type ServedControl, serveControl } from './control/serve-control.js'
import type { DaemonControl } from './control/types.js'
import type { DataFolder } from './data-folder.js'
import { failure, messageOf } from './errors.js'
import { createMembership } from './gateway/membership.js'
import { type RunningGateway, serveGateway } from './gateway/serve-gateway.js'
import { loadSigningIdentity } from './gateway/signing-identity.js'
import type { MembershipProvider, SigningIdentity } from './gateway/types.js'
import { createEnvelopeValidator } from './gateway/validate-envelope.js'
import { openLedgers } from './ledger/provider.js'
import type { LedgerProvider } from './ledger/types.js'
import type { Logger } from './log.js'
import { PackageStore } from './packages/store.js'
import type { ChaincodeExecutor } from './protocol/types.js'

/** What the parts are opened with. */
export interface DaemonPartsOptions {
  config: Config
  folder: DataFolder
  /** What the processes of this data folder's chaincodes are marked with. */
  ownerMark: string
  log: Logger
  executor: ChaincodeExecutor
  accept: AcceptStream
  control: DaemonControl
  /** Streams may come and transactions may run. */
  isServing: () => boolean
  /** Removes the containers that a killed daemon of this data folder left. Never rejects. */
  reapContainers: () => Promise<void>
}

/** Everything of a daemon that is opened at its start and closed at its end, in one place and one order. */
export class DaemonParts {
  ledgers: LedgerProvider | undefined
  listener: ChaincodeListener | undefined
  /** There when chaincodes connect over TLS. */
  certificates: ChaincodeCertificates | undefined
  gateway: RunningGateway | undefined
  identities: OrganizationIdentities | undefined
  membership: MembershipProvider | undefined
  signer: SigningIdentity | undefined
  packages: PackageStore | undefined
  private opening: Promise<void> | undefined
  private claim: DataFolderClaim | undefined
  private control: ServedControl | undefined

  constructor(private readonly options: DaemonPartsOptions) {}

  /** Opens all. Rejects with a ChaincodedError; what was opened by then is closed by `close`. */
  open(): Promise<void> {
    this.opening = this.openAll()
    return this.opening
  }

  private async openAll(): Promise<void> {
    const { config, folder, executor, log } = this.options
    this.claim = await claimDataFolder(folder.path)
    // A killed daemon leaves keys behind, which nobody takes any more.
    rmSync(folder.tlsDir, { recursive: true, force: true })
    const { packageBytes, packageUnpackedBytes, packageFiles } = config.chaincoded.limits
    const packageLimits = { fileBytes: packageBytes, unpackedBytes: packageUnpackedBytes, files: packageFiles }
    this.packages = new PackageStore(folder.packagesDir, packageLimits)
    const [identities] = await Promise.all([
      this.issue(),
      this.openLedger(),
      this.listen(),
      this.reap(),
      this.options.reapContainers(),
    ])
    const { mspId, mspFolder, peerMspFolder, tls } = identities
    this.identities = identities
    this.membership = createMembership([{ mspId, mspFolder }])
    this.signer = loadSigningIdentity(peerMspFolder, mspId)
    const { host, port } = splitHostPort(config.peer.listenAddress)
    const ledgers = this.ledgers as LedgerProvider
    this.gateway = await serveGateway({
      host,
      port,
      ...(config.peer.tlsEnabled ? { tls: { key: tls.key, certificate: tls.certificate } } : {}),
      address: config.peer.address,
      ledgers,
      executor,
      membership: this.membership,
      signer: this.signer,
      log,
      limits: { maxMessageBytes: config.chaincoded.limits.messageBytes },
    })
    await identities.writeConnectionProfiles(this.gateway.port, config.peer.tlsEnabled)
    this.control = await serveControl(this.options.control, this.claim.controlSocket)
    this.claim.publish({
      gatewayAddress: this.gatewayAddress,
      gatewayTls: config.peer.tlsEnabled,
      chaincodeAddress: this.chaincodeAddress,
      mspId,
      defaultChannel: config.chaincoded.defaultChannel,
      version,
      startedAt: new Date().toISOString(),
    })
  }

  /** Refuses new calls; those that run have `graceMs` to end. */
  async quiesce(graceMs: number): Promise<void> {
    await this.gateway?.close(graceMs)
  }

  /** Closes what is open, in reverse order. Idempotent. */
  async close(): Promise<void> {
    // What is still being opened can only be closed once it is open.
    await this.opening?.catch(() => undefined)
    await this.gateway?.close(0)
    await this.listener?.close()
    await this.control?.close()
    await this.ledgers?.close()
    if (this.claim) rmSync(this.options.folder.tlsDir, { recursive: true, force: true })
    this.claim?.release()
  }

  /** As bound. */
  get gatewayAddress(): string {
    return this.gateway ? joinHostPort(this.gateway.host, this.gateway.port) : this.options.config.peer.listenAddress
  }

  /** As bound. */
  get chaincodeAddress(): string {
    const { listener } = this
    return listener ? joinHostPort(listener.host, listener.port) : this.options.config.peer.chaincodeListenAddress
  }

  private async issue(): Promise<OrganizationIdentities> {
    const { config, folder } = this.options
    const { port } = splitHostPort(config.peer.listenAddress)
    try {
      return await issueIdentities(folder.organizationsDir, {
        gatewayPort: port,
        tlsEnabled: config.peer.tlsEnabled,
        mspId: config.peer.localMspId,
      })
    } catch (error) {
      if (error instanceof IdentityFileError)
        throw failure('IDENTITY_FILE', { file: error.file, detail: error.problem }, error)
      throw error
    }
  }

  /** Ends what a daemon left running that was killed itself. */
  private async reap(): Promise<void> {
    const { ownerMark, log, config } = this.options
    const leftovers = await reapLeftovers(ownerMark, config.chaincoded.killGraceMs)
    for (const { pid, ccid } of leftovers)
      log.warn({ pid, ccid }, `process ${pid} of ${ccid} was left running, and killed`)
  }

  private async openLedger(): Promise<void> {
    const { config, folder, executor } = this.options
    const validate = createEnvelopeValidator(
      {
        check: (identity) => (this.membership as MembershipProvider).check(identity),
        mspIds: [config.peer.localMspId],
      },
      { isDefined: (channelId, name) => executor.isDefined(channelId, name) },
    )
    this.ledgers = await openLedgers({ folder: folder.ledgerDir, validate })
    await this.ledgers.open(config.chaincoded.defaultChannel)
  }

  private async listen(): Promise<void> {
    const { config, accept, isServing, log } = this.options
    const { host, port } = splitHostPort(config.peer.chaincodeListenAddress)
    const listen = config.chaincoded.transport === 'http2' ? listenHttp2 : listenGrpcJs
    if (config.chaincoded.chaincodeTls)
      this.certificates = await ChaincodeCertificates.create(listenerNames(config), config.chaincode.startupTimeoutMs)
    const { certificates } = this
    try {
      this.listener = await listen({
        host,
        port,
        accept,
        ...(certificates ? { tls: { ...certificates.server, root: certificates.root } } : {}),
        onRefused: (remoteAddress, why) =>
          log.warn({ remoteAddress }, `a connection to the chaincode listener was refused: ${why}`),
        maxMessageBytes: config.chaincoded.limits.messageBytes,
        pingIntervalMs: 2 * 60 * 60 * 1000,
        pingTimeoutMs: 20_000,
        isServing,
      })
    } catch (error) {
      const facts = { address: joinHostPort(host, port), purpose: 'chaincodes' }
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw failure('PORT_IN_USE', facts, error)
      throw failure('LISTEN_FAILED', { ...facts, detail: messageOf(error) }, error)
    }
  }
}

/** The names under which a chaincode may know the listener. */
function listenerNames(config: Config): string[] {
  const { host } = splitHostPort(chaincodeEndpoint(config).address)
  return [...new Set([host, 'localhost', '127.0.0.1', '::1'])]
}

/** The file of definitions in a data folder. */
export const definitionsFile = (folder: DataFolder): string => join(folder.path, 'chaincodes.json')
