import { KVRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet, TxReadWriteSet_DataModel } from '../../proto/gen/ledger/rwset.js'
import type { CommitStatus, EnvelopeValidator, Ledger, TxSimulator, Version } from '../../src/ledger/types.js'

/** A ledger of one channel in memory: enough of it to see what a gateway does with one. */
export class MemoryLedger implements Ledger {
  height = 1n
  /** Commits wait for this; a test that holds them puts its own promise here. */
  mayCommit: Promise<void> = Promise.resolve()
  /** Simulators that were made and are not done. */
  openSimulators = 0
  readonly #state = new Map<string, { value: Buffer; version: Version }>()
  /** By transaction id, the first occurrence. */
  readonly statuses = new Map<string, CommitStatus>()
  readonly #waiting = new Map<string, ((status: CommitStatus) => void)[]>()

  constructor(
    readonly channelId: string,
    readonly validate: EnvelopeValidator,
  ) {}

  newSimulator(txId: string): TxSimulator {
    this.openSimulators++
    const sets = new Map<string, KVRWSet>()
    const setOf = (namespace: string) => {
      const set = sets.get(namespace) ?? KVRWSet.fromPartial({})
      sets.set(namespace, set)
      return set
    }
    let isDone = false
    const write = (namespace: string, key: string, value: Buffer) =>
      setOf(namespace).writes.push({ key, value, isDelete: value.length === 0 })
    return {
      txId,
      getState: (namespace, key) => {
        const row = this.#state.get(`${namespace}/${key}`)
        setOf(namespace).reads.push({ key, version: row?.version })
        return row?.value
      },
      setState: write,
      deleteState: (namespace, key) => write(namespace, key, Buffer.alloc(0)),
      getStateRange: () => {
        throw new Error('not in memory')
      },
      getHistoryForKey: () => {
        throw new Error('not in memory')
      },
      getTxSimulationResults: () => {
        if (isDone) throw new Error('this instance should not be used after calling Done()')
        const nsRwset = [...sets].map(([namespace, set]) => ({
          namespace,
          rwset: Buffer.from(KVRWSet.encode(set).finish()),
          collectionHashedRwset: [],
        }))
        return Buffer.from(TxReadWriteSet.encode({ dataModel: TxReadWriteSet_DataModel.KV, nsRwset }).finish())
      },
      done: () => {
        if (!isDone) this.openSimulators--
        isDone = true
      },
    }
  }

  async commit(envelope: Buffer): Promise<CommitStatus> {
    await this.mayCommit
    const { code, txId, results } = this.validate(this.channelId, envelope)
    const blockNumber = this.height++
    const verdict = this.statuses.has(txId) ? 9 : code === 0 ? this.#apply(results!, blockNumber) : code
    const status = { code: verdict, blockNumber }
    if (!this.statuses.has(txId)) this.statuses.set(txId, status)
    for (const tell of this.#waiting.get(txId) ?? []) tell(status)
    return status
  }

  #apply(results: Buffer, blockNum: bigint): number {
    const sets = TxReadWriteSet.decode(results).nsRwset.map(
      ({ namespace, rwset }) => [namespace, KVRWSet.decode(rwset)] as const,
    )
    for (const [namespace, { reads }] of sets) {
      for (const { key, version } of reads) {
        if (this.#state.get(`${namespace}/${key}`)?.version.blockNum !== version?.blockNum) return 11
      }
    }
    for (const [namespace, { writes }] of sets) {
      for (const { key, value } of writes) {
        this.#state.set(`${namespace}/${key}`, { value, version: { blockNum, txNum: 0n } })
      }
    }
    return 0
  }

  statusOf(txId: string): CommitStatus | undefined {
    return this.statuses.get(txId)
  }

  whenCommitted(txId: string, signal?: AbortSignal): Promise<CommitStatus> {
    const known = this.statuses.get(txId)
    if (known) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      this.#waiting.set(txId, [...(this.#waiting.get(txId) ?? []), resolve])
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  }

  getBlock(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  verify(): Promise<string[]> {
    return Promise.resolve([])
  }
}
