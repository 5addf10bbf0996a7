import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessEvent } from '../machines/events.js'
import { chooseJar, forgetOldest, isKept, keyOf } from './keep-builds.js'
import type { BuildPlan } from './plan-build.js'
import { type RunningProcess, runProcess } from './run-process.js'

/** What a build works with. */
export interface BuildOptions {
  /** Folder of the results, which keeps them from one build to the next. */
  buildsDir: string
  /** The whole environment of the tools. */
  env: Readonly<Record<string, string>>
  /** File that their output is appended to. */
  logFile: string
  /** Called once, before the first tool is started; never where a kept result is used. */
  onBegun?: () => void
  /** Called for each line that a tool prints. */
  onLine?: (text: string) => void
}

/** Why there is nothing to start. `lastWords`: what the tool that failed printed last. */
export interface BuildFailure {
  ok: false
  message: string
  hint?: string
  lastWords: readonly string[]
}

/** How a build ended. `output`: the folder of its result; its own folder where it has none besides. */
export type BuildOutcome = { ok: true; output: string } | BuildFailure

/** A build that runs. */
export interface RunningBuild {
  /** Kills its tools; the outcome then says that it was cancelled. */
  cancel(): void
  /** Resolves when none of its tools is left. Never rejects. */
  readonly outcome: Promise<BuildOutcome>
}

/** Builds a chaincode by its plan, or takes the kept result of the same sources. */
export function buildChaincode(plan: BuildPlan, options: BuildOptions): RunningBuild {
  let isCancelled = false
  let tool: RunningProcess | undefined
  const cancelled = { ok: false as const, message: `${plan.describe} was cancelled`, lastWords: [] }

  /** Runs one tool; resolves with the reason where it fails. */
  const step = async (command: readonly [string, ...string[]], output: string) => {
    const [program, ...args] = command.map((word) => word.replaceAll('{output}', output))
    let ending: ProcessEvent | undefined
    tool = runProcess(
      { command: [program!, ...args], cwd: plan.folder, env: options.env, logFile: options.logFile },
      (event) => {
        if (event.type === 'SPAWN_FAILED' || event.type === 'EXITED') ending = event
      },
      { onLine: (_source, text) => options.onLine?.(text) },
    )
    await tool.closed
    tool = undefined
    return isCancelled ? cancelled : failureOf(command, ending)
  }

  const build = async (): Promise<BuildOutcome> => {
    const { sources, isOpen } = plan
    const kept = sources && join(options.buildsDir, await keyOf(plan, options.env, sources))
    if (kept && !isOpen && (await isKept(kept))) return { ok: true, output: kept }
    if (isCancelled) return cancelled
    options.onBegun?.()
    if (!kept) return (await runAll(plan.folder)) ?? { ok: true, output: plan.folder }

    await mkdir(options.buildsDir, { recursive: true })
    const output = await mkdtemp(join(options.buildsDir, 'new-'))
    const failed = (await runAll(output)) ?? (plan.jars ? await chooseJar(plan.jars, output) : undefined)
    if (failed) {
      await rm(output, { recursive: true, force: true })
      return failed
    }
    if (isOpen) await rm(kept, { recursive: true, force: true })
    // Another build of the same sources may have come first; its result is as good.
    await rename(output, kept).catch(() => rm(output, { recursive: true, force: true }))
    await forgetOldest(options.buildsDir)
    return { ok: true, output: kept }
  }
  const runAll = async (output: string): Promise<BuildFailure | undefined> => {
    for (const command of plan.steps) {
      const failed = isCancelled ? cancelled : await step(command, output)
      if (failed) return failed
    }
    return undefined
  }

  const failed = (error: unknown): BuildOutcome => ({
    ok: false,
    message: `${plan.describe} in ${plan.folder} could not be prepared: ${(error as Error).message}`,
    lastWords: [],
  })
  return {
    cancel() {
      isCancelled = true
      tool?.signal('SIGKILL')
    },
    outcome: build().catch(failed),
  }
}

function failureOf(command: readonly string[], ending: ProcessEvent | undefined): BuildFailure | undefined {
  const line = command.join(' ').replaceAll('{output}/', '')
  if (ending?.type === 'SPAWN_FAILED') {
    const hint = `install ${command[0]}, or put it into the PATH of the daemon; or build the chaincode elsewhere, and deploy the result`
    return { ok: false, message: `${line}: ${ending.message}`, hint, lastWords: [] }
  }
  if (ending?.type !== 'EXITED' || ending.exitCode === 0) return undefined
  const how = ending.signal === null ? `exited with ${ending.exitCode}` : `was ended by ${ending.signal}`
  return { ok: false, message: `${line} ${how}`, lastWords: ending.lastWords }
}
