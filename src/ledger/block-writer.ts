import { setImmediate as nextTurn } from 'node:timers/promises'
import { TxValidationCode } from '../../proto/gen/peer/transaction.js'
import { commitHash, genesisEnvelope, makeBlock } from './block.js'
import { BlockUpdates } from './block-updates.js'
import { applyTransaction } from './mvcc.js'
import { encodeSavepoint, encodeTransaction, type Savepoint, type TransactionEntry } from './records.js'
import type { ChannelState, StateView } from './state.js'
import type { CommitStatus, EnvelopeValidator } from './types.js'

/** How long envelopes are validated, in ms, before other work of the process gets its turn. */
const VALIDATION_SLICE_MS = 10

/** One block on its way to the store. */
interface Draft {
  number: number
  codes: TxValidationCode[]
  updates: BlockUpdates
  /** Read-write sets of the valid transactions. */
  validResults: Buffer[]
  /** Ids that passed validation in this block. */
  accepted: Set<string>
  /** Ids that occur for the first time. */
  fresh: Map<string, TransactionEntry>
}

/** Validates the transactions of a block, and writes the block with all that follows from it in one atomic write. */
export class BlockWriter {
  constructor(
    private readonly channelId: string,
    private readonly state: ChannelState,
    private readonly validate: EnvelopeValidator,
    private last: Savepoint,
    /** Is told each transaction id that was entered in the index, when the block is durable. */
    private readonly onCommitted: (txId: string, status: CommitStatus) => void,
  ) {}

  /** Number of blocks. */
  get height(): number {
    return this.last.height
  }

  /** Writes block 0. */
  async writeGenesis(): Promise<void> {
    const { envelope, txId } = genesisEnvelope(this.channelId)
    const draft = this.draft()
    draft.codes.push(TxValidationCode.VALID)
    draft.fresh.set(txId, { blockNum: 0, txNum: 0, code: TxValidationCode.VALID })
    await this.store([envelope], draft)
  }

  /** Writes the next block; answers the status of each envelope. Must not be called before the last call is over. */
  async write(envelopes: Buffer[]): Promise<CommitStatus[]> {
    const draft = this.draft()
    const view = this.state.view()
    try {
      let sliceStart = performance.now()
      for (const envelope of envelopes) {
        draft.codes.push(await this.judge(envelope, draft, view))
        if (performance.now() - sliceStart < VALIDATION_SLICE_MS) continue
        await nextTurn()
        sliceStart = performance.now()
      }
      await this.store(envelopes, draft)
    } finally {
      view.release()
    }
    return draft.codes.map((code) => ({ code, blockNumber: BigInt(draft.number) }))
  }

  private draft(): Draft {
    const number = this.last.height
    return {
      number,
      codes: [],
      updates: new BlockUpdates(this.state.keys, number),
      validResults: [],
      accepted: new Set(),
      fresh: new Map(),
    }
  }

  private async judge(envelope: Buffer, draft: Draft, view: StateView): Promise<TxValidationCode> {
    const { code: verdict, txId, results, timestamp } = this.validate(this.channelId, envelope)
    const txNum = draft.codes.length
    const isOnLedger = txId !== '' && this.state.store.get(this.state.keys.transaction(txId)) !== undefined
    let code: TxValidationCode = verdict
    if (code === TxValidationCode.VALID) {
      if (isOnLedger || draft.accepted.has(txId)) code = TxValidationCode.DUPLICATE_TXID
      else {
        if (txId !== '') draft.accepted.add(txId)
        if (results) code = await applyTransaction(results, { txNum, txId, timestamp }, view, draft.updates)
      }
    }
    if (code === TxValidationCode.VALID && results) draft.validResults.push(results)
    if (txId !== '' && !isOnLedger && !draft.fresh.has(txId))
      draft.fresh.set(txId, { blockNum: draft.number, txNum, code })
    return code
  }

  private async store(envelopes: readonly Buffer[], draft: Draft): Promise<void> {
    const { number, codes, fresh } = draft
    const { keys, store } = this.state
    const isGenesis = number === 0
    const nextCommitHash = isGenesis
      ? this.last.commitHash
      : commitHash(Buffer.from(codes), draft.validResults, this.last.commitHash)
    const block = makeBlock({
      number,
      previousHash: this.last.lastHash,
      envelopes,
      codes,
      commitHash: isGenesis ? undefined : nextCommitHash,
    })
    const savepoint: Savepoint = { height: number + 1, lastHash: block.hash, commitHash: nextCommitHash }
    await store.write((batch) => {
      draft.updates.fill(batch)
      for (const [txId, entry] of fresh) batch.put(keys.transaction(txId), encodeTransaction(entry))
      batch.put(keys.block(number), block.bytes)
      batch.put(keys.savepoint, encodeSavepoint(savepoint))
    })
    this.state.advance(number, [...draft.updates.changes()])
    this.last = savepoint
    const blockNumber = BigInt(number)
    for (const [txId, { code }] of fresh) this.onCommitted(txId, { code, blockNumber })
  }
}
