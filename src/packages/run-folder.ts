import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
  if (module !== undefined && (path === module || path.startsWith(`${module}/`)))
    return join(src, path.slice(module.length))
  // Without modules, as in Fabric 1.x, `src` is that of a GOPATH.
  const inPath = join(src, path)
  return inPath.startsWith(src) && isThere(inPath) ? inPath : src
}

const isThere = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined
