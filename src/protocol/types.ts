import type { TxSimulator } from '../ledger/types.js'

/** One transaction to run in a chaincode. */
export interface Invocation {
  channelId: string
  txId: string
  /** Ledger namespace, the name in the proposal. */
  chaincodeName: string
  /** Marshalled `protos.ChaincodeInput`. */
  input: Buffer
  isInit: boolean
  /** Marshalled `protos.SignedProposal`, verbatim as the client sent it. */
  signedProposal: Buffer
  /** Undefined where the chaincode has no ledger context (channel-less calls). */
  simulator: TxSimulator | undefined
}

/** What a chaincode answered with COMPLETED. */
export interface InvocationResult {
  response: { status: number; message: string; payload: Buffer }
  /** Marshalled `protos.ChaincodeEvent` with chaincodeId and txId set by the peer; undefined where none was set. */
  event: Buffer | undefined
  /** The definition's version, for `ChaincodeAction.chaincode_id`. */
  version: string
}

/** Runs transactions in chaincodes, launching them where needed. */
export interface ChaincodeExecutor {
  /**
   * Resolves with the chaincode's COMPLETED, whatever its status. Rejects with a ChaincodedError whose message is
   * Fabric's, without the endorser's prefix (`failed to execute transaction %s: …` included here).
   */
  execute(invocation: Invocation, signal?: AbortSignal): Promise<InvocationResult>
  /** Whether `name` is defined on `channelId`. */
  isDefined(channelId: string, name: string): boolean
}
