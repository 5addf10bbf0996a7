import { basename, dirname, join, resolve } from 'node:path'
import { randomUUID } from 'node:crypto'
import { readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chaincodeNameFrom, defaultVersion } from '../../control/names.js'
import { failure, messageOf } from '../../errors.js'
import { packageChaincode } from '../../packages/package-chaincode.js'
import type { PackageType } from '../../packages/source-files.js'
import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'

/** Options of `package`. */
export interface PackageCommandOptions {
  /** Relative to the working directory. Default: the label with `.tar.gz` behind it, in the working directory. */
  output?: string
  label?: string
  /** As the peer CLI has it: node, golang or java, in any case. Default: by the folder's files. */
  lang?: string
}

/**
 * `chaincoded package DIR`: makes a chaincode package as `peer lifecycle chaincode package` does; needs no daemon. The
 * package's path is DIR as it was typed, as the peer CLI has it for `--path`.
 */
export function packageCommand(
  { io, json }: Context,
  directory: string,
  options: PackageCommandOptions,
): Promise<number> {
  const folder = resolve(io.cwd, directory)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw failure('PACKAGE_FOLDER_UNREADABLE', { path: folder, detail: 'there is no such folder' })
  const type = options.lang ?? languageOf(folder)
  const label = options.label ?? `${nameOf(folder)}_${defaultVersion}`
  const { packageId, file, files } = packageChaincode(folder, { label, type, path: directory })
  const output = resolve(io.cwd, options.output ?? `${label}.tar.gz`)
  writeWhole(output, file)
  print(io, json ? JSON.stringify({ packageId, label, type, file: output, sizeBytes: file.length, files }) : packageId)
  return Promise.resolve(exitCodes.done)
}

const languageFiles: [RegExp, PackageType][] = [
  [/^package\.json$/, 'node'],
  [/^go\.mod$|\.go$/, 'golang'],
  [/^pom\.xml$|^build\.gradle(\.kts)?$/, 'java'],
]

function languageOf(folder: string): PackageType {
  const names = readdirSync(folder)
  const [, type] = languageFiles.find(([pattern]) => names.some((name) => pattern.test(name))) ?? []
  if (!type) throw failure('PACKAGE_LANGUAGE_UNDETECTED', { path: folder })
  return type
}

function nameOf(folder: string): string {
  let manifest: { name?: unknown } = {}
  try {
    manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as typeof manifest
  } catch {
    // Then the folder has to do.
  }
  return (
    chaincodeNameFrom(typeof manifest.name === 'string' ? manifest.name : '') ??
    chaincodeNameFrom(basename(folder)) ??
    'chaincode'
  )
}

/** Writes a file so that whoever looks finds the old or the new one whole. */
function writeWhole(file: string, content: Buffer): void {
  const incoming = join(dirname(file), `.${basename(file)}.${randomUUID()}`)
  try {
    writeFileSync(incoming, content)
    renameSync(incoming, file)
  } catch (error) {
    rmSync(incoming, { force: true })
    throw failure('DATA_FILE_UNWRITABLE', { file, detail: messageOf(error) }, error)
  }
}
