import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { compileFunction } from 'node:vm'

const requireHere = createRequire(import.meta.url)
/** Resolves as a module of fabric-protos does. */
export const requireTheirs = createRequire(requireHere.resolve('@hyperledger/fabric-protos'))

/**
 * The global that generated code hangs its classes on and reads them from. fabric-shim brings another version of
 * fabric-protos, and in one process the two would take each other's classes for their own.
 */
const ownGlobal = { proto: {} }
const loaded = new Map<string, { exports: unknown }>()
const privateFolder = dirname(dirname(requireHere.resolve('@hyperledger/fabric-protos')))

/** Loads a CommonJS module of fabric-protos with a global of its own; other modules are those that everybody has. */
export function requireOwnCopy(id: string, from: NodeJS.Require = requireTheirs): unknown {
  const path = from.resolve(id)
  if (!path.startsWith(privateFolder) && !path.endsWith('_pb.js')) return from(id)
  const known = loaded.get(path)
  if (known) return known.exports
  const module = { exports: {} as unknown }
  loaded.set(path, module)
  const next = createRequire(path)
  const parameters = ['exports', 'require', 'module', 'globalThis', 'proto']
  const run = compileFunction(readFileSync(path, 'utf8'), parameters, { filename: path }) as (
    ...values: unknown[]
  ) => void
  run.call(
    module.exports,
    module.exports,
    (inner: string) => requireOwnCopy(inner, next),
    module,
    ownGlobal,
    ownGlobal.proto,
  )
  return module.exports
}
