import { ChaincodeMessage_Type as Type } from '../proto/gen/peer/chaincode-shim.js'
import { ChaincodeEvent, ChaincodeInput, type ChaincodeSpec } from '../proto/gen/peer/chaincode.js'
import type { ChaincodeDirectory } from './chaincode-directory.js'
import type { Definition, Definitions } from './definitions.js'
import { type ChaincodedError, failure, messageOf, prefixed } from './errors.js'
import { UnreadableMessage, unmarshal } from './gateway/unmarshal.js'
import type { LedgerProvider, TxSimulator } from './ledger/types.js'
import { type DecodedMessage, decodeResponse, encodeMessage } from './protocol/message-codec.js'
import type { Transaction } from './protocol/transaction.js'
import type { ChaincodeExecutor, Invocation, InvocationResult } from './protocol/types.js'

/** Key that says for which version a chaincode has been initialized (Fabric 2.0 and later). */
const INITIALIZED_KEY = '\u0000\u{10ffff}initialized'

/** Where a chaincode call goes: `name[:version][/channel]`; the version is ignored, as by every peer. */
export function parseTarget(target: string, callerChannelId: string): { name: string; channelId: string } {
  const slash = target.indexOf('/')
  // Nothing behind the slash is no channel.
  const channelId = (slash < 0 ? '' : target.slice(slash + 1)) || callerChannelId
  const full = slash < 0 ? target : target.slice(0, slash)
  const colon = full.indexOf(':')
  return { name: colon < 0 ? full : full.slice(0, colon), channelId }
}

interface Call {
  channelId: string
  txId: string
  name: string
  input: Buffer
  isInit: boolean
  signedProposal: Buffer
  simulator: TxSimulator | undefined
  signal?: AbortSignal | undefined
}

/** Runs transactions in chaincodes: finds the definition, has the chaincode started, sends, and reads the answer. */
export class ChaincodeSupport implements ChaincodeExecutor {
  constructor(
    private readonly definitions: Definitions,
    private readonly directory: ChaincodeDirectory,
    private readonly ledgers: () => LedgerProvider,
  ) {}

  isDefined(channelId: string, name: string): boolean {
    return this.definitions.get(channelId, name) !== undefined
  }

  async execute(invocation: Invocation, signal?: AbortSignal): Promise<InvocationResult> {
    const { txId, chaincodeName: name } = invocation
    let definition: Definition
    let answer: DecodedMessage
    try {
      definition = this.definition(invocation.channelId, name)
      answer = await this.send(definition, { ...invocation, name, signal })
    } catch (error) {
      throw prefixed(`failed to execute transaction ${txId}`, error)
    }
    if (answer.type === Type.ERROR) throw failure('CHAINCODE_ERROR_MESSAGE', { text: answer.payload.toString() })
    try {
      return {
        response: decodeResponse(answer.payload),
        event: this.stampEvent(answer, name),
        version: definition.version,
      }
    } catch (error) {
      const detail = error instanceof UnreadableMessage ? error.detail : messageOf(error)
      throw failure('RESPONSE_UNDECODABLE', { txId, detail }, error)
    }
  }

  /**
   * Runs `spec` for a chaincode that is in a transaction itself. Resolves to the callee's marshalled COMPLETED or ERROR.
   * On another channel the callee reads that channel's state, and its writes are discarded. Rejects when the caller's
   * transaction ends before.
   */
  async invokeChaincode(caller: Transaction, spec: ChaincodeSpec): Promise<Buffer> {
    const { name, channelId } = parseTarget(spec.chaincodeId?.name ?? '', caller.channelId)
    if (name === '') throw failure('CHAINCODE_NAME_NOT_SET', {})
    const isOwnChannel = channelId === caller.channelId
    const simulator = isOwnChannel ? caller.simulator : this.simulatorOf(channelId, caller.txId)
    try {
      const input = ChaincodeInput.encode(spec.input ?? ChaincodeInput.fromPartial({})).finish() as Buffer
      const answer = await this.send(this.definition(channelId, name), {
        channelId,
        txId: caller.txId,
        name,
        input,
        isInit: false,
        signedProposal: caller.signedProposal,
        simulator,
        // Nobody waits for the callee once the caller's transaction is over, and the simulator is no longer its own.
        signal: caller.signal,
      })
      const { type, payload, txid } = answer
      return encodeMessage({ type, payload, txid, channelId: answer.channelId })
    } catch (error) {
      throw prefixed('execute failed', error)
    } finally {
      if (!isOwnChannel) simulator?.done()
    }
  }

  private simulatorOf(channelId: string, txId: string): TxSimulator {
    const ledger = this.ledgers().get(channelId)
    if (!ledger) throw failure('NO_SUCH_CHANNEL', { channelId })
    return ledger.newSimulator(txId)
  }

  private definition(channelId: string, name: string): Definition {
    const definition = this.definitions.get(channelId, name)
    if (!definition) throw prefixed('invalid invocation', failure('NO_CHAINCODE_INFO', { channelId, name }))
    return definition
  }

  private async send(definition: Definition, call: Call): Promise<DecodedMessage> {
    const type = this.checkInvocation(definition, call)
    const stream =
      this.directory.readyStream(definition.ccid) ?? (await this.directory.ensureReady(definition.ccid, call.signal))
    try {
      return await stream.execute({ ...call, type, namespace: call.name })
    } catch (error) {
      throw prefixed('error sending', error)
    }
  }

  /** Whether the call is an Init or an Invoke, and whether it may be (Fabric: CheckInvocation). */
  private checkInvocation(definition: Definition, call: Call): Type.INIT | Type.TRANSACTION {
    const { name, version, initRequired } = definition
    const refuse = (error: ChaincodedError) => prefixed('invalid invocation', error)
    if (!initRequired) {
      if (call.isInit) throw refuse(failure('INIT_NOT_REQUIRED', { name }))
      return Type.TRANSACTION
    }
    const initialized = call.simulator?.getState(name, INITIALIZED_KEY)?.toString() === version
    if (initialized) {
      if (call.isInit) throw refuse(failure('INIT_ALREADY_DONE', { name }))
      return Type.TRANSACTION
    }
    if (!call.isInit) throw refuse(failure('INIT_MISSING', { name }))
    call.simulator?.setState(name, INITIALIZED_KEY, Buffer.from(version))
    return Type.INIT
  }

  /** The event as the ledger keeps it: chaincode and transaction are the peer's word, not the chaincode's. */
  private stampEvent(answer: DecodedMessage, name: string): Buffer | undefined {
    if (!answer.chaincodeEvent) return undefined
    const event = unmarshal(ChaincodeEvent, answer.chaincodeEvent, 'ChaincodeEvent')
    return ChaincodeEvent.encode({ ...event, chaincodeId: name, txId: answer.txid }).finish() as Buffer
  }
}
