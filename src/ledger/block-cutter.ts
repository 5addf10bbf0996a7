import { failure } from '../errors.js'

/** How large blocks get, and how much may wait; names and first two values are those of Fabric's orderer. */
export interface CutterLimits {
  /** Most transactions of a block. */
  maxMessageCount: number
  /** Bytes of envelopes above which a block takes no further one; a larger envelope gets a block of its own. */
  preferredMaxBytes: number
  /** Most transactions that may wait for their block. */
  maxWaiting: number
}

interface Waiting<Status> {
  envelope: Buffer
  resolve: (status: Status) => void
  reject: (reason: unknown) => void
}

/**
 * Cuts blocks without a clock: while one is written, the envelopes that arrive wait, and together are the next. An envelope
 * that finds nothing in work waits only for those that arrive in the same turn of the event loop.
 */
export class BlockCutter<Status> {
  private waiting: Waiting<Status>[] = []
  private working: Promise<void> | undefined
  private closed = false

  constructor(
    private readonly channelId: string,
    private readonly limits: CutterLimits,
    /** Writes a block and answers one status for each envelope. */
    private readonly writeBlock: (envelopes: Buffer[]) => Promise<Status[]>,
  ) {}

  /** Resolves to the envelope's status when its block is written. Rejects with COMMIT_QUEUE_FULL or LEDGER_CLOSED. */
  add(envelope: Buffer): Promise<Status> {
    if (this.closed) return Promise.reject(failure('LEDGER_CLOSED', {}))
    const limit = this.limits.maxWaiting
    if (this.waiting.length >= limit)
      return Promise.reject(failure('COMMIT_QUEUE_FULL', { channelId: this.channelId, limit }))
    return new Promise((resolve, reject) => {
      this.waiting.push({ envelope, resolve, reject })
      this.working ??= this.work()
    })
  }

  /** Takes no further envelope, and resolves when those that wait are in blocks. */
  async close(): Promise<void> {
    this.closed = true
    await this.working
  }

  private async work(): Promise<void> {
    await Promise.resolve()
    while (this.waiting.length > 0) {
      const block = this.cut()
      try {
        const statuses = await this.writeBlock(block.map(({ envelope }) => envelope))
        block.forEach(({ resolve }, index) => resolve(statuses[index]!))
      } catch (error) {
        for (const { reject } of block) reject(error)
      }
    }
    this.working = undefined
  }

  private cut(): Waiting<Status>[] {
    let bytes = 0
    let count = 0
    for (const { envelope } of this.waiting) {
      bytes += envelope.length
      if (count === this.limits.maxMessageCount || (count > 0 && bytes > this.limits.preferredMaxBytes)) break
      count++
    }
    return this.waiting.splice(0, count)
  }
}
