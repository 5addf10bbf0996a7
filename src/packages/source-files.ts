import { readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { failure, messageOf } from '../errors.js'
import { checkIndexFile } from './index-file.js'

/** Languages that a folder can be packaged for. */
export const packageTypes = ['node', 'golang', 'java'] as const
export type PackageType = (typeof packageTypes)[number]

/** A file that goes into a package. */
export interface SourceFile {
  /** In the archive. */
  name: string
  /** On disk. */
  file: string
}

/** What goes into the code archive, in the order of the archive. */
export interface Sources {
  /** Go only: folders, each with a slash at its end. */
  folders: string[]
  files: SourceFile[]
  /** The path that metadata.json gives. */
  path: string
}

/** Order of the bytes, as Go sorts; JavaScript's own order differs beyond the basic plane. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const excludedFolders = { node: ['node_modules', '.git'], java: ['target', 'build', 'out', '.git'] }

/**
 * The files of the chaincode in `folder` that the peer CLI packages for its language: for Node and Java all but build
 * output and what package managers install, for Go the whole module but hidden folders. What META-INF holds has to be an
 * index definition. A symbolic link to a file is packaged as the file. `path` is the folder as it was named, which Node
 * and Java packages keep. Throws PACKAGE_NO_SOURCES, PACKAGE_GO_MODULE_MISSING, PACKAGE_INDEX_FILE,
 * PACKAGE_FOLDER_UNREADABLE.
 */
export function sourcesOf(folder: string, type: PackageType, path: string): Sources {
  try {
    const sources = type === 'golang' ? goSources(folder) : plainSources(folder, type, path)
    if (sources.files.length === 0) throw failure('PACKAGE_NO_SOURCES', { path: folder })
    return sources
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).syscall) throw error
    throw failure('PACKAGE_FOLDER_UNREADABLE', { path: folder, detail: messageOf(error) }, error)
  }
}

function plainSources(folder: string, type: 'node' | 'java', path: string): Sources {
  const root = resolve(folder)
  const files: SourceFile[] = []
  for (const name of walk(root, (_, last) => !excludedFolders[type].includes(last))) {
    if (type === 'java' && extname(name) === '.class') continue
    if (!isMetadata(name)) files.push({ name: `src/${name}`, file: join(root, name) })
    else if (takeMetadata(name, join(root, name))) files.push({ name, file: join(root, name) })
  }
  return { folders: [], files, path }
}

function goSources(folder: string): Sources {
  const module = goModule(resolve(folder))
  if (!module) throw failure('PACKAGE_GO_MODULE_MISSING', { path: folder })
  const { root, inside } = module
  if (!readdirSync(folder).some((name) => name.endsWith('.go') && !name.endsWith('_test.go')))
    throw failure('PACKAGE_NO_SOURCES', { path: folder })
  const metadata = inside === '' ? '' : `${inside}/`
  const files: SourceFile[] = []
  for (const name of walk(root, (path, last) => !last.startsWith('.') || isMetadata(withoutPrefix(path, metadata)))) {
    const local = withoutPrefix(name, metadata)
    if (!isMetadata(local)) files.push({ name: `src/${name}`, file: join(root, name) })
    else if (takeMetadata(local, join(root, name))) files.push({ name: local, file: join(root, name) })
  }
  files.sort((a, b) => byBytes(a.name, b.name))
  const folders = new Set<string>()
  for (const { name } of files)
    for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) folders.add(parent)
  return { folders: [...folders].sort(byBytes).map((name) => `${name}/`), files, path: module.importPath }
}

const withoutPrefix = (path: string, prefix: string): string =>
  path.startsWith(prefix) ? path.slice(prefix.length) : ''

const isMetadata = (name: string): boolean => name === 'META-INF' || name.startsWith('META-INF/')

/** Whether a file of META-INF goes into the package; hidden ones do not. */
function takeMetadata(name: string, file: string): boolean {
  if (name.slice(name.lastIndexOf('/') + 1).startsWith('.')) return false
  checkIndexFile(name, readFileSync(file))
  return true
}

/** The module that a folder belongs to, as `go list` would tell. */
function goModule(folder: string): { root: string; inside: string; importPath: string } | undefined {
  for (let root = folder; ; root = dirname(root)) {
    const manifest = join(root, 'go.mod')
    if (statSync(manifest, { throwIfNoEntry: false })?.isFile()) {
      const inside = relative(root, folder)
      const module = moduleNameIn(readFileSync(manifest, 'utf8'))
      return module ? { root, inside, importPath: inside === '' ? module : `${module}/${inside}` } : undefined
    }
    if (dirname(root) === root) return undefined
  }
}

/** The name that a go.mod gives its module. */
export function moduleNameIn(manifest: string): string | undefined {
  const name = /^[ \t]*module[ \t]+(?:"([^"]+)"|`([^`]+)`|([^\s/]\S*))/m.exec(manifest)
  return name?.[1] ?? name?.[2] ?? name?.[3]
}

/** Every file below `root`, by its path in it: names in the order of their bytes, a folder's content at its place. */
function walk(root: string, enters: (path: string, name: string) => boolean, inside = ''): string[] {
  const names: string[] = []
  const entries = readdirSync(join(root, inside), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => byBytes(a.name, b.name))) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (!entry.isDirectory()) names.push(path)
    else if (enters(path, entry.name)) names.push(...walk(root, enters, path))
  }
  return names
}
