import { readdirSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { detectExecutable, runExecutable } from './detect-executable.js'
import { detectNodeChaincode } from './detect-node-chaincode.js'
import { OR_COMMAND, undetected, type Detection } from './detection.js'
import { planGo, planJava } from './plan-build.js'

/** What is known besides the folder. */
export interface DetectOptions {
  /** `host:port` of the chaincode listener. */
  address: string
  /** Program and arguments that take the place of detection; `{address}` in them becomes the address. No shell. */
  command?: readonly string[]
  /** The sources have changed since the last build, also where only the tools can tell that. */
  isChanged?: boolean
}

/**
 * Finds out how the chaincode in `path` is started, from its files alone: a command that is given wins; then a Node
 * package on Fabric's libraries; then an executable, which `path` itself may be, or a jar; then a Go module and a Java
 * project, which are built first. Nothing is built here, nothing is run.
 */
export function detectChaincode(path: string, options: DetectOptions): Detection {
  try {
    return detect(path, options)
  } catch (error) {
    return undetected('UNREADABLE', `cannot read ${path}: ${(error as Error).message}`, 'let this user read it')
  }
}

function detect(path: string, { address, command, isChanged = false }: DetectOptions): Detection {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return undetected('NO_FOLDER', `${path} does not exist`, 'name the folder of the chaincode')
  const isFolder = found.isDirectory()
  const folder = resolve(isFolder ? path : dirname(path))
  if (command) return detectCommand(command, folder, address)
  if (!isFolder && path.endsWith('.jar')) return runJar(resolve(path), folder, address)
  if (!isFolder)
    return (
      runExecutable(resolve(path), folder, address) ??
      undetected('NOT_EXECUTABLE', `${path} is not executable`, `name the folder of the chaincode, ${OR_COMMAND}`)
    )

  const names = readdirSync(folder)
  const sources = findSources(folder, names, address)
  const jars = names.filter((name) => name.endsWith('.jar'))
  return (
    detectNodeChaincode(folder, address, isChanged) ??
    detectExecutable(folder, address, sources !== undefined) ??
    sources ??
    (jars.length === 1 ? runJar(resolve(folder, jars[0]!), folder, address) : undefined) ??
    undetected(
      'NOT_FOUND',
      `there is no chaincode in ${path}: looked for a package.json that depends on fabric-shim or fabric-contract-api` +
        `${names.includes('package.json') ? ' (the one here depends on neither)' : ''}, an executable named chaincode` +
        ` or bin/chaincode, a single executable of any name, a single jar, go.mod, pom.xml and build.gradle`,
      `name the folder of the chaincode, ${OR_COMMAND}`,
    )
  )
}

function detectCommand(parts: readonly string[], cwd: string, address: string): Detection {
  const [program, ...args] = parts.map((part) => part.replaceAll('{address}', address))
  return program
    ? { ok: true, language: 'command', command: [program, ...args], cwd, describe: `command ${parts.join(' ')}` }
    : undetected('BAD_COMMAND', 'the command is empty', 'give a program and its arguments')
}

/** How the sources in a folder are built and then started; the reason, where they cannot be; undefined without any. */
function findSources(folder: string, names: readonly string[], address: string): Detection | undefined {
  const goFile = names.find((name) => name === 'go.mod') ?? names.find((name) => name.endsWith('.go'))
  if (goFile) {
    const build = planGo(folder)
    return build
      ? {
          ok: true,
          language: 'go',
          command: ['{output}/chaincode', '-peer.address', address],
          cwd: folder,
          describe: 'Go module (go build)',
          build,
        }
      : undetected(
          'GO_SOURCE',
          `${folder} holds Go sources (${goFile}), and belongs to no module`,
          `make it one with: go mod init NAME && go mod tidy (in that folder), ${OR_COMMAND}`,
        )
  }
  const build = planJava(folder)
  return (
    build && {
      ok: true,
      language: 'java',
      command: ['java', '-jar', '{output}/chaincode.jar', '--peerAddress', address],
      cwd: folder,
      describe: `Java project (${build.describe})`,
      build,
    }
  )
}

function runJar(jar: string, cwd: string, address: string): Detection {
  const command: [string, ...string[]] = ['java', '-jar', jar, '--peerAddress', address]
  return { ok: true, language: 'java', command, cwd, describe: `jar ${relative(cwd, jar)}` }
}
