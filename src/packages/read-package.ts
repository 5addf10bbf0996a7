import { failure, messageOf, prefixed, isFailure } from '../errors.js'
import { checkCode } from './extract-code.js'
import { readLegacyPackage } from './legacy-package.js'
import type { PackageLimits } from './limits.js'
import { checkLabel, packageIdOf, sha256Hex } from './package-id.js'
import { contentOf, readArchive } from './read-archive.js'

/** What metadata.json says. */
export interface PackageMetadata {
  /** Where the code was packaged from; for Go the import path. */
  path: string
  /** Language or builder, as whoever packaged it wrote it: `node`, `golang`, `java`, `ccaas`, … */
  type: string
  label: string
}

/** A chaincode package, checked. */
export interface ChaincodePackage extends PackageMetadata {
  /** `lifecycle`: of Fabric 2.0 and later; the others are a ChaincodeDeploymentSpec, `legacySigned` in an envelope. */
  format: 'lifecycle' | 'legacy' | 'legacySigned'
  /** `label:hash`, and of a legacy package `name:version`: the id that its chaincode registers with. */
  packageId: string
  /** SHA-256 of the file. */
  hash: string
  /** metadata.json, byte by byte; of a legacy package as a peer makes it for external builders. */
  metadataBytes: Buffer
  /** The gzipped tar archive of the code, with the folders src and META-INF. */
  code: Buffer
  /** Files in the code. */
  files: number
  /** Bytes of these files. */
  codeBytes: number
}

/** Names of a package's two files. */
const METADATA_FILE = 'metadata.json'
const CODE_FILE = 'code.tar.gz'

/**
 * Reads a package of either lifecycle and checks all of it: nothing is unpacked to disk, and nothing may be later that
 * passes here. Rejects with one of the PACKAGE_ errors; the texts are those that a peer's install gives.
 */
export async function readPackage(file: Buffer, limits: PackageLimits): Promise<ChaincodePackage> {
  if (file.length > limits.fileBytes) throw failure('PACKAGE_TOO_LARGE', { limitBytes: limits.fileBytes })
  const found = readLegacyPackage(file) ?? (await readLifecyclePackage(file, limits))
  try {
    return { ...found, hash: sha256Hex(file), ...(await checkCode(found.code, limits)) }
  } catch (error) {
    if (isFailure(error, 'PACKAGE_NOT_GZIP') || isFailure(error, 'PACKAGE_ARCHIVE_DAMAGED'))
      throw prefixed('error retrieving DB artifacts from code package', error)
    throw error
  }
}

/** A package before its code was looked at. */
export type UncheckedPackage = Omit<ChaincodePackage, 'hash' | 'files' | 'codeBytes'>

async function readLifecyclePackage(file: Buffer, limits: PackageLimits): Promise<UncheckedPackage> {
  let metadataBytes: Buffer | undefined
  let code: Buffer | undefined
  await readArchive(file, limits, async (entry) => {
    const { name, kind, typeFlag } = entry
    if (kind !== 'file') throw failure('PACKAGE_ENTRY_IRREGULAR', { name, typeFlag })
    if (name === METADATA_FILE) metadataBytes = await contentOf(entry)
    else if (name === CODE_FILE) code = await contentOf(entry)
  })
  const metadata = metadataBytes && metadataFrom(metadataBytes)
  if (!code) throw failure('PACKAGE_CODE_MISSING', {})
  if (!metadata || !metadataBytes) throw failure('PACKAGE_METADATA_MISSING', {})
  checkLabel(metadata.label)
  return { ...metadata, format: 'lifecycle', packageId: packageIdOf(metadata.label, file), metadataBytes, code }
}

function metadataFrom(bytes: Buffer): PackageMetadata {
  try {
    const { path = '', type = '', label = '' } = (JSON.parse(bytes.toString()) ?? {}) as Record<string, unknown>
    if (typeof path !== 'string' || typeof type !== 'string' || typeof label !== 'string')
      throw new Error('path, type and label have to be texts')
    return { path, type, label }
  } catch (error) {
    throw failure('PACKAGE_METADATA_UNREADABLE', { detail: messageOf(error) }, error)
  }
}
