import { readFileSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { moduleNameIn } from './source-files.js'
import type { UnpackedPackage } from './unpacked.js'

/**
 * The folder in an unpacked package that its chaincode is started in: of Node and Java `src`, of Go the package within
 * `src` that metadata.json names, of all others the whole code, as a service's connection.json lies there.
 */
export function runFolderOf({ codeFolder }: UnpackedPackage, { type, path }: { type: string; path: string }): string {
  const src = join(codeFolder, 'src')
  const language = type.toLowerCase()
  if (language === 'node' || language === 'java') return src
  if (language !== 'golang') return codeFolder
  const manifest = join(src, 'go.mod')
  const module = isThere(manifest) ? moduleNameIn(readFileSync(manifest, 'utf8')) : undefined
  // Without modules, as in Fabric 1.x, `src` is that of a GOPATH.
  const inside = module !== undefined && `${path}/`.startsWith(`${module}/`) ? path.slice(module.length) : path
  const folder = join(src, inside)
  return folder.startsWith(src + sep) && isThere(folder) ? folder : src
}

const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined
