import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { followLog, readLogTail } from '../services/follow-log.js'
import type { ChaincodeInput, Failure } from '../machines/index.js'
import type { ChaincodeBuilder } from './builder.js'
import type { ChaincodeCertificates } from './chaincode-certificates.js'
import type { ChaincodeDirectory, ChaincodeStatus } from './chaincode-directory.js'
import { version as programVersion } from './cli/version.js'
import type { Config } from './config.js'
import {
  chaincodeNameFrom,
  checkCcid,
  checkChaincodeName,
  checkChaincodeVersion,
  checkChannelName,
  defaultVersion,
} from './control/names.js'
import type {
  ChaincodeInfo,
  DaemonControl,
  DaemonStatus,
  DeployRequest,
  IssuedIdentity,
  LogLine,
  LogsOptions,
  PackageInfo,
} from './control/types.js'
import { containerLanguage, runtimeOf } from './container-request.js'
import type { Definitions, Deployment } from './definitions.js'
import type { DockerLauncher } from './docker-launcher.js'
import { failure, isFailure, messageOf } from './errors.js'
import { describeFailure } from './launch-failure.js'
import { type Launcher, logFileOf } from './launcher.js'
import type { LedgerProvider } from './ledger/types.js'
import { LineQueue } from './line-queue.js'
import { nearest } from './nearest.js'
import { serviceAddress, serviceOf } from './service-dialler.js'
import type { PackageControl } from './packages/package-control.js'

/** What the control works with. */
export interface ControlOptions {
  config: Config
  logsDir: string
  definitions: Definitions
  directory: ChaincodeDirectory
  launcher: Launcher
  docker: DockerLauncher
  builder: ChaincodeBuilder
  ledgers: () => LedgerProvider | undefined
  certificates: () => ChaincodeCertificates | undefined
  addresses: () => { gateway: string; chaincode: string }
  state: () => DaemonStatus['state']
  startedAtMs: number
  chaincodeInput: (deployment: Deployment) => ChaincodeInput
  /** There once the data folder is this daemon's. */
  packages: () => PackageControl
  stopDaemon: () => void
}

/** What can be asked of a daemon beside Fabric's own API. */
export class Control implements DaemonControl {
  constructor(private readonly options: ControlOptions) {}

  status(): Promise<DaemonStatus> {
    const { config, ledgers, addresses, state, startedAtMs, definitions } = this.options
    const provider = ledgers()
    return Promise.resolve({
      version: programVersion,
      pid: process.pid,
      state: state(),
      mode: config.chaincode.mode,
      dataDir: config.chaincoded.dataDir,
      gatewayAddress: addresses().gateway,
      gatewayTls: config.peer.tlsEnabled,
      chaincodeAddress: addresses().chaincode,
      startedAtMs,
      channels: (provider?.channels() ?? []).map((channelId) => ({
        channelId,
        height: Number(provider?.get(channelId)?.height ?? 0n),
      })),
      chaincodesTotal: definitions.all().length,
    })
  }

