import { readFileSync, statSync } from 'node:fs'
import { failure, messageOf } from '../errors.js'
import { goJson } from './go-json.js'
import { Gzip } from './archive/gzip.js'
import { checkLabel, packageIdOf } from './package-id.js'
import { type PackageType, type Sources, packageTypes, sourcesOf } from './source-files.js'
import { TarWriter } from './archive/tar-writer.js'

/** How a folder is packaged. */
export interface PackageOptions {
  label: string
  /** As it goes into metadata.json; case does not matter otherwise. */
  type: string
  /** The path that metadata.json gives for Node and Java, which the id depends on. Default: the folder as it was named. */
  path?: string
}

/** A package that was made. */
export interface MadePackage {
  packageId: string
  /** The package file. */
  file: Buffer
  /** Files of the code. */
  files: number
}

/** With the bit of a regular file, as the peer CLI writes it. */
const FILE_MODE = 0o100644
const FOLDER_MODE = 0o040755
/** The user and group that the peer CLI gives all source files. */
const OWNER_ID = 500

/**
 * Packages the chaincode in `folder` as `peer lifecycle chaincode package` does: the same folder, label, type and path
 * give the same bytes, and so the same package id, whatever the times, owners and permissions of the files. Throws
 * PACKAGE_LABEL_ILLEGAL, PACKAGE_TYPE_UNKNOWN and what `sourcesOf` throws.
 */
export function packageChaincode(folder: string, { label, type, path = folder }: PackageOptions): MadePackage {
  checkLabel(label)
  const language = packageTypes.find((known) => known === type.toLowerCase())
  if (!language) throw failure('PACKAGE_TYPE_UNKNOWN', { type: type.toUpperCase() })
  const sources = sourcesOf(folder, language satisfies PackageType, path)
  const gzip = new Gzip()
  const archive = new TarWriter(gzip)
  const plain = { type: 'file', mode: FILE_MODE, ownerId: 0 } as const
  archive.add({ ...plain, name: 'metadata.json' }, Buffer.from(goJson({ path: sources.path, type, label })))
  archive.add({ ...plain, name: 'code.tar.gz' }, packCode(sources))
  archive.finish()
  const file = gzip.finish()
  return { packageId: packageIdOf(label, file), file, files: sources.files.length }
}

function packCode({ folders, files }: Sources): Buffer {
  const gzip = new Gzip()
  const archive = new TarWriter(gzip)
  for (const name of folders) archive.add({ name, type: 'folder', mode: FOLDER_MODE, ownerId: OWNER_ID })
  for (const { name, file } of files)
    archive.add({ name, type: 'file', mode: FILE_MODE, ownerId: OWNER_ID }, readSource(file), true)
  archive.finish()
  return gzip.finish()
}

/** The content of a file, or of the file that a link leads to. */
function readSource(file: string): Buffer {
  try {
    // Reading a pipe would never end.
    if (!statSync(file).isFile()) throw new Error('it is neither a file nor a link to one')
    return readFileSync(file)
  } catch (error) {
    throw failure('PACKAGE_FOLDER_UNREADABLE', { path: file, detail: messageOf(error) }, error)
  }
}
