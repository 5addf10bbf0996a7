import { join } from 'node:path'
import type { BuildEvent } from '../machines/index.js'
import { type BuildOutcome, type RunningBuild, buildChaincode } from '../services/build-chaincode.js'
import { inherited } from '../services/compose-environment.js'
import type { Detection } from '../services/detection.js'
import { OWNER_VARIABLE } from '../services/reap-leftovers.js'
import { type Launcher, logFileOf } from './launcher.js'

/** What a builder works with. */
export interface BuilderOptions {
  launcher: Launcher
  /** The data folder: results are kept in its `builds`, output beside that of the chaincodes. */
  folder: { path: string; logsDir: string }
  /** Marks the tools, so that the next daemon finds them when this one is killed. */
  ownerMark: string
}

/** Builds chaincodes before they are started, and tells who listens how far it is. */
export class ChaincodeBuilder {
  private readonly running = new Set<RunningBuild>()
  private readonly listeners = new Map<string, Set<(line: string) => void>>()

  constructor(private readonly options: BuilderOptions) {}

  /** Builds what a chaincode is started from, where it has to be; what becomes of it is told to `notify`. */
  build(ccid: string, notify: (event: BuildEvent) => void): Pick<RunningBuild, 'cancel'> {
    const { launcher, folder, ownerMark } = this.options
    const found = launcher.detectFor(ccid)
    const plan = found?.ok ? found.build : undefined
    if (!plan) {
      setImmediate(notify, { type: 'BUILT' })
      return { cancel: () => undefined }
    }
    const running = buildChaincode(plan, {
      buildsDir: join(folder.path, 'builds'),
      env: { ...inherited(process.env), [OWNER_VARIABLE]: ownerMark },
      logFile: logFileOf(folder.logsDir, ccid),
      onBegun: () => {
        notify({ type: 'BUILD_BEGUN' })
        this.tell(ccid, `building ${ccid}: ${plan.describe}`)
      },
      onLine: (line) => this.tell(ccid, line),
    })
    this.running.add(running)
    void running.outcome.then((outcome) => {
      this.running.delete(running)
      notify(this.settle(ccid, outcome))
    })
    return running
  }

  /** Kills the tools of every build that runs. */
  kill(): void {
    for (const running of this.running) running.cancel()
  }

  /** Calls `listener` with each line about builds of a chaincode; the returned function ends that. */
  onProgress(ccid: string, listener: (line: string) => void): () => void {
    const listeners = this.listeners.get(ccid) ?? new Set()
    this.listeners.set(ccid, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.listeners.delete(ccid)
    }
  }

  private tell(ccid: string, line: string): void {
    for (const listener of this.listeners.get(ccid) ?? []) listener(line)
  }

  private settle(ccid: string, outcome: BuildOutcome): BuildEvent {
    if (!outcome.ok) {
      const { message, hint, lastWords } = outcome
      return { type: 'BUILD_FAILED', message, lastWords, ...(hint === undefined ? {} : { hint }) }
    }
    const { launcher } = this.options
    launcher.built(ccid, outcome.output)
    const now = launcher.detectFor(ccid)
    return unfinished(now) ?? { type: 'BUILT' }
  }
}

/** The failure of a build that has ended well and yet left its own folder as it was. */
function unfinished(now: Detection | undefined): BuildEvent | undefined {
  if (!now?.ok || !now.build || now.build.sources !== undefined) return undefined
  const { describe, folder } = now.build
  const message = `${folder} still needs ${describe} after it was built`
  return {
    type: 'BUILD_FAILED',
    message,
    hint: 'let its build make what "main" in its package.json names',
    lastWords: [],
  }
}
