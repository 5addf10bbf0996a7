import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { failure } from '../errors.js'

const labelRule = /^[A-Za-z0-9][A-Za-z0-9_.+-]*$/
const idRule = /^([A-Za-z0-9][A-Za-z0-9_.+-]*):([0-9a-f]{64})$/

/** Throws PACKAGE_LABEL_ILLEGAL unless `label` follows Fabric's rule for labels. */
export function checkLabel(label: string): void {
  if (!labelRule.test(label)) throw failure('PACKAGE_LABEL_ILLEGAL', { label })
}

/** SHA-256 as lower-case hex. */
export const sha256Hex = (...parts: (Uint8Array | string)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Fabric's package id: the label and the SHA-256 of the whole file, so the same content compressed anew has another. */
export const packageIdOf = (label: string, file: Uint8Array): string => `${label}:${sha256Hex(file)}`

/** Whether a text has the form of a package id of Fabric 2.0 and later. */
export const isPackageId = (text: string): boolean => idRule.test(text)

/**
 * What a user calls a package by: the id of an installed one, or a file, relative to `cwd`, whose absolute path it gives. A
 * file wins over an id of the same form.
 */
export function packageReference(text: string, cwd: string): string {
  const file = resolve(cwd, text)
  const isId = isPackageId(text) || /^[A-Za-z0-9_-]+:[A-Za-z0-9_.+-]+$/.test(text)
  return isId && !existsSync(file) ? text : file
}

/** A package in the store, as its file name tells. `hash` is the file's SHA-256. */
export interface StoredName {
  packageId: string
  format: 'lifecycle' | 'legacy'
  hash: string
}

/**
 * The file name of a package. A lifecycle package has Fabric's: `<label>.<hash>.tar.gz`. A legacy one is known by
 * `name:version`; its hash stands in the file name too, so that damage is noticed.
 */
export const fileNameOf = ({ packageId, format, hash }: StoredName): string =>
  format === 'lifecycle' ? `${packageId.replace(':', '.')}.tar.gz` : `${packageId.replace(':', '.')}.${hash}.cds`

/** What a file name tells; undefined for a file that is no package. */
export function storedNameFrom(fileName: string): StoredName | undefined {
  const [, name, hash, extension] = /^(.+)\.([0-9a-f]{64})\.(tar\.gz|cds)$/.exec(fileName) ?? []
  if (!name || !hash) return undefined
  if (extension === 'tar.gz') return { packageId: `${name}:${hash}`, format: 'lifecycle', hash }
  // A chaincode's name has no dot, so the first one is the border to the version.
  return name.includes('.') ? { packageId: name.replace('.', ':'), format: 'legacy', hash } : undefined
}
