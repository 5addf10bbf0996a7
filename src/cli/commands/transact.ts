import { checkChannelName } from '../../control/names.js'
import { requireDaemon, type FoundDaemon } from '../../control/find-daemon.js'
import type { ChaincodeInfo } from '../../control/types.js'
import { failure, isFailure } from '../../errors.js'
import { readTransactionArguments } from '../arguments.js'
import type { GatewayClient, TransactionRequest } from '../gateway-client.js'
import { print, tell, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { unknownChaincode } from '../with-control.js'

/** Options of `invoke` and `query`. */
export interface TransactOptions {
  channel?: string
  transient?: Record<string, string>
  user: string
}

/** `chaincoded query NAME FUNCTION ARG…`: runs a function, and changes nothing. */
export const query = (context: Context, name: string, first: string, rest: string[], options: TransactOptions) =>
  transact(context, name, first, rest, options, async (gateway, request) => {
    writeResult(context, await gateway.evaluate(request), {})
  })

/** `chaincoded invoke NAME FUNCTION ARG…`: runs a function, and waits until what it wrote is committed. */
export const invoke = (context: Context, name: string, first: string, rest: string[], options: TransactOptions) =>
  transact(context, name, first, rest, options, async (gateway, request) => {
    const { result, transactionId, blockNumber } = await gateway.submit(request)
    writeResult(context, result, { transactionId, blockNumber: Number(blockNumber), status: 'VALID' })
    if (!context.json) tell(context.io, `committed in block ${blockNumber}, transaction ${transactionId}`)
  })

async function transact(
  context: Context,
  chaincode: string,
  first: string,
  rest: string[],
  { channel, transient = {}, user }: TransactOptions,
  work: (gateway: GatewayClient, request: TransactionRequest) => Promise<void>,
): Promise<number> {
  const call = readTransactionArguments(first, rest)
  if (channel !== undefined) checkChannelName(channel)
  const daemon = await requireDaemon(context.dataDir)
  // The SDK takes long to load, so it comes only when it is sure to be needed.
  const { openGateway } = await import('../gateway-client.js')
  const gateway = openGateway(daemon, user.replace(/@.*$/, ''))
  const request = { channel: channel ?? daemon.defaultChannel, chaincode, transient, ...call }
  try {
    await work(gateway, request)
    return exitCodes.done
  } catch (error) {
    throw isFailure(error) ? error : await explained(error, daemon, gateway, request)
  } finally {
    gateway.close()
  }
}

/** The error with what helps: that the daemon is away, the nearest chaincode, the nearest function. */
async function explained(
  error: unknown,
  daemon: FoundDaemon,
  gateway: GatewayClient,
  request: TransactionRequest,
): Promise<Error> {
  const { callFailure, functionHint, functionsIn, isUnknownFunction, isUnreachable, reasonOf } =
    await import('../gateway-error.js')
  if (isUnreachable(error)) {
    return failure('GATEWAY_UNREACHABLE', { address: daemon.gatewayAddress, detail: reasonOf(error) }, error)
  }
  if (isUnknownFunction(error)) {
    const ask = { ...request, functionName: 'org.hyperledger.fabric:GetMetadata', arguments: [], transient: {} }
    const known = await gateway.evaluate(ask).then(functionsIn, () => [])
    return callFailure(error, request.functionName, functionHint(request.functionName, known))
  }
  const { connectControl } = await import('../../control/control-client.js')
  const control = connectControl(daemon.controlSocket)
  try {
    const info = (await control.list()).find(({ name }) => name === request.chaincode)
    if (!info) return await unknownChaincode(control, request.chaincode)
    return callFailure(error, request.functionName, channelHint(info, request.channel))
  } catch {
    // The reason of the failed call matters more than that there is nothing to add to it.
    return callFailure(error, request.functionName, undefined)
  } finally {
    control.close()
  }
}

const channelHint = ({ name, channels }: ChaincodeInfo, channel: string): string | undefined =>
  channels.includes(channel) ? undefined : `${name} is deployed on ${channels.join(', ')}, not on ${channel}`

/** Writes the bytes as they are, or in JSON: as text where they are UTF-8, else in Base64. */
function writeResult({ io, json }: Context, result: Uint8Array, facts: Readonly<Record<string, unknown>>): void {
  if (json) return print(io, JSON.stringify({ ...jsonOf(result), ...facts }))
  io.stdout.write(result)
  if (io.stdout.isTTY && result.length > 0 && result.at(-1) !== 0x0a) io.stdout.write('\n')
}

function jsonOf(result: Uint8Array): Record<string, string> {
  try {
    return { result: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(result) }
  } catch {
    return { resultBase64: Buffer.from(result).toString('base64') }
  }
}