  list(): Promise<ChaincodeInfo[]> {
    const infos = this.options.definitions.all().map((deployment) => this.info(deployment))
    return Promise.resolve(infos.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)))
  }

  async deploy(asked: DeployRequest, onProgress: (line: string) => void): Promise<ChaincodeInfo> {
    const { config, definitions, directory, launcher, ledgers, packages } = this.options
    const request = await packages().resolve(asked, onProgress)
    const isByHand = config.chaincode.mode === 'dev'
    const name = request.name || (chaincodeNameFrom(basename(request.path)) ?? '')
    const version = request.version || defaultVersion
    const channelId = request.channel || config.chaincoded.defaultChannel
    checkChaincodeName(name)
    checkChaincodeVersion(version)
    checkChannelName(channelId)
    if (request.ccid) checkCcid(request.ccid)
    const service = serviceOf(request)
    const deployment: Deployment = {
      ccid: request.ccid || `${name}:${version}`,
      name,
      version,
      kind: service ? 'service' : isByHand ? 'byHand' : runtimeOf(request),
      path: request.path,
      ...(request.address ? { address: request.address } : {}),
      command: request.command,
      ...(request.image ? { image: request.image } : {}),
      ...(request.language ? { language: containerLanguage(request.language) } : {}),
    }
    if (deployment.kind === 'process') {
      const detection = launcher.detect(deployment)
      if (!detection.ok) throw failure('CHAINCODE_UNDETECTED', { detail: detection.message, hint: detection.hint })
      onProgress(`found ${detection.describe}`)
    }
    const limit = config.chaincoded.limits.chaincodes
    if (!directory.has(deployment.ccid) && directory.ccids().length >= limit)
      throw failure('TOO_MANY_CHAINCODES', { ccid: deployment.ccid, limit })
    await ledgers()?.open(channelId)
    const former = definitions.get(channelId, name)
    await definitions.define(deployment, { channelId, initRequired: request.initRequired })
    if (former?.ccid === deployment.ccid && directory.has(deployment.ccid)) await this.stopped(deployment.ccid)
    if (directory.status(deployment.ccid)?.kind !== deployment.kind) await directory.remove(deployment.ccid)
    directory.add(this.options.chaincodeInput(deployment))
    if (service) await this.dial(deployment.ccid, service.address, onProgress)
    else if (!isByHand) {
      onProgress(`starting ${deployment.ccid}`)
      const unsubscribe = this.options.builder.onProgress(deployment.ccid, onProgress)
      await directory.ensureReady(deployment.ccid).finally(unsubscribe)
    }
    if (former && former.ccid !== deployment.ccid && definitions.channelsOf(former.ccid).length === 0)
      await this.forget(former.ccid)
    return this.info(deployment)
  }

  async stop(name: string): Promise<ChaincodeInfo> {
    const deployment = this.find(name)
    await this.stopped(deployment.ccid)
    return this.info(deployment)
  }

  async restart(name: string): Promise<ChaincodeInfo> {
    const deployment = this.find(name)
    await this.stopped(deployment.ccid)
    if (deployment.kind !== 'byHand') await this.options.directory.ensureReady(deployment.ccid)
    return this.info(deployment)
  }

  remove(name: string): Promise<void> {
    return this.forget(this.find(name).ccid)
  }

  async *logs(name: string, { follow, tail, signal }: LogsOptions): AsyncIterable<LogLine> {
    const deployment = this.find(name)
    const file = logFileOf(this.options.logsDir, deployment.ccid)
    const outputLine = (text: string): LogLine => ({ timeMs: Date.now(), source: 'stdout', text })
    if (!follow) {
      for (const text of await readLogTail(file, tail ?? Number.MAX_SAFE_INTEGER)) yield outputLine(text)
      return
    }
    const lines = new LineQueue()
    const stop = new AbortController()
    signal?.addEventListener('abort', () => stop.abort(), { once: true })
    let told: Failure | undefined
    const unsubscribe = this.options.directory.subscribe(({ ccid, from, to, failure: reason }) => {
      // Every burst of transactions goes from ready to running and back; that is no news.
      if (ccid !== deployment.ccid || to === 'running' || (from === 'running' && to === 'ready')) return
      const why = reason !== told && this.info(deployment).reason
      told = reason
      lines.push({ timeMs: Date.now(), source: 'chaincoded', text: `${from} → ${to}${why ? `: ${why}` : ''}` })
      if (to === 'removed') stop.abort()
    })
    const lastLines =
      tail ?? (deployment.kind === 'docker' ? this.options.docker : this.options.launcher).linesOf(deployment.ccid)
    const followed = followLog(file, (text) => lines.push(outputLine(text)), stop.signal, { lastLines })
    void followed.catch(() => undefined).then(() => lines.end())
    if (signal?.aborted) stop.abort()
    try {
      yield* lines
      await followed
    } finally {
      unsubscribe()
      stop.abort()
    }
  }

  install(file: string): Promise<{ package: PackageInfo; isNew: boolean }> {
    return this.options.packages().install(file)
  }

  packages(): Promise<PackageInfo[]> {
    return this.options.packages().packages()
  }

  uninstall(packageId: string): Promise<void> {
    return this.options.packages().uninstall(packageId)
  }

  async issueCertificate(name: string): Promise<IssuedIdentity> {
    const { config, definitions, certificates, addresses } = this.options
    const issuer = certificates()
    if (!issuer) throw failure('CERTIFICATE_NOT_NEEDED', { name })
    const isDev = config.chaincode.mode === 'dev'
    const deployment = definitions.byName(name) ?? definitions.deployment(name) ?? (isDev ? undefined : this.find(name))
    if (deployment && !isDev && deployment.kind !== 'byHand') throw failure('CERTIFICATE_IS_GIVEN', { name })
    const [label = '', version = defaultVersion] = name.split(':')
    checkChaincodeName(label)
    checkChaincodeVersion(version)
    const ccid = deployment?.ccid ?? `${label}:${version}`
    const identity = await issuer.issue(ccid, 'byHand')
    return { ccid, address: addresses().chaincode, mspId: config.peer.localMspId, ...identity }
  }

  shutdown(): Promise<void> {
    this.options.stopDaemon()
    return Promise.resolve()
  }

  /** A chaincode as it stands now. */
  private info(deployment: Deployment): ChaincodeInfo {
    const { config, definitions, directory, launcher, logsDir, addresses } = this.options
    const { ccid, name, version, kind, path } = deployment
    const status: Partial<ChaincodeStatus> = directory.status(ccid) ?? {}
    const detection = kind === 'process' && existsSync(path) ? launcher.detect(deployment) : undefined
    const command = detection?.ok ? [...detection.command] : deployment.command
    const { failure: reason, refusedIds = [] } = status
    const service = kind === 'service' ? serviceAddress(deployment) : undefined
    return {
      name,
      version,
      ccid,
      channels: definitions.channelsOf(ccid),
      state: status.state ?? 'stopped',
      runtime: kind === 'byHand' ? 'none' : kind,
      pid: status.pid ?? 0,
      incarnation: status.incarnation ?? 0,
      restarts: status.restarts ?? 0,
      inFlight: status.inFlight ?? 0,
      sinceMs: status.sinceMs ?? this.options.startedAtMs,
      path,
      command,
      reason:
        reason && reason.kind !== 'stopped'
          ? describeFailure(reason, {
              ccid,
              address: addresses().chaincode,
              command,
              refusedIds,
              isContainer: kind === 'docker',
              service,
            })
          : '',
      logFile: logFileOf(logsDir, ccid),
      mode: config.chaincode.mode,
      address: service ?? '',
      nextStartInMs: status.nextStartMs === undefined ? 0 : Math.max(1, status.nextStartMs - Date.now()),
    }
  }

  private find(name: string): Deployment {
    const { definitions } = this.options
    const found = definitions.byName(name) ?? definitions.deployment(name)
    const known = definitions.all().map((deployment) => deployment.name)
    if (!found) throw failure('CHAINCODE_UNKNOWN', { name, nearest: nearest(name, known), known })
    return found
  }

  /** Dials a service that was just defined. One that is not up yet is no failure: its id had to be known first. */
  private async dial(ccid: string, address: string, onProgress: (line: string) => void): Promise<void> {
    onProgress(`dialling ${ccid} at ${address}`)
    try {
      await this.options.directory.ensureReady(ccid)
    } catch (error) {
      if (!isFailure(error)) throw error
      onProgress(error.explain())
      onProgress(`${ccid} is defined, and dialled again until it answers`)
    }
  }

  private async stopped(ccid: string): Promise<void> {
    const stuck = await this.options.directory.stop(ccid)
    if (stuck?.kind !== 'stuck') return
    if (this.options.definitions.deployment(ccid)?.kind === 'docker') throw failure('CONTAINER_REMAINS', { ccid })
    throw failure('STILL_RUNNING', { ccid, pid: stuck.pid })
  }

  private async forget(ccid: string): Promise<void> {
    const { directory, definitions, docker } = this.options
    const isContainer = definitions.deployment(ccid)?.kind === 'docker'
    await directory.remove(ccid)
    await definitions.remove(ccid)
    if (!isContainer) return
    await docker.remove(ccid).catch((error: unknown) => {
      throw failure('CONTAINER_UNREMOVED', { ccid, detail: messageOf(error) }, error)
    })
  }
}
