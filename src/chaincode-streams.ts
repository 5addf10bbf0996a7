import type { StreamClosure, StreamReport, streamMachine } from '../machines/index.js'
import { ChaincodeMessage_Type as Type } from '../proto/gen/peer/chaincode-shim.js'
import type { StreamHandler, StreamTransport } from '../services/stream-transport.js'
import type { ChaincodeDirectory } from './chaincode-directory.js'
import type { Config } from './config.js'
import { type ChaincodedError, failure } from './errors.js'
import type { Logger } from './log.js'
import { type RequestContext, isSupported } from './protocol/handle-request.js'
import type { RegistrationGuard } from './registration-guard.js'
import { PeerStream, type PeerStreamOptions } from './protocol/peer-stream.js'

/** What the acceptance of streams works with. */
export interface ChaincodeStreamsOptions {
  config: Config
  machine: typeof streamMachine
  supervisor: { send(report: StreamReport): void }
  directory: ChaincodeDirectory
  request: RequestContext
  clock: PeerStreamOptions['clock']
  log: Logger
  inspect?: PeerStreamOptions['inspect']
  /** Ids that are defined and not connected. */
  awaitedIds: () => string[]
}

/** Takes a stream. With `expectedCcid`, that of a service which was dialled for it, no other name may register on it. */
export type AcceptChaincodeStream = (
  transport: StreamTransport,
  expectedCcid?: string,
  /** Who may register on a stream that somebody has opened; without it everybody. */
  guard?: RegistrationGuard,
) => StreamHandler

/** Makes a stream of each connection with a chaincode, and says why one is refused. */
export function acceptChaincodeStreams(options: ChaincodeStreamsOptions): AcceptChaincodeStream {
  const { config, directory, log } = options
  const { useWriteBatch, maxSizeWriteBatch, useGetMultipleKeys, maxSizeGetMultipleKeys } =
    config.chaincode.runtimeParams
  const additionalParams = {
    // A shim sends one message for each key as long as it is not told that it may do otherwise.
    useWriteBatch: useWriteBatch && isSupported(Type.WRITE_BATCH_STATE),
    maxSizeWriteBatch,
    useGetMultipleKeys: useGetMultipleKeys && isSupported(Type.GET_STATE_MULTIPLE),
    maxSizeGetMultipleKeys,
  }
  let nextStreamId = 1

  const explain = (closure: StreamClosure, ccid: string): ChaincodedError | undefined => {
    switch (closure.kind) {
      case 'emptyName':
        return failure('CHAINCODE_NAME_EMPTY', {})
      case 'undecodable':
        return failure('REGISTER_UNDECODABLE', { detail: closure.detail })
      case 'registerTimeout':
        return failure('REGISTER_TIMEOUT', { afterMs: closure.afterMs })
      case 'refused':
        if (closure.refusal === 'duplicate') return failure('DUPLICATE_CHAINCODE', { ccid })
        if (closure.refusal === 'unexpected')
          return failure('UNEXPECTED_CCID', {
            ccid,
            expected: closure.expected === undefined ? options.awaitedIds() : [closure.expected],
          })
        if (closure.refusal === 'tooMany')
          return failure('TOO_MANY_CHAINCODES', { ccid, limit: config.chaincoded.limits.chaincodes })
        return failure('EXTERNAL_CONNECTION', { ccid })
      default:
        return undefined
    }
  }

  const closed = (stream: PeerStream, closure: StreamClosure, remoteAddress: string) => {
    directory.dropStream(stream)
    if (closure.kind === 'refused' || closure.kind === 'unauthorized') directory.noteRefusal(stream.ccid)
    const error = explain(closure, stream.ccid)
    const text = error?.message ?? ('text' in closure ? closure.text : undefined)
    if (text) log.warn({ remoteAddress, awaited: options.awaitedIds() }, `chaincode stream closed: ${text}`)
    else log.debug({ remoteAddress, ccid: stream.ccid, closure }, 'chaincode stream ended')
  }

  return (transport, expectedCcid, guard) => {
    const stream = new PeerStream(transport, {
      streamId: nextStreamId++,
      machine: options.machine,
      supervisor: options.supervisor,
      clock: options.clock,
      request: options.request,
      registerTimeoutMs: config.chaincoded.registerTimeoutMs,
      expectedCcid,
      guard,
      keepaliveMs: config.chaincode.keepaliveMs,
      executeTimeoutMs: config.chaincode.executeTimeoutMs,
      transactionsLimit: config.chaincoded.limits.transactionsInFlight,
      messageBytes: config.chaincoded.limits.messageBytes,
      additionalParams,
      log,
      explainClosure: explain,
      onActivity: (ccid, streamId, active) => directory.activity(ccid, streamId, active),
      onClosed: (ended, closure) => closed(ended, closure, transport.remoteAddress),
      ...(options.inspect ? { inspect: options.inspect } : {}),
    })
    directory.addStream(stream)
    return stream
  }
}
