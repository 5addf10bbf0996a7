import { join } from 'node:path'
import type { ProcessEvent, ProcessSpec } from '../machines/index.js'
import type { TlsVariables } from '../services/identity-files.js'
import { composeEnvironment } from '../services/compose-environment.js'
import { OWNER_VARIABLE } from '../services/reap-leftovers.js'
import { detectChaincode } from '../services/detect-chaincode.js'
import type { Detection } from '../services/detection.js'
import { type RunningProcess, runProcess } from '../services/run-process.js'
import type { Config } from './config.js'
import type { Deployment } from './definitions.js'
import { messageOf } from './errors.js'
import type { LaunchIdentities } from './launch-identities.js'

/** What a launcher works with. */
export interface LauncherOptions {
  config: Config
  logsDir: string
  /** Marks the processes, so that the next daemon finds them when this one is killed. */
  ownerMark: string
  /** `host:port` that chaincodes are told. */
  address: () => string
  deployment: (ccid: string) => Deployment | undefined
  identities: Pick<LaunchIdentities, 'areUsed' | 'give' | 'takeBack'>
}

/** The file that keeps the output of a chaincode. */
export const logFileOf = (logsDir: string, ccid: string): string =>
  join(logsDir, `${ccid.replace(/[^A-Za-z0-9._-]/g, '-')}.log`)

/** Starts the processes of chaincodes, and knows those that live. */
export class Launcher {
  private readonly living = new Map<RunningProcess, string>()
  /** Nothing is started any more. */
  private isOver = false
  /** Where the last build of a chaincode has put its result. */
  private readonly outputs = new Map<string, string>()

  constructor(private readonly options: LauncherOptions) {}

  /** How a deployed chaincode is started, from its folder as it is now. */
  detect(deployment: Pick<Deployment, 'path' | 'command'> & { ccid?: string }): Detection {
    const { path, command, ccid = '' } = deployment
    const found = detectChaincode(path, {
      address: this.options.address(),
      ...(command.length > 0 ? { command } : {}),
    })
    const output = this.outputs.get(ccid)
    if (!found.ok || !found.build?.sources || output === undefined) return found
    const [program, ...args] = found.command.map((word) => word.replaceAll('{output}', output))
    return { ...found, command: [program!, ...args] }
  }

  /** How the chaincode of an id is started; undefined where it is not deployed. */
  detectFor(ccid: string): Detection | undefined {
    const deployment = this.options.deployment(ccid)
    return deployment && this.detect(deployment)
  }

  /** It is built; the result, where it has a folder of its own, is in `output`. */
  built(ccid: string, output: string): void {
    this.outputs.set(ccid, output)
  }

  /** The environment of a chaincode process, also of one that a developer starts by hand. */
  environment(
    ccid: string,
    base: Readonly<Record<string, string | undefined>>,
    tls?: TlsVariables,
  ): Record<string, string> {
    const { config, address } = this.options
    const { level, shim, format } = config.chaincode.logging
    return composeEnvironment({
      ccid,
      address: address(),
      mspId: config.peer.localMspId,
      logLevel: level,
      shimLogLevel: shim,
      logFormat: format,
      tls,
      base,
    })
  }

  /** Starts the process of a chaincode; what becomes of it is told to `notify`. Its identity lasts as long as it does. */
  start(ccid: string, incarnation: number, notify: (event: ProcessEvent) => void): Pick<RunningProcess, 'signal'> {
    const { identities } = this.options
    if (!identities.areUsed) return this.spawn(ccid, undefined, notify)
    const takeBack = (event: ProcessEvent) => {
      if (event.type === 'GROUP_GONE' || event.type === 'SPAWN_FAILED') identities.takeBack(ccid, incarnation)
      notify(event)
    }
    let running: Pick<RunningProcess, 'signal'> | undefined
    let isCancelled = false
    identities.give(ccid, incarnation).then(
      (tls) => {
        if (isCancelled || this.isOver) identities.takeBack(ccid, incarnation)
        else running = this.spawn(ccid, tls, takeBack)
      },
      (error: unknown) => {
        const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException
        takeBack({ type: 'SPAWN_FAILED', errno: code, message: `its certificate cannot be made: ${messageOf(error)}` })
      },
    )
    return { signal: (signal) => (running ? running.signal(signal) : (isCancelled = true)) }
  }

  private spawn(
    ccid: string,
    tls: TlsVariables | undefined,
    notify: (event: ProcessEvent) => void,
  ): Pick<RunningProcess, 'signal'> {
    const spec = this.specOf(ccid, tls)
    if ('problem' in spec) {
      setImmediate(notify, { type: 'SPAWN_FAILED', errno: spec.kind, message: spec.problem })
      return { signal: () => undefined }
    }
    const { logLinesKept } = this.options.config.chaincoded.limits
    const running = runProcess(spec, notify, { bufferedLines: logLinesKept })
    this.living.set(running, ccid)
    void running.closed.then(() => this.living.delete(running))
    return running
  }

  /** How many lines the process of a chaincode has written, as far as they are kept; 0 where none runs. */
  linesOf(ccid: string): number {
    for (const [running, owner] of this.living) if (owner === ccid) return running.recentLines().length
    return 0
  }

  /** Kills every process group that is left; resolves when they are gone, or after `timeoutMs`. */
  async killAll(timeoutMs: number): Promise<void> {
    this.kill()
    if (this.living.size === 0) return
    const timeout = new AbortController()
    const waited = new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      timeout.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    await Promise.race([Promise.all([...this.living.keys()].map((running) => running.closed)), waited])
    timeout.abort()
  }

  /** Sends SIGKILL to every process group that is left. */
  kill(): void {
    this.isOver = true
    for (const running of this.living.keys()) running.signal('SIGKILL')
  }

  private specOf(ccid: string, tls: TlsVariables | undefined): ProcessSpec | { kind: string; problem: string } {
    const detection = this.detectFor(ccid)
    if (!detection) return { kind: 'NOT_FOUND', problem: `${ccid} is not deployed` }
    if (!detection.ok) return { kind: detection.kind, problem: `${detection.message}; ${detection.hint}` }
    return {
      command: detection.command,
      cwd: detection.cwd,
      env: { ...this.environment(ccid, process.env, tls), [OWNER_VARIABLE]: this.options.ownerMark },
      logFile: logFileOf(this.options.logsDir, ccid),
    }
  }
}
