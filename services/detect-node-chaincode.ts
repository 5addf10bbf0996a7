import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import {
  OR_COMMAND,
  undetected,
  type DetectedChaincode,
  type Detection,
  type UndetectedChaincode,
} from './detection.js'
import { isOfNpm, planNode } from './plan-build.js'

const LIBRARIES = ['fabric-shim', 'fabric-contract-api']

/** Words that a shell leaves as they are. */
const PLAIN_WORDS = '(?: [\\w.,:@/=+-]+)*'
const PLAIN_SHIM_START = new RegExp(`^(?:set -\\w+ && )?(?:npx )?fabric-chaincode-node start(${PLAIN_WORDS})$`)
const PLAIN_NODE_START = new RegExp(`^(?:set -\\w+ && )?node(${PLAIN_WORDS})$`)

/** The parts of a package.json that matter here. */
interface Manifest {
  main?: unknown
  scripts?: Record<string, unknown>
  dependencies?: Record<string, unknown>
  peerDependencies?: Record<string, unknown>
  optionalDependencies?: Record<string, unknown>
}

/**
 * Finds out how the Node package in `folder` is started, if it depends on one of Fabric's libraries; `undefined` if it
 * does not, or is none. A start script that is nothing but Fabric's command line or `node` is started without npm, which
 * would only add its own start-up time; any other one by npm. What npm has to install or to build is planned; `isChanged`:
 * its own build script has to be run again.
 */
export function detectNodeChaincode(folder: string, address: string, isChanged: boolean): Detection | undefined {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  const manifest = readManifest(file)
  if (typeof manifest === 'string') return undetected('BAD_PACKAGE', `${file}: ${manifest}`, 'correct the file')

  const dependencies = { ...manifest.optionalDependencies, ...manifest.peerDependencies, ...manifest.dependencies }
  const needed = LIBRARIES.filter((name) => name in dependencies)
  if (needed.length === 0) return undefined
  const scripts = manifest.scripts ?? {}
  if (typeof scripts['start'] !== 'string')
    return undetected(
      'BAD_PACKAGE',
      `${file} has no start script`,
      `add "scripts": { "start": "fabric-chaincode-node start" }, ${OR_COMMAND}`,
    )
  const missing = needed.find((name) => !findPackage(folder, name))
  if (missing && !isOfNpm(folder))
    return undetected(
      'NOT_INSTALLED',
      `${folder} needs ${missing}, which is not installed`,
      'install its packages with the package manager whose lock file it has',
    )
  const start = scripts['start'].trim().replace(/\s+/g, ' ')
  const found = (command: [string, ...string[]]): DetectedChaincode => ({
    ok: true,
    language: 'node',
    command: [...command, '--peer.address', address],
    cwd: folder,
    describe: `Node package (${start})`,
  })
  const isPlainShim = PLAIN_SHIM_START.exec(start)?.[1] === ''
  const unusable = isPlainShim ? findUnusableMain(folder, file, manifest) : undefined
  const hasBuild = typeof scripts['build'] === 'string'
  const build = planNode(folder, missing !== undefined, hasBuild && (isChanged || unusable?.kind === 'NOT_BUILT'))
  // Only what the build leaves tells how it is started best; what is said here is for people.
  if (build) return { ...found(['npm', 'start', '--']), build }
  if ('prestart' in scripts || 'poststart' in scripts) return found(['npm', 'start', '--'])

  const shimArguments = PLAIN_SHIM_START.exec(start)?.[1]
  if (shimArguments !== undefined) {
    const shim = findPackage(folder, 'fabric-shim')
    if (!shim)
      return undetected(
        'NOT_INSTALLED',
        `the start script of ${file} needs fabric-shim, which is not installed`,
        `run npm install fabric-shim in ${folder}`,
      )
    return unusable ?? found([process.execPath, findCommandLine(shim), 'start', ...words(shimArguments)])
  }
  const nodeArguments = PLAIN_NODE_START.exec(start)?.[1]
  return nodeArguments ? found([process.execPath, ...words(nodeArguments)]) : found(['npm', 'start', '--'])
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

/** The manifest, or what is wrong with it. */
function readManifest(file: string): Manifest | string {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? value : 'holds no object'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The folder of package `name` as Node resolves it from `folder`: the nearest node_modules upward that has it. */
function findPackage(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (at === dirname(at)) return undefined
  }
}

/** The program behind `fabric-chaincode-node`. */
function findCommandLine(shim: string): string {
  const { bin } = JSON.parse(readFileSync(join(shim, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  return join(shim, bin['fabric-chaincode-node'] ?? 'cli.js')
}

/** Why Fabric's command line could not load the package: it takes the contracts from `main`. */
function findUnusableMain(folder: string, file: string, { main, scripts }: Manifest): UndetectedChaincode | undefined {
  if (typeof main !== 'string')
    return undetected('BAD_PACKAGE', `${file} has no "main"`, 'let it name the file that exports the contracts')
  try {
    createRequire(file).resolve(resolve(folder, main))
    return undefined
  } catch {
    const hint = scripts?.['build'] ? `run npm run build in ${folder}` : `correct "main" in ${file}`
    return undetected('NOT_BUILT', `${join(folder, main)}, the main file of the package, does not exist`, hint)
  }
}
