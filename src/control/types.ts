import type { Config } from '../config.js'
import type { Logger } from '../log.js'

/** The daemon at a glance. */
export interface DaemonStatus {
  /** Of the program. */
  version: string
  pid: number
  /** State of the daemon's chart. */
  state: 'starting' | 'serving' | 'draining' | 'stopped'
  /** Fabric key `chaincode.mode`. */
  mode: 'net' | 'dev'
  dataDir: string
  /** Host and port of the client API, as bound. */
  gatewayAddress: string
  gatewayTls: boolean
  /** Host and port that chaincodes connect to. */
  chaincodeAddress: string
  /** Milliseconds since the Unix epoch. */
  startedAtMs: number
  /** Channels with their number of blocks. */
  channels: { channelId: string; height: number }[]
  chaincodesTotal: number
}

/** One chaincode as data. */
export interface ChaincodeInfo {
  name: string
  version: string
  /** The id it registers with. */
  ccid: string
  /** Channels it is defined on. */
  channels: string[]
  /** State of its chart: `ready`, `running`, `failed`, … */
  state: string
  /** Kind of runtime: `process`, `none`, … */
  runtime: string
  /** 0 when no process runs. */
  pid: number
  /** Counts starts; 1 is the first. */
  incarnation: number
  /** Starts that nobody asked for. */
  restarts: number
  /** Transactions that run now. */
  inFlight: number
  /** When `state` was entered, in milliseconds since the Unix epoch. */
  sinceMs: number
  /** Folder it was deployed from. */
  path: string
  /** Program and arguments. */
  command: string[]
  /** Why it failed; empty unless it did. */
  reason: string
  /** File that keeps its output. */
  logFile: string
  /** Who starts the process: `net` the daemon, `dev` a developer. */
  mode: string
  /** Where it is dialled; empty unless it runs as a service. */
  address: string
  /** Milliseconds until it is started or dialled again by itself; 0 where it is not. */
  nextStartInMs: number
}

/** What a chaincode proves itself with that is started by hand, and where it connects to. PEM texts. */
export interface IssuedIdentity {
  ccid: string
  /** Host and port of the chaincode listener. */
  address: string
  mspId: string
  key: string
  certificate: string
  root: string
}

/** What to deploy. Empty strings and lists leave the choice to the daemon. */
export interface DeployRequest {
  /** Absolute path of the folder. */
  path: string
  name: string
  version: string
  channel: string
  /** Program and arguments; empty to find them from the folder's files. */
  command: string[]
  /** Label of the package id. */
  label: string
  /** Whether the first invocation has to be an Init. */
  initRequired: boolean
  /** In place of `path`: `host:port` of a chaincode that runs as a service, in plain text. */
  address?: string
  /** The id that it registers with. Default: `name:version`. */
  ccid?: string
  /**
   * In place of `path`: the absolute path of a package file, which is installed first, or the id of an installed package.
   * The id that the chaincode registers with is then the package's.
   */
  package?: string
  /** What it runs in: `process` (also where it is empty) or `docker`. */
  runtime?: string
  /** Image that is run in a container as it is, in the place of one that is built from the code. */
  image?: string
  /** Language to build and start a container for: node, golang, java or car; empty to tell it from the files. */
  language?: string
}

/** A package that the daemon keeps. */
export interface PackageInfo {
  /** `label:hash`, or `name:version` of a package of Fabric 1.x. */
  packageId: string
  /** Of Fabric 2.0 and later `lifecycle`; of 1.x `legacy` or `legacySigned`; '' like all below for a damaged package. */
  format: string
  label: string
  /** Language or builder, as the package has it. */
  type: string
  /** Where it was packaged from, as the package has it. */
  path: string
  sizeBytes: number
  /** Files of the code. */
  files: number
  /** Milliseconds since the Unix epoch. */
  installedAtMs: number
  /** Where it is kept. */
  file: string
  /** Why it cannot be used; empty where it can. */
  problem: string
  /** Names of the chaincodes that run from it. */
  chaincodes: string[]
}

/** One line of a chaincode's output. */
export interface LogLine {
  /** Milliseconds since the Unix epoch. */
  timeMs: number
  /** `chaincoded` marks a line of the daemon about the chaincode: started, registered, ended, … */
  source: 'stdout' | 'stderr' | 'chaincoded'
  text: string
}

/** Which lines `logs` gives. */
export interface LogsOptions {
  /** Go on with lines to come, until `signal` aborts or the chaincode is removed. */
  follow: boolean
  /** How many of the last lines to begin with; undefined for all that are kept, and when following for those of this start. */
  tail?: number
  /** Ends the lines; ending is no error. */
  signal?: AbortSignal
}

/**
 * What can be asked of a daemon beside Fabric's own API. The daemon implements it, the control service carries it over
 * the Unix socket, and the client at the other end has it again. Every method rejects with a ChaincodedError; a name
 * that is not deployed gives CHAINCODE_UNKNOWN.
 */
export interface DaemonControl {
  status(): Promise<DaemonStatus>
  /** Sorted by name. */
  list(): Promise<ChaincodeInfo[]>
  /**
   * Defines the chaincode, and resolves when it is ready; in dev mode as soon as it is defined, because a developer
   * starts it; and a service also where it does not answer, because it is dialled again. `onProgress` gets short lines for
   * people.
   */
  deploy(request: DeployRequest, onProgress: (line: string) => void): Promise<ChaincodeInfo>
  /** Resolves when no process is left. */
  stop(name: string): Promise<ChaincodeInfo>
  /** Resolves when it is ready again; in dev mode when its stream is closed. */
  restart(name: string): Promise<ChaincodeInfo>
  /** Stops the chaincode and forgets its definition; its state stays on the ledger. */
  remove(name: string): Promise<void>
  logs(name: string, options: LogsOptions): AsyncIterable<LogLine>
  /** Checks the package in the file at this absolute path and keeps it; `isNew` is false where it was kept already. */
  install(file: string): Promise<{ package: PackageInfo; isNew: boolean }>
  /** Every package, by id, also the damaged ones. */
  packages(): Promise<PackageInfo[]>
  /** Removes a package. Rejects with PACKAGE_UNKNOWN, and with PACKAGE_IN_USE where a chaincode runs from it. */
  uninstall(packageId: string): Promise<void>
  /**
   * Issues the identity of a chaincode that is started by hand; the one before is void from then on. Rejects with
   * CERTIFICATE_NOT_NEEDED or CERTIFICATE_IS_GIVEN.
   */
  issueCertificate(name: string): Promise<IssuedIdentity>
  /** Resolves when the daemon starts to drain. */
  shutdown(): Promise<void>
}

/** A daemon in this process. */
export interface RunningDaemon extends DaemonControl {
  /** What it is bound to; ports are real ones. */
  readonly addresses: { readonly gateway: string; readonly chaincode: string }
  /** Settles when the daemon has stopped for whatever reason; rejects with the reason if it failed. */
  readonly closed: Promise<void>
  /** Stops everything, in bounded time (`chaincoded.shutdownTimeout`); resolves when nothing is left. Idempotent. */
  close(): Promise<void>
  /** Kills every process group of the daemon at once, without waiting: the last thing before the process exits. */
  kill(): void
}

/** What a daemon is made of. */
export interface DaemonOptions {
  config: Config
  log: Logger
}

/** Starts a daemon, and resolves when it serves. Rejects with a ChaincodedError, with nothing left running. */
export type CreateDaemon = (options: DaemonOptions) => Promise<RunningDaemon>
