import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChannelHeader, Envelope, HeaderType, Payload } from '../../proto/gen/common/common.js'
import { KVRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { openLedgers, type LedgerOptions } from '../../src/ledger/provider.js'
import type {
  CommitStatus,
  EnvelopeValidator,
  Ledger,
  LedgerProvider,
  ResultsIterator,
  TxSimulator,
} from '../../src/ledger/types.js'

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes)

export const CHANNEL = 'mychannel'
export const NAMESPACE = 'basic'

/** What an envelope of the tests is made of. */
export interface EnvelopeParts {
  txId: string
  results?: Buffer
  seconds?: number
  channelId?: string
}

/** An unsigned envelope with a real channel header; its payload's data are the read-write set itself. */
export function envelopeOf({ txId, results, seconds = 1700000000, channelId = CHANNEL }: EnvelopeParts): Buffer {
  const header = ChannelHeader.fromPartial({
    type: HeaderType.ENDORSER_TRANSACTION,
    timestamp: { seconds: BigInt(seconds), nanos: 5 },
    channelId,
    txId,
  })
  const payload = Payload.encode({
    header: { channelHeader: bufferOf(ChannelHeader.encode(header).finish()), signatureHeader: Buffer.alloc(0) },
    data: results ?? Buffer.alloc(0),
  }).finish()
  return bufferOf(Envelope.encode({ payload: bufferOf(payload), signature: Buffer.alloc(0) }).finish())
}

/** Reads what `envelopeOf` made. A transaction id `code-<n>-…` is judged with that code; undecodable bytes get 255. */
export const judge: EnvelopeValidator = (_channelId, envelope) => {
  try {
    const payload = Payload.decode(Envelope.decode(envelope).payload)
    const { txId, timestamp } = ChannelHeader.decode(payload.header!.channelHeader)
    return { code: Number(/^code-(\d+)-/.exec(txId)?.[1] ?? 0), txId, results: payload.data, timestamp }
  } catch {
    return { code: 255, txId: '' }
  }
}

/** Ledgers in a folder of their own. */
export class Bench {
  provider!: LedgerProvider
  ledger!: Ledger
  private count = 0

  private constructor(
    readonly folder: string,
    private readonly options: Partial<LedgerOptions>,
  ) {}

  static async start(options: Partial<LedgerOptions> = {}): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), 'chaincoded-ledger-')), options)
    await bench.open()
    return bench
  }

  async open(): Promise<void> {
    this.provider = await openLedgers({ folder: this.folder, validate: judge, ...this.options })
    this.ledger = await this.provider.open(CHANNEL)
  }

  async reopen(): Promise<void> {
    await this.provider.close()
    await this.open()
  }

  async stop(): Promise<void> {
    await this.provider.close()
    await rm(this.folder, { recursive: true })
  }

  nextTxId(): string {
    return `tx${++this.count}`
  }

  /** The envelope of what `body` does, simulated now. */
  async simulate(body: (simulator: TxSimulator) => unknown, txId = this.nextTxId(), seconds?: number): Promise<Buffer> {
    const simulator = this.ledger.newSimulator(txId)
    try {
      await body(simulator)
      return envelopeOf({ txId, results: simulator.getTxSimulationResults(), seconds })
    } finally {
      simulator.done()
    }
  }

  /** Simulates and commits. */
  async invoke(
    body: (simulator: TxSimulator) => unknown,
    txId = this.nextTxId(),
    seconds?: number,
  ): Promise<CommitStatus> {
    return this.ledger.commit(await this.simulate(body, txId, seconds))
  }

  /** Commits envelopes as one block; answers their codes. */
  async block(...envelopes: Buffer[]): Promise<number[]> {
    const height = this.ledger.height
    const statuses = await Promise.all(envelopes.map((envelope) => this.ledger.commit(envelope)))
    if (statuses.some(({ blockNumber }) => blockNumber !== height)) throw new Error('the envelopes share no block')
    return statuses.map(({ code }) => code)
  }

  /** Writes values in one transaction. */
  put(values: Record<string, string>): Promise<CommitStatus> {
    return this.invoke((simulator) => {
      for (const [key, value] of Object.entries(values)) simulator.setState(NAMESPACE, key, Buffer.from(value))
    })
  }

  /** What `read` sees in a simulator of its own. */
  async read<T>(read: (simulator: TxSimulator) => T | Promise<T>): Promise<T> {
    const simulator = this.ledger.newSimulator('reader')
    try {
      return await read(simulator)
    } finally {
      simulator.done()
    }
  }

  /** The committed value of a key as text. */
  value(key: string): Promise<string | undefined> {
    return this.read((simulator) => simulator.getState(NAMESPACE, key)?.toString())
  }
}

/** Everything that an iterator still has, pulled `batch` at a time. */
export async function drain<Row>(iterator: ResultsIterator<Row>, batch = 101): Promise<Row[]> {
  const all: Row[] = []
  for (;;) {
    const rows = await iterator.next(batch)
    all.push(...rows)
    if (rows.length < batch) {
      iterator.close()
      return all
    }
  }
}

/** Namespace → its decoded read-write set, in the order in which they are marshalled. */
export const decodeResults = (results: Buffer): Map<string, KVRWSet> =>
  new Map(TxReadWriteSet.decode(results).nsRwset.map(({ namespace, rwset }) => [namespace, KVRWSet.decode(rwset)]))
