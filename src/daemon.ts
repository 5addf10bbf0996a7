import { randomInt } from 'node:crypto'
import { type ActorRefFrom, createActor, fromPromise } from 'xstate'
import {
  type ChaincodeInput,
  daemonMachine,
  shardMachine,
  streamMachine,
  supervisorMachine,
} from '../machines/index.js'
import { ChaincodeDirectory, type StateChange } from './chaincode-directory.js'
import { ChaincodeBuilder } from './builder.js'
import { acceptChaincodeStreams } from './chaincode-streams.js'
import { ChaincodeSupport } from './chaincode-support.js'
import { chaincodeEndpoint } from './config.js'
import { Control } from './daemon-control.js'
import { DaemonParts, definitionsFile } from './daemon-parts.js'
import { version } from './cli/version.js'
import type { DaemonOptions, DaemonStatus, RunningDaemon } from './control/types.js'
import { openDataFolder } from './data-folder.js'
import { Definitions, type Deployment } from './definitions.js'
import { failure } from './errors.js'
import { ownerMark } from '../services/reap-leftovers.js'
import type { LedgerProvider } from './ledger/types.js'
import { DockerLauncher } from './docker-launcher.js'
import { LaunchIdentities } from './launch-identities.js'
import { Launcher, logFileOf } from './launcher.js'
import { PackageControl } from './packages/package-control.js'
import type { PackageStore } from './packages/store.js'
import type { ChaincodeExecutor } from './protocol/types.js'
import { type RegistrationGuard, certificateGuard, dialledOnly, processGuard } from './registration-guard.js'
import { provideRuntimes } from './runtimes.js'
import { ServiceDialler, serviceAddress } from './service-dialler.js'

/** A running daemon with the parts that the library and the bench reach into. */
export interface Daemon extends RunningDaemon {
  readonly parts: DaemonParts
  readonly executor: ChaincodeExecutor
  readonly directory: ChaincodeDirectory
  /** Calls `listener` at each change of a chaincode's state; the returned function ends that. */
  subscribe(listener: (change: StateChange) => void): () => void
}

/** Time that running transactions have to end when the daemon stops, ms; chaincodes then get the rest. */
const QUIESCE_MS = 1000

/**
 * Starts a daemon, and resolves when it serves. The only place, with `runtimes.ts`, where services are given to the statecharts.
 * Rejects with a ChaincodedError, with nothing left running.
 */
