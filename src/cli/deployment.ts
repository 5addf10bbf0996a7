import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
import {
  checkChaincodeName,
  checkChaincodeVersion,
  checkChannelName,
  chaincodeNameFrom,
  defaultVersion,
} from '../control/names.js'
import type { ChaincodeInfo, DaemonControl, DeployRequest } from '../control/types.js'
import { failure } from '../errors.js'
import { packageReference } from '../packages/package-id.js'
import { splitCommand } from './arguments.js'
import type { CliIo } from './io.js'
import { showProgress } from './progress.js'

/** Options of `deploy`, and of `dev`, that say what to deploy. */
export interface DeployOptions {
  name?: string
  version?: string
  channel?: string
  command?: string
  label?: string
  initRequired?: boolean
  runtime?: string
  image?: string
  lang?: string
  address?: string
  ccid?: string
}

/**
 * The request to deploy what `target` names, relative to `cwd`: a folder, a package file, or the id of an installed
 * package. Without a name, the daemon makes one from the package's label. Throws what deployRequest throws.
 */
export function targetRequest(target: string, options: DeployOptions, cwd: string): DeployRequest {
  const reference = packageReference(target, cwd)
  if (isAbsolute(reference) && !isPackageFile(reference)) return deployRequest(target, options, cwd)
  if (options.name !== undefined) checkChaincodeName(options.name)
  if (options.version !== undefined) checkChaincodeVersion(options.version)
  return {
    ...commonRequest(options),
    path: '',
    name: options.name ?? '',
    version: options.version ?? '',
    package: reference,
  }
}

/**
 * The request to deploy the folder `directory`, relative to `cwd`. Without a name it is the package's, else the
 * folder's. Throws FOLDER_MISSING, ARGUMENTS_INVALID, CHAINCODE_NAME_ILLEGAL and the like.
 */
export function deployRequest(directory: string, options: DeployOptions, cwd: string): DeployRequest {
  const path = resolve(cwd, directory)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isDirectory()) {
    throw failure('FOLDER_MISSING', { path, detail: stats ? 'it is a file, not a folder' : 'there is no such folder' })
  }
  const name = options.name ?? defaultName(path)
  checkChaincodeName(name)
  const version = options.version ?? defaultVersion
  checkChaincodeVersion(version)
  return { ...commonRequest(options), path, name, version }
}

/** The request to run an image as it is, which needs a name. Throws ARGUMENTS_INVALID, CHAINCODE_NAME_ILLEGAL and the like. */
export function imageRequest(image: string, options: DeployOptions): DeployRequest {
  const { name, version = defaultVersion } = options
  if (name === undefined) {
    const detail = 'an image that is deployed without a folder needs a name'
    throw failure('ARGUMENTS_INVALID', { detail, hint: `chaincoded deploy --image ${image} --name NAME` })
  }
  checkChaincodeName(name)
  checkChaincodeVersion(version)
  return { ...commonRequest(options), path: '', name, version }
}

/** What a request to deploy says whatever is deployed. Throws CHANNEL_NAME_ILLEGAL and ARGUMENTS_INVALID. */
export function commonRequest(options: DeployOptions): Omit<DeployRequest, 'path' | 'name' | 'version'> {
  if (options.channel !== undefined) checkChannelName(options.channel)
  return {
    channel: options.channel ?? '',
    command: options.command === undefined ? [] : splitCommand(options.command),
    label: options.label ?? '',
    initRequired: options.initRequired ?? false,
    runtime: options.runtime ?? '',
    image: options.image ?? '',
    language: options.lang ?? '',
    ...(options.ccid === undefined ? {} : { ccid: options.ccid }),
  }
}

function defaultName(path: string): string {
  return chaincodeNameFrom(packageOf(path)?.name ?? '') ?? chaincodeNameFrom(basename(path)) ?? 'chaincode'
}

/** Whether a file begins like a package: as gzip, or as a message whose first field is another one. */
function isPackageFile(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false
  const head = Buffer.alloc(2)
  const handle = openSync(path, 'r')
  try {
    readSync(handle, head)
  } finally {
    closeSync(handle)
  }
  return (head[0] === 0x1f && head[1] === 0x8b) || head[0] === 0x0a
}

/** What is of interest in the folder's package.json, where it has one. */
function packageOf(path: string): { name?: string; scripts?: Record<string, string> } | undefined {
  try {
    return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { name?: string }
  } catch {
    return undefined
  }
}

/** Deploys with progress on stderr. */
export async function deployWithProgress(
  io: CliIo,
  control: DaemonControl,
  request: DeployRequest,
): Promise<ChaincodeInfo> {
  const progress = showProgress(io)
  progress.step(
    `deploying ${[request.name, `from ${request.package || request.address || request.path}`].filter(Boolean).join(' ')}`,
  )
  try {
    return await control.deploy(request, progress.step)
  } finally {
    progress.end()
  }
}

/** The shell command that starts the chaincode in `path` by hand and lets it register at `address`. */
export function commandByHand(path: string, command: readonly string[], address: string): string {
  if (command.length > 0)
    return command
      .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
      .join(' ')
  const manifest = packageOf(path)
  if (manifest?.scripts?.['start']) return `npm start -- --peer.address ${address}`
  if (manifest) return `npx fabric-chaincode-node start --peer.address ${address}`
  if (statSync(join(path, 'go.mod'), { throwIfNoEntry: false })) return `go run . -peer.address ${address}`
  return `YOUR-CHAINCODE --peer.address ${address}`
}
