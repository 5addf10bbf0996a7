import { failure, messageOf } from '../errors.js'

/** What a transaction is called with. */
export interface TransactionArguments {
  readonly functionName: string
  readonly arguments: readonly string[]
}

/**
 * Reads what follows the chaincode's name: a function and its arguments, or one JSON text with both, as an array or as
 * the peer CLI writes it (`{"Args":[…]}`, `{"function":…,"Args":[…]}`). Throws ARGUMENTS_INVALID.
 */
export function readTransactionArguments(first: string, rest: readonly string[]): TransactionArguments {
  if (rest.length > 0 || !/^\s*[[{]/.test(first)) return { functionName: first, arguments: rest }
  const all = listFrom(parseJson(first))
  const [functionName, ...args] = all
  if (functionName === undefined) throw failure('ARGUMENTS_INVALID', { detail: 'the JSON holds no function name' })
  return { functionName, arguments: args }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw failure('ARGUMENTS_INVALID', {
      detail: `the arguments look like JSON, but are none: ${messageOf(error)}`,
      hint: `quote them for the shell, for example '["CreateAsset","a1"]'; a function whose name begins so cannot be called`,
    })
  }
}

function listFrom(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(checkString)
  const fields = new Map(Object.entries(value as object).map(([name, field]) => [name.toLowerCase(), field as unknown]))
  const args = fields.get('args')
  const functionName = fields.get('function')
  if (!Array.isArray(args)) {
    throw failure('ARGUMENTS_INVALID', {
      detail: 'the JSON object has no list "Args"',
      hint: 'write {"Args":["f","a"]}',
    })
  }
  return (functionName === undefined ? args : [functionName, ...(args as unknown[])]).map(checkString)
}

function checkString(value: unknown, index: number): string {
  if (typeof value === 'string') return value
  const kind =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'an array'
        : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
  throw failure('ARGUMENTS_INVALID', {
    detail: `element ${index} of the JSON is ${kind}, but arguments of a chaincode are strings`,
    hint: `write ${JSON.stringify(JSON.stringify(value))}`,
  })
}

/** Adds one `--transient key=value` to those before it; for commander. Throws ARGUMENTS_INVALID. */
export function collectTransient(pair: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const split = pair.indexOf('=')
  if (split < 1) {
    throw failure('ARGUMENTS_INVALID', { detail: `--transient takes KEY=VALUE, not "${pair}"` })
  }
  return { ...before, [pair.slice(0, split)]: pair.slice(split + 1) }
}

/**
 * Splits a command line into program and arguments: words between spaces, with single and double quotes and backslash
 * as in a shell, but no expansion; or a JSON array of strings. Throws ARGUMENTS_INVALID.
 */
export function splitCommand(line: string): string[] {
  const words = line.trim().startsWith('[') ? listFrom(parseJson(line)) : shellWords(line)
  if (words.length === 0) throw failure('ARGUMENTS_INVALID', { detail: '--command is empty' })
  return words
}

function shellWords(line: string): string[] {
  const words: string[] = []
  const pattern = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gy
  let end = 0
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    end = pattern.lastIndex
    words.push(
      match[1]!.replace(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
        (_, inDouble?: string, inSingle?: string, escaped?: string) =>
          inDouble !== undefined ? inDouble.replace(/\\(["\\$`])/g, '$1') : (inSingle ?? escaped ?? ''),
      ),
    )
  }
  if (line.slice(end).trim() !== '') {
    throw failure('ARGUMENTS_INVALID', { detail: `--command has a quote without its end: ${line.slice(end).trim()}` })
  }
  return words
}
