import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** How a chaincode is built: programs, one after the other, none with a shell. */
export interface BuildPlan {
  /** A few words for people: `go build`. */
  describe: string
  /** The folder that the programs run in. */
  folder: string
  /** `{output}` in them becomes the folder for the result. */
  steps: readonly (readonly [string, ...string[]])[]
  /**
   * Folder whose files decide about the result, which is then kept by their hash. Without it the build changes its own
   * folder, and is planned only where it is needed.
   */
  sources?: string
  /** Names of folders in it that are results themselves. */
  ignored: readonly string[]
  /** A program that prints its version, which decides about the result too. */
  version?: readonly [string, ...string[]]
  /** Folder in which the build leaves a jar that is to be kept as `chaincode.jar`. */
  jars?: string
  /** What reads files outside of `sources` cannot be kept by their hash: the tool itself decides what is to be done. */
  isOpen?: boolean
}

/** Folders that no build reads. */
const NO_SOURCES = ['.git', 'node_modules']

/** How the Go package in `folder` is built; undefined where no module has it. */
export function planGo(folder: string): BuildPlan | undefined {
  const sources = moduleOf(folder)
  if (!sources) return undefined
  const module = readFileSync(join(sources, 'go.mod'), 'utf8')
  const readsOutside = /=>\s*(\.{1,2}\/|\/)/.test(module) || moduleOf(folder, 'go.work') !== undefined
  return {
    describe: 'go build',
    folder,
    steps: [['go', 'build', '-o', '{output}/chaincode', '.']],
    sources,
    ignored: NO_SOURCES,
    version: ['go', 'version'],
    isOpen: readsOutside,
  }
}

/** How the Java project in `folder` is built; undefined where it is none. */
export function planJava(folder: string): BuildPlan | undefined {
  const has = (name: string) => existsSync(join(folder, name))
  const common = { folder, sources: folder, ignored: [...NO_SOURCES, 'target', 'build', '.gradle'] }
  if (has('pom.xml')) {
    const maven = has('mvnw') ? './mvnw' : 'mvn'
    return {
      ...common,
      describe: `${maven} package`,
      steps: [[maven, '-q', '-B', '-DskipTests', 'package']],
      jars: join(folder, 'target'),
    }
  }
  if (!has('build.gradle') && !has('build.gradle.kts')) return undefined
  const gradle = has('gradlew') ? './gradlew' : 'gradle'
  const text = readFileSync(join(folder, has('build.gradle') ? 'build.gradle' : 'build.gradle.kts'), 'utf8')
  // A plain jar lacks the shim, so whoever packs everything into one jar uses this plugin.
  const tasks = /shadow/i.test(text) ? ['build', 'shadowJar'] : ['build']
  return {
    ...common,
    describe: `${gradle} ${tasks.join(' ')}`,
    steps: [[gradle, '--quiet', '--console=plain', ...tasks, '-x', 'test']],
    jars: join(folder, 'build', 'libs'),
  }
}

/**
 * What has to be done before the Node package in `folder` can be started: packages installed that are missing or other
 * ones than the lock file names, and its own build script run. undefined where nothing has to.
 */
export function planNode(folder: string, isMissing: boolean, isUnbuilt: boolean): BuildPlan | undefined {
  const steps: [string, ...string[]][] = []
  const hasLock = ['package-lock.json', 'npm-shrinkwrap.json'].some((name) => existsSync(join(folder, name)))
  const quiet = ['--no-audit', '--no-fund']
  if (hasLock && (isMissing || !isInStep(folder))) steps.push(['npm', 'ci', ...quiet])
  else if (isMissing) steps.push(['npm', 'install', ...quiet])
  if (isUnbuilt) steps.push(['npm', 'run', 'build'])
  if (steps.length === 0) return undefined
  const describe = steps.map((step) => step.filter((word) => !word.startsWith('--')).join(' ')).join(', ')
  return { describe, folder, steps, ignored: NO_SOURCES }
}

/** Whether the package manager of the folder is npm: another one left its own lock file. */
export const isOfNpm = (folder: string): boolean =>
  !['yarn.lock', 'pnpm-lock.yaml', 'bun.lockb', 'bun.lock'].some((name) => existsSync(join(folder, name)))

/** The nearest folder upward that holds a Go module, or a file of another name. */
function moduleOf(folder: string, name = 'go.mod'): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return at
    if (at === dirname(at)) return undefined
  }
}

interface Lock {
  packages?: Record<string, { version?: string; dev?: boolean; optional?: boolean; peer?: boolean; link?: boolean }>
}

/** Whether what npm has installed is what the lock file names. Folders that npm did not fill are left alone. */
function isInStep(folder: string): boolean {
  const modules = join(folder, 'node_modules')
  const lockFile = join(folder, 'package-lock.json')
  const installedFile = join(modules, '.package-lock.json')
  if (!existsSync(lockFile)) return true
  const own = lstatSync(modules, { throwIfNoEntry: false })
  if (!own?.isDirectory()) return true
  const installed = statSync(installedFile, { throwIfNoEntry: false })
  // npm writes this file last: without it the installation was cut short.
  if (!installed) return false
  if (installed.mtimeMs >= statSync(lockFile).mtimeMs) return true
  const read = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as Lock).packages ?? {}
  const there = read(installedFile)
  return Object.entries(read(lockFile)).every(
    ([path, wanted]) =>
      path === '' ||
      wanted.link ||
      ((wanted.dev || wanted.optional || wanted.peer) && !there[path]) ||
      there[path]?.version === wanted.version,
  )
}
