import type { CommitStatus } from './types.js'

interface Waiter {
  resolve: (status: CommitStatus) => void
  reject: (reason: unknown) => void
}

/** Who waits for which transaction to be committed. */
export class CommitWaiters {
  private readonly byTxId = new Map<string, Set<Waiter>>()
  private closed: { reason: unknown } | undefined

  /**
   * Resolves when `settle` tells the transaction's status; at once when `lookUp` knows it. The waiter is entered before the
   * look-up, so that no commit slips between. Rejects with the signal's reason, or that of `close`.
   */
  async wait(txId: string, lookUp: () => CommitStatus | undefined, signal?: AbortSignal): Promise<CommitStatus> {
    signal?.throwIfAborted()
    const waiters = this.byTxId.get(txId) ?? new Set<Waiter>()
    this.byTxId.set(txId, waiters)
    let waiter: Waiter | undefined
    let onAbort: (() => void) | undefined
    try {
      return await new Promise<CommitStatus>((resolve, reject) => {
        waiters.add((waiter = { resolve, reject }))
        onAbort = () => reject(signal!.reason)
        signal?.addEventListener('abort', onAbort)
        const known = lookUp()
        if (known) resolve(known)
        else if (this.closed) reject(this.closed.reason)
      })
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort)
      waiters.delete(waiter!)
      if (waiters.size === 0 && this.byTxId.get(txId) === waiters) this.byTxId.delete(txId)
    }
  }

  /** Tells the status of a transaction to those who wait for it. */
  settle(txId: string, status: CommitStatus): void {
    for (const { resolve } of this.byTxId.get(txId) ?? []) resolve(status)
  }

  /** Turns away everybody who waits, and who will. */
  close(reason: unknown): void {
    this.closed = { reason }
    for (const waiters of this.byTxId.values()) for (const { reject } of waiters) reject(reason)
  }
}
