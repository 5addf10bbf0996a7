import { status, type ServiceError } from '@grpc/grpc-js'
import { GatewayError } from '@hyperledger/fabric-gateway'
import { failure } from '../errors.js'
import { nearest } from '../nearest.js'

const unknownFunction =
  /function that does not exist|Function \S+ not found in contract|Undefined contract method called/i

/** Names of the functions of a contract, as `org.hyperledger.fabric:GetMetadata` tells them. */
export function functionsIn(metadata: Uint8Array): string[] {
  const { contracts = {} } = JSON.parse(Buffer.from(metadata).toString()) as {
    contracts?: Record<string, { name?: string; default?: boolean; transactions?: { name: string }[] }>
  }
  const own = Object.entries(contracts).filter(([key]) => key !== 'org.hyperledger.fabric')
  return own.flatMap(([key, contract]) =>
    (contract.transactions ?? []).map(({ name }) =>
      contract.default || own.length === 1 ? name : `${contract.name ?? key}:${name}`,
    ),
  )
}

/** Whether a chaincode built on a contract API says that it has no such function. */
export const isUnknownFunction = (error: unknown): boolean => unknownFunction.test(reasonOf(error))

/** What to do about a function that is not there. */
export function functionHint(functionName: string, known: readonly string[]): string | undefined {
  const near = nearest(functionName, known)
  if (near) return `did you mean "${near}"?`
  return known.length > 0 ? `its functions are ${known.join(', ')}` : undefined
}

/** Whether the gateway could not be reached at all, so that nothing ran. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof GatewayError &&
  error.code === status.UNAVAILABLE &&
  error.details.length === 0 &&
  noAnswer(error.cause)

// Without an answer there is no trailer; the gateway's own UNAVAILABLE has one.
const noAnswer = (cause: ServiceError): boolean =>
  /No connection established|ECONN|ENOTFOUND|socket|Failed to connect|Name resolution/i.test(cause.details)

/** The reason of a failed call for people: what the chaincode or the peer said, without what gRPC adds. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof GatewayError)) return error instanceof Error ? error.message : String(error)
  const messages = new Set(error.details.map(({ message }) => plain(message)))
  return messages.size > 0 ? [...messages].join('\n') : plain(error.cause.details)
}

const plain = (message: string): string =>
  message
    .replace(/^evaluate call to endorser returned error: /, '')
    .replace(/^error in simulation: failed to execute transaction [0-9a-f]+: /, '')
    .replace(/^chaincode response 500, /, '')
    .replace(/^chaincode response (\d+), (.*)$/s, '$2 (status $1)')

/** Reasons whose remedy is known, whatever the chaincode. */
const remedies: readonly (readonly [reason: RegExp, hint: string])[] = [
  [
    /classToPlain is not a function/,
    'fabric-contract-api needs class-transformer 0.5.1: add "overrides": { "class-transformer": "0.5.1" } to the ' +
      'package.json of the chaincode, and run npm install',
  ],
  [
    /must call as init first/,
    `send it an Init: the peer CLI does with --isInit, the library with isInit; or deploy it without --init-required`,
  ],
]

/** The error of a call that failed, for people. */
export function callFailure(error: unknown, functionName: string, hint: string | undefined): Error {
  if (!(error instanceof GatewayError)) return error as Error
  const reason = reasonOf(error)
  const facts = {
    detail: `${functionName} failed: ${reason}`,
    hint: hint ?? remedies.find(([known]) => known.test(reason))?.[1],
  }
  return failure('TRANSACTION_FAILED', facts, error)
}
