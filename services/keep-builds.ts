/** The folder that keeps the results of builds. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildFailure } from './build-chaincode.js'
import { hashSources } from './hash-sources.js'
import type { BuildPlan } from './plan-build.js'

/** Results that are kept; the one that was used longest ago goes first. */
const RESULTS_KEPT = 20

/** The name that the result of a plan is kept under: a hash of all that decides about it, or where it is. */
export async function keyOf(
  { ignored, steps, version, folder, isOpen }: BuildPlan,
  env: Readonly<Record<string, string>>,
  sources: string,
): Promise<string> {
  if (isOpen) return `open-${createHash('sha256').update(folder).digest('hex')}`
  const printed = version ? await output(version, folder, env) : ''
  const settings = ['GOFLAGS', 'GOOS', 'GOARCH', 'CGO_ENABLED'].map((name) => `${name}=${env[name] ?? ''}`)
  return hashSources(sources, ignored, [JSON.stringify(steps), folder.slice(sources.length), printed, ...settings])
}

/** Whether the result `kept` is there; it counts as used now. */
export async function isKept(kept: string): Promise<boolean> {
  const now = new Date()
  return utimes(kept, now, now).then(
    () => true,
    () => false,
  )
}

/** Copies the jar that a build has left in `jars` to `chaincode.jar` in `output`; the reason where none is to choose. */
export async function chooseJar(jars: string, output: string): Promise<BuildFailure | undefined> {
  const all = (await readdir(jars).catch(() => [])).filter((name) => name.endsWith('.jar'))
  const candidates = all.filter((name) => !/^original-|-(sources|javadoc|tests|plain)\.jar$/.test(name))
  const jar =
    candidates.find((name) => name === 'chaincode.jar') ??
    candidates.find((name) => /-(all|shaded|fat|uber|jar-with-dependencies)\.jar$/.test(name)) ??
    (candidates.length === 1 ? candidates[0] : undefined)
  if (jar) {
    await copyFile(join(jars, jar), join(output, 'chaincode.jar'))
    return undefined
  }
  const found = candidates.length === 0 ? 'no jar' : `${candidates.length} jars (${candidates.join(', ')})`
  const hint = 'let the build make one jar with all that it needs, and name it chaincode.jar'
  return { ok: false, message: `the build has left ${found} in ${jars}`, hint, lastWords: [] }
}

/** Removes the results that were used longest ago, so that a bounded number is left. */
export async function forgetOldest(buildsDir: string): Promise<void> {
  const aged = await Promise.all(
    (await readdir(buildsDir)).map(async (name) => {
      // Another build may have renamed or removed it in the meantime.
      const found = await stat(join(buildsDir, name)).catch(() => undefined)
      return { name, usedMs: found?.mtimeMs ?? 0 }
    }),
  )
  const surplus = aged.sort((a, b) => b.usedMs - a.usedMs).slice(RESULTS_KEPT)
  for (const { name } of surplus) await rm(join(buildsDir, name), { recursive: true, force: true })
}

/** What a program prints; empty where it cannot be run. */
function output(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<string> {
  const [program = '', ...args] = command
  return new Promise((resolve) =>
    execFile(program, args, { cwd, env }, (error, text) => resolve(error ? '' : String(text))),
  )
}
