import type { CommitStatus, Ledger, TxSimulator } from '../../src/ledger/types.js'

/** A ledger whose commits a test can hold or refuse, and whose simulators are counted. All else is the ledger's own. */
export class HeldLedger implements Ledger {
  /** Commits wait for this. */
  mayCommit: Promise<void> = Promise.resolve()
  /** Commits are refused with this. */
  refusal: Error | undefined
  /** Simulators that were made and are not done. */
  openSimulators = 0

  constructor(private readonly ledger: Ledger) {}

  get channelId(): string {
    return this.ledger.channelId
  }

  get height(): bigint {
    return this.ledger.height
  }

  newSimulator(txId: string): TxSimulator {
    const simulator = this.ledger.newSimulator(txId)
    const done = simulator.done.bind(simulator)
    let isDone = false
    simulator.done = () => {
      if (!isDone) this.openSimulators--
      isDone = true
      done()
    }
    this.openSimulators++
    return simulator
  }

  async commit(envelope: Buffer): Promise<CommitStatus> {
    if (this.refusal) throw this.refusal
    await this.mayCommit
    return this.ledger.commit(envelope)
  }

  statusOf(txId: string): CommitStatus | undefined {
    return this.ledger.statusOf(txId)
  }

  whenCommitted(txId: string, signal?: AbortSignal): Promise<CommitStatus> {
    return this.ledger.whenCommitted(txId, signal)
  }

  getBlock(number: bigint): Promise<Buffer | undefined> {
    return this.ledger.getBlock(number)
  }

  verify(): Promise<string[]> {
    return this.ledger.verify()
  }
}
