import { readFileSync } from 'node:fs'
import type { Node, Pair } from 'yaml'
import { failure, messageOf } from '../errors.js'

/** A value of a configuration file with the place where it stands. */
export interface FileEntry {
  /** The key as it is written, sections joined by dots. */
  readonly key: string
  readonly value: unknown
  /** `file:line`. */
  readonly from: string
}

/**
 * Reads a core.yaml into its single values. `isWhole` tells which keys are taken with everything below them. Rejects
 * with CONFIG_FILE_UNREADABLE, or with CONFIG_FILE_INVALID naming file and line.
 */
export async function readConfigFile(file: string, isWhole: (key: string) => boolean): Promise<FileEntry[]> {
  const source = readText(file)
  // Loaded here, because most starts have no file and the library takes its time.
  const { isAlias, isMap, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lineCounter = new LineCounter()
  const document = parseDocument(source, { lineCounter, prettyErrors: false })
  const placeAt = (offset: number | undefined) => `${file}:${lineCounter.linePos(offset ?? 0).line}`
  const problem = document.errors[0]
  if (problem) throw failure('CONFIG_FILE_INVALID', { from: placeAt(problem.pos[0]), detail: problem.message })

  const entries: FileEntry[] = []
  const visit = (node: Node | null, key: string, place: string) => {
    const resolved = isAlias(node) ? node.resolve(document) : node
    if (isMap(resolved) && !isWhole(key)) {
      for (const pair of resolved.items as Pair<Node, Node | null>[]) {
        const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
        visit(pair.value, key === '' ? name : `${key}.${name}`, placeAt(pair.key.range?.[0]))
      }
      return
    }
    const value: unknown = resolved?.toJS(document) ?? undefined
    if (value !== undefined) entries.push({ key, value, from: place })
  }
  if (document.contents !== null && !isMap(document.contents)) {
    throw failure('CONFIG_FILE_INVALID', { from: placeAt(0), detail: 'the file has to be a map of settings' })
  }
  visit(document.contents, '', file)
  return entries
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const detail = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)
    throw failure('CONFIG_FILE_UNREADABLE', { file, detail }, error)
  }
}

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file',
}
