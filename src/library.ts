import { resolve } from 'node:path'
import { type CommittedTransaction, InProcessClient, type Transaction } from './client.js'
import { type Overrides, resolveConfig } from './config.js'
import type { ChaincodeInfo, DaemonStatus, PackageInfo } from './control/types.js'
import type { StateChange } from './chaincode-directory.js'
import { createDaemon as startDaemon } from './daemon.js'
import { createEndorser } from './gateway/endorser.js'
import { loadSigningIdentity } from './gateway/signing-identity.js'
import type { OrganizationIdentities } from '../services/issue-identities.js'
import type { LedgerProvider } from './ledger/types.js'
import { type Logger, silentLogger } from './log.js'
import { packageReference } from './packages/package-id.js'

/** How a daemon is embedded. */
export interface DaemonOptions {
  /** The data folder: ledger, identities, logs. Default `.chaincoded` in the working directory. */
  dataDir?: string
  /** A `core.yaml`. Default: none is read. */
  configFile?: string
  /**
   * Settings by their key, as in core.yaml: `{ 'chaincode.executetimeout': '5s' }`. Unless set here or in `configFile`,
   * both ports are chosen by the system.
   */
  settings?: Overrides
  /** Where the daemon logs. Default: nowhere. */
  log?: Logger
}

/** What to deploy. */
export interface Deployment {
  /** Folder of the chaincode. */
  path?: string
  /** In place of `path`: a package file, which is installed first, or the id of an installed package. */
  package?: string
  /** What it runs in; default `process`, and `docker` where an image is named. */
  runtime?: 'process' | 'docker'
  /** Image that is run in a container as it is. */
  image?: string
  /** Language to build and start a container for: node, golang, java or car; without it the files tell. */
  language?: string
  /** In place of `path`: `host:port` of a chaincode that runs as a service, in plain text; it needs a name. */
  address?: string
  /** The id that it registers with. Default: `name:version`. */
  ccid?: string
  /** Default: made from the folder's name. */
  name?: string
  /** Default `1.0`. */
  version?: string
  /** Default: the setting `chaincoded.defaultChannel`. */
  channel?: string
  /** Program and arguments that start it. Default: found from its files. */
  command?: readonly string[]
  /** Whether its first transaction on the channel has to be an Init. */
  initRequired?: boolean
  /** Gets short lines for people while it starts. */
  onProgress?: (line: string) => void
}

/** What to call; the channel defaults to `chaincoded.defaultChannel`. */
export type Call = Omit<Transaction, 'channel'> & { channel?: string }

/** A daemon in this process, for services that embed chaincode and for tests of chaincode. */
export interface EmbeddedDaemon {
  /** `host:port` of the gateway, for client applications. */
  readonly gatewayAddress: string
  /** `host:port` that chaincodes register at. */
  readonly chaincodeAddress: string
  /** Certificates and keys that client applications use. */
  readonly identities: OrganizationIdentities
  /** Defines a chaincode and starts it; resolves when it is ready. Rejects with the reason why it does not come up. */
  deploy(deployment: Deployment): Promise<ChaincodeInfo>
  /** Runs a transaction and commits it. */
  invoke(call: Call): Promise<CommittedTransaction>
  /** Runs a transaction and forgets its writes. */
  evaluate(call: Call): Promise<Buffer>
  /** Checks a package file and keeps it, for deployments to come. */
  install(file: string): Promise<PackageInfo>
  /** Every package that is kept. */
  packages(): Promise<PackageInfo[]>
  /** Removes a package that no chaincode runs from. */
  uninstall(packageId: string): Promise<void>
  /** Every chaincode with its state. */
  list(): Promise<ChaincodeInfo[]>
  status(): Promise<DaemonStatus>
  /** Resolves when no process of the chaincode is left. */
  stop(name: string): Promise<ChaincodeInfo>
  restart(name: string): Promise<ChaincodeInfo>
  remove(name: string): Promise<void>
  /** Calls `listener` at each change of a chaincode's state; the returned function ends that. */
  subscribe(listener: (change: StateChange) => void): () => void
  /** Stops everything, in bounded time. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a daemon in this process, and resolves when it serves. Rejects with a ChaincodedError, with nothing left running.
 */
export async function createDaemon(options: DaemonOptions = {}): Promise<EmbeddedDaemon> {
  const anyPort = options.configFile
    ? {}
    : ({
        'peer.address': 'localhost:7051',
        'peer.listenAddress': '127.0.0.1:0',
        'peer.chaincodeListenAddress': '127.0.0.1:0',
      } satisfies Overrides)
  const { config } = await resolveConfig({
    dataDir: resolve(options.dataDir ?? '.chaincoded'),
    ...(options.configFile ? { file: options.configFile } : {}),
    overrides: { ...anyPort, ...options.settings },
  })
  const log = options.log ?? silentLogger()
  const daemon = await startDaemon({ config, log })
  const { parts, executor } = daemon
  const identities = parts.identities as OrganizationIdentities
  const ledgers = parts.ledgers as LedgerProvider
  const { membership, signer } = parts
  if (!membership || !signer) throw new Error('a daemon that serves has its identities')
  const user = loadSigningIdentity(identities.userMspFolders.User1, identities.mspId)
  const client = new InProcessClient(createEndorser({ ledgers, executor, membership, signer, log }), ledgers, user)
  const defaultChannel = config.chaincoded.defaultChannel
  const addressed = ({ channel = defaultChannel, ...call }: Call): Transaction => ({ ...call, channel })
  return {
    gatewayAddress: daemon.addresses.gateway,
    chaincodeAddress: daemon.addresses.chaincode,
    identities,
    deploy: ({
      path = '.',
      package: file,
      address,
      ccid,
      name,
      version,
      channel,
      command,
      initRequired,
      onProgress,
      runtime,
      image,
      language,
    }) =>
      daemon.deploy(
        {
          path: address === undefined ? resolve(path) : '',
          ...(address === undefined ? {} : { address }),
          ...(ccid === undefined ? {} : { ccid }),
          name: name ?? '',
          version: version ?? '',
          channel: channel ?? '',
          command: [...(command ?? [])],
          label: '',
          initRequired: initRequired ?? false,
          package: file && packageReference(file, process.cwd()),
          ...(runtime === undefined ? {} : { runtime }),
          ...(image === undefined ? {} : { image }),
          ...(language === undefined ? {} : { language }),
        },
        onProgress ?? (() => undefined),
      ),
    invoke: (call) => client.invoke(addressed(call)),
    evaluate: (call) => client.evaluate(addressed(call)),
    install: async (file) => (await daemon.install(resolve(file))).package,
    packages: () => daemon.packages(),
    uninstall: (packageId) => daemon.uninstall(packageId),
    list: () => daemon.list(),
    status: () => daemon.status(),
    stop: (name) => daemon.stop(name),
    restart: (name) => daemon.restart(name),
    remove: (name) => daemon.remove(name),
    subscribe: (listener) => daemon.subscribe(listener),
    close: () => daemon.close(),
  }
}
