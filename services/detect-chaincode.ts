import { readdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { detectExecutable, runExecutable } from './detect-executable.js'
import { detectNodeChaincode } from './detect-node-chaincode.js'
import { OR_COMMAND, undetected, type Detection, type UndetectedChaincode } from './detection.js'

/** What is known besides the folder. */
export interface DetectOptions {
  /** `host:port` of the chaincode listener. */
  address: string
  /** Program and arguments that take the place of detection; `{address}` in them becomes the address. No shell. */
  command?: readonly string[]
}

/**
 * Finds out how the chaincode in `path` is started, from its files alone: a command that is given wins; then a Node
 * package on Fabric's libraries; then an executable, which `path` itself may be. Nothing is built, nothing is run.
 */
export function detectChaincode(path: string, options: DetectOptions): Detection {
  try {
    return detect(path, options)
  } catch (error) {
    return undetected('UNREADABLE', `cannot read ${path}: ${(error as Error).message}`, 'let this user read it')
  }
}

function detect(path: string, { address, command }: DetectOptions): Detection {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return undetected('NO_FOLDER', `${path} does not exist`, 'name the folder of the chaincode')
  const isFolder = found.isDirectory()
  const folder = resolve(isFolder ? path : dirname(path))
  if (command) return detectCommand(command, folder, address)
  if (!isFolder)
    return (
      runExecutable(resolve(path), folder, address) ??
      undetected('NOT_EXECUTABLE', `${path} is not executable`, `name the folder of the chaincode, ${OR_COMMAND}`)
    )

  const names = readdirSync(folder)
  const sources = findSources(folder, names)
  return (
    detectNodeChaincode(folder, address) ??
    detectExecutable(folder, address, sources !== undefined) ??
    sources ??
    undetected(
      'NOT_FOUND',
      `there is no chaincode in ${path}: looked for a package.json that depends on fabric-shim or fabric-contract-api` +
        `${names.includes('package.json') ? ' (the one here depends on neither)' : ''}, an executable named chaincode` +
        ` or bin/chaincode, a single executable of any name, go.mod, pom.xml and build.gradle`,
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

/** The reason that names the language, where a folder holds sources that have to be built first. */
function findSources(folder: string, names: readonly string[]): UndetectedChaincode | undefined {
  const goFile = names.find((name) => name === 'go.mod') ?? names.find((name) => name.endsWith('.go'))
  if (goFile)
    return undetected(
      'GO_SOURCE',
      `${folder} holds Go sources (${goFile}), and chaincoded does not build chaincode`,
      `build it with: go build -o chaincode . (in that folder), ${OR_COMMAND}`,
    )
  const javaFile = names.find((name) => ['pom.xml', 'build.gradle', 'build.gradle.kts'].includes(name))
  if (javaFile)
    return undetected(
      'JAVA_SOURCE',
      `${folder} holds Java sources (${javaFile}), and chaincoded does not build chaincode`,
      'build it, and start it with the command: java -jar JAR --peerAddress {address}',
    )
  return undefined
}