export async function createDaemon({ config, log }: DaemonOptions): Promise<Daemon> {
  const { chaincode, chaincoded } = config
  const folder = openDataFolder(chaincoded.dataDir, version)
  const definitions = new Definitions(definitionsFile(folder))
  const mark = ownerMark(folder.path)
  const startedAtMs = Date.now()
  const isDev = chaincode.mode === 'dev'

  const endpoint = () => chaincodeEndpoint(config, parts.listener?.port).address
  const launcher = new Launcher({
    config,
    logsDir: folder.logsDir,
    ownerMark: mark,
    address: endpoint,
    deployment: (ccid) => definitions.deployment(ccid),
    identities: new LaunchIdentities(folder.tlsDir, () => parts.certificates),
  })
  const docker = new DockerLauncher({
    config: config.docker,
    owner: mark,
    logFileOf: (ccid) => logFileOf(folder.logsDir, ccid),
    logLinesKept: chaincoded.limits.logLinesKept,
    address: endpoint,
    environment: (ccid) => launcher.environment(ccid, {}),
    files: () => [],
    deployment: (ccid) => definitions.deployment(ccid),
  })
  const usesDocker = () => definitions.all().some(({ kind }) => kind === 'docker')
  const builder = new ChaincodeBuilder({ launcher, folder, ownerMark: mark })
  const ledgers = (): LedgerProvider => {
    if (!parts.ledgers) throw new Error('the ledger is not open')
    return parts.ledgers
  }

  const settings: Omit<ChaincodeInput, 'ccid' | 'kind'> = {
    runtime: { termGraceMs: chaincoded.termGraceMs, killGraceMs: chaincoded.killGraceMs },
    buildTimeoutMs: chaincoded.buildTimeoutMs,
    startupTimeoutMs: chaincode.startupTimeoutMs,
    whenStarting: chaincode.whenStarting,
    waitingCallersLimit: chaincoded.limits.waitingCallers,
    restart: chaincoded.restart,
    restartIntensity: 5,
    restartPeriodMs: 60_000,
    backoffMs: 500,
    backoffLimitMs: 30_000,
    jitter: { share: 0.5, seed: randomInt(2 ** 32) },
  }
  const chaincodeInput = ({ ccid, kind }: Deployment): ChaincodeInput => ({ ...settings, ccid, kind })
  const awaitedIds = () =>
    definitions
      .all()
      .filter(({ kind }) => kind !== 'service')
      .map(({ ccid }) => ccid)
      .filter((ccid) => !directory.readyStream(ccid))

  const runtimes = provideRuntimes({ launcher, builder, docker, dialler: () => dialler })
  const shard = shardMachine.provide({ actors: { chaincode: runtimes } })
  const supervisorLogic = supervisorMachine.provide({
    actors: { shard },
    guards: {
      isAwaited: ({ event }) => 'ccid' in event && parseCcid(event.ccid) !== undefined && awaitedIds().length === 0,
    },
  })
  const kill = () => {
    builder.kill()
    launcher.kill()
  }
  const quiesceMs = Math.min(QUIESCE_MS, chaincoded.shutdownTimeoutMs / 2)
  const machine = daemonMachine.provide({
    actors: {
      supervisor: supervisorLogic,
      // The parts need the supervisor, which starts together with this; they come one turn later.
      open: fromPromise(() => Promise.resolve().then(() => parts.open())),
      quiesce: fromPromise(() => parts.quiesce(quiesceMs)),
      close: fromPromise(async () => {
        const unstopped = directory.ccids().filter((ccid) => (directory.status(ccid)?.pid ?? 0) !== 0)
        if (unstopped.length > 0) log.warn({ unstopped }, 'chaincodes that did not stop in time are killed')
        builder.kill()
        await launcher.killAll(chaincoded.killGraceMs)
        if (usesDocker()) await removeContainers('containers that did not stop in time are removed')
        await parts.close()
      }),
    },
  })
  /** What cannot be removed now, the next start removes. */
  const removeContainers = async (why: string): Promise<void> => {
    try {
      const removed = await docker.removeAll()
      if (removed.length > 0) log.warn({ removed }, why)
    } catch (error) {
      log.warn({ err: error }, 'containers may be left: the engine does not answer')
    }
  }
  const root = createActor(machine, {
    input: {
      supervisor: {
        acceptsUnsolicited: isDev,
        chaincodesLimit: chaincoded.limits.chaincodes,
        byHand: settings,
      },
      shutdownTimeoutMs: chaincoded.shutdownTimeoutMs,
    },
  })
  const serving = settleable()
  const closed = settleable()
  closed.promise.catch(() => undefined)
  root.subscribe({
    next: (snapshot) => {
      if (snapshot.matches('serving')) serving.resolve()
    },
    complete: () => {
      const { error } = root.getSnapshot().context
      serving.reject(error ?? failure('CALL_CANCELLED', {}))
      if (error === undefined) closed.resolve()
      else closed.reject(error as Error)
    },
    error: (error) => {
      kill()
      serving.reject(error as Error)
      closed.reject(error as Error)
    },
  })
  root.start()
  const supervisor = root.system.get('supervisor') as ActorRefFrom<typeof supervisorMachine>

  const directory: ChaincodeDirectory = new ChaincodeDirectory(supervisor, {
    now: Date.now,
    factsOf: (ccid) => {
      const deployment = definitions.deployment(ccid)
      const detection = deployment?.kind === 'process' ? launcher.detect(deployment) : undefined
      return {
        ccid,
        address: endpoint(),
        command: detection?.ok ? detection.command : [],
        folder: detection?.ok ? detection.cwd : undefined,
        refusedIds: directory.status(ccid)?.refusedIds ?? [],
        isContainer: deployment?.kind === 'docker',
        ...(deployment?.kind === 'service' ? { service: serviceAddress(deployment) } : {}),
      }
    },
  })
  const support = new ChaincodeSupport(definitions, directory, ledgers)
  const accept = acceptChaincodeStreams({
    config,
    machine: streamMachine,
    supervisor,
    directory,
    request: {
      limits: { totalQueryLimit: config.ledger.totalQueryLimit, openIterators: chaincoded.limits.openIterators },
      historyEnabled: config.ledger.historyEnabled,
      invokeChaincode: (caller, spec) => support.invokeChaincode(caller, spec),
    },
    clock: { setTimeout: (fn, ms) => setTimeout(fn, ms), clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout) },
    log,
    awaitedIds,
  })
  /** Pid of a process whose REGISTER is awaited; a chaincode in any other state decides by itself. */
  const awaitedPid = (ccid: string): number => {
    const status = directory.status(ccid)
    return status?.kind === 'process' && status.state === 'awaitingRegister' ? status.pid : 0
  }
  const isService = (ccid: string) => definitions.deployment(ccid)?.kind === 'service'
  const guard = (): RegistrationGuard | undefined => {
    if (parts.certificates) return certificateGuard(parts.certificates, log)
    if (chaincoded.registration === 'any') return undefined
    return processGuard({ pidOf: awaitedPid, listenerPort: () => parts.listener?.port ?? 0, log })
  }
  const dialler = new ServiceDialler({
    maxMessageBytes: chaincoded.limits.messageBytes,
    deployment: (ccid) => definitions.deployment(ccid),
    accept: (ccid) => (transport) => accept(transport, ccid),
  })
  const state = (): DaemonStatus['state'] => {
    const snapshot = root.getSnapshot()
    if (snapshot.matches('starting')) return 'starting'
    if (snapshot.matches('serving')) return 'serving'
    return snapshot.matches('stopped') ? 'stopped' : 'draining'
  }
  const addresses = () => ({ gateway: parts.gatewayAddress, chaincode: endpoint() })
  const stopDaemon = () => root.send({ type: 'STOP' })
  const control = new Control({
    config,
    logsDir: folder.logsDir,
    definitions,
    directory,
    launcher,
    docker,
    builder,
    ledgers: () => parts.ledgers,
    certificates: () => parts.certificates,
    addresses,
    state,
    startedAtMs,
    chaincodeInput,
    packages: () => new PackageControl(parts.packages as PackageStore, () => definitions.all()),
    stopDaemon,
  })
  const parts: DaemonParts = new DaemonParts({
    config,
    folder,
    ownerMark: mark,
    log,
    executor: support,
    accept: (transport) => accept(transport, undefined, dialledOnly(isService, guard())),
    control,
    isServing: () => root.getSnapshot().matches('serving'),
    reapContainers: async () => {
      if (usesDocker()) await removeContainers('containers that a killed daemon had left are removed')
    },
  })

  supervisor.on('CHAINCODE_REMOVED', ({ ccid }) => parts.certificates?.revoke(ccid, 'byHand'))
  supervisor.on('CHAINCODE_ADDED', ({ ccid, kind }) => {
    const named = parseCcid(ccid)
    if (kind !== 'byHand' || definitions.deployment(ccid) || !named) return
    const deployment: Deployment = { ...named, ccid, kind, path: '', command: [] }
    definitions
      .define(deployment, { channelId: chaincoded.defaultChannel, initRequired: false })
      .catch((error: unknown) => log.error({ err: error }, `the definition of ${ccid} could not be kept`))
  })
  for (const deployment of definitions.all()) {
    // Which mode a daemon runs in decides who starts a chaincode, whoever did when it was deployed.
    const kind = isDev ? 'byHand' : deployment.path === '' ? 'byHand' : 'process'
    const isKept = deployment.kind === 'service' || (deployment.kind === 'docker' && !isDev)
    directory.add(chaincodeInput(isKept ? deployment : { ...deployment, kind }))
  }
  directory.subscribe(({ ccid, from, to, incarnation, failure: reason }) => {
    // Every burst of transactions goes from ready to running and back; that is no news.
    const level = to === 'running' || from === 'running' ? 'debug' : 'info'
    log[level]({ ccid, from, incarnation, ...(reason ? { reason } : {}) }, `${ccid} ${to}`)
  })

  await serving.promise
  const daemon: Daemon = {
    status: () => control.status(),
    list: () => control.list(),
    deploy: (request, onProgress) => control.deploy(request, onProgress),
    stop: (name) => control.stop(name),
    restart: (name) => control.restart(name),
    remove: (name) => control.remove(name),
    logs: (name, options) => control.logs(name, options),
    install: (file) => control.install(file),
    packages: () => control.packages(),
    uninstall: (packageId) => control.uninstall(packageId),
    issueCertificate: (name) => control.issueCertificate(name),
    shutdown: () => control.shutdown(),
    subscribe: (listener) => directory.subscribe(listener),
    get addresses() {
      return addresses()
    },
    closed: closed.promise,
    close: () => {
      stopDaemon()
      return closed.promise
    },
    kill,
    parts,
    executor: support,
    directory,
  }
  return daemon
}

/** A promise that is settled from outside. */
function settleable() {
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

/** Name and version of a chaincode id of the form `name:version`; undefined for any other form. */
function parseCcid(ccid: string): { name: string; version: string } | undefined {
  const match = /^([a-zA-Z0-9]+(?:[-_][a-zA-Z0-9]+)*):([A-Za-z0-9_.+-]+)$/.exec(ccid)
  return match ? { name: match[1] as string, version: match[2] as string } : undefined
}
