import { ClassicLevel, type Iterator, type Snapshot } from 'classic-level'
import { mkdir, readdir, realpath } from 'node:fs/promises'
import { failure, isFailure, messageOf } from '../errors.js'
import { FORMAT_KEY, type KeyRange } from './keys.js'

/** What the store's own record says; another text means another layout of keys or records. */
const FORMAT = 'chaincoded ledger 1'

/** LevelDB's cache of file blocks; what is read often is in the ledger's own caches. */
const BLOCK_CACHE_BYTES = 8 * 1024 * 1024

/** Real paths of the folders that this process has open. */
const openFolders = new Set<string>()

type Database = ClassicLevel<string, Buffer>

/** The changes of one atomic write. */
export interface StoreBatch {
  put(key: string, value: Buffer): unknown
  del(key: string): unknown
}

/** The store as it was at one moment. Close it: it holds back compaction. */
export type StoreSnapshot = Snapshot

/** A cursor over a range of keys, in byte order. One `next` at a time. */
export interface StoreCursor {
  /** At most `limit` entries; fewer mean that the end was reached. Rejects with LEDGER_CLOSED after `close`. */
  next(limit: number): Promise<[key: string, value: Buffer][]>
  /** May be called at any time and more than once; a pending `next` then rejects. */
  close(): void
}

/**
 * A small face over LevelDB: ordered keys, snapshots, and atomic writes that are on disk when they resolve.
 * Reads throw LEDGER_CLOSED after `close`, and LEDGER_UNREADABLE where LevelDB cannot read its files.
 */
export class Store {
  private failed: Error | undefined

  private constructor(
    private readonly database: Database,
    private readonly folder: string,
    private readonly path: string,
  ) {}

  /**
   * Opens the store in `folder`, or creates it where the folder is missing or empty.
   * Rejects with LEDGER_LOCKED, LEDGER_UNREADABLE, LEDGER_CORRUPT or LEDGER_FOREIGN.
   */
  static async open(folder: string): Promise<Store> {
    const path = await prepareFolder(folder)
    // LevelDB's own check would do harm: it opens and closes the LOCK file, and so frees this process's lock on it.
    if (openFolders.has(path)) throw failure('LEDGER_LOCKED', { folder })
    openFolders.add(path)
    const database: Database = new ClassicLevel(folder, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
    try {
      await database.open({ cacheSize: BLOCK_CACHE_BYTES })
    } catch (error) {
      openFolders.delete(path)
      throw openFailure(folder, error)
    }
    const store = new Store(database, folder, path)
    try {
      await store.claim()
    } catch (error) {
      await store.close()
      throw isFailure(error) ? error : openFailure(folder, error)
    }
    return store
  }

  /** The value of `key`, in `snapshot` where one is given. */
  get(key: string, snapshot?: StoreSnapshot): Buffer | undefined {
    try {
      return snapshot === undefined
        ? this.database.getSync(key)
        : this.database.getSync(key, { snapshot, keyEncoding: 'utf8', valueEncoding: 'buffer' })
    } catch (error) {
      throw this.readFailure(error)
    }
  }

  /** A snapshot of everything that is written by now. */
  snapshot(): StoreSnapshot {
    try {
      return this.database.snapshot()
    } catch (error) {
      throw this.readFailure(error)
    }
  }

  /** A cursor over `range`, from its end where `reverse` is set. */
  cursor(range: KeyRange, options: { reverse?: boolean; snapshot?: StoreSnapshot } = {}): StoreCursor {
    let iterator: Iterator<Database, string, Buffer>
    try {
      iterator = this.database.iterator({
        gte: range.from,
        lt: range.to,
        reverse: options.reverse ?? false,
        snapshot: options.snapshot,
        highWaterMarkBytes: 1024 * 1024,
      })
    } catch (error) {
      throw this.readFailure(error)
    }
    let closed = false
    return {
      next: async (limit) => {
        const entries: [string, Buffer][] = []
        while (entries.length < limit) {
          if (closed) throw failure('LEDGER_CLOSED', {})
          const more = await iterator.nextv(limit - entries.length).catch((error: unknown) => {
            throw this.readFailure(error)
          })
          if (more.length === 0) break
          entries.push(...more)
        }
        if (closed) throw failure('LEDGER_CLOSED', {})
        return entries
      },
      close: () => {
        if (closed) return
        closed = true
        // LevelDB waits here for a `next` that is under way.
        void iterator.close()
      },
    }
  }

  /**
   * Writes all that `fill` puts into the batch or nothing, synced to disk. After a write that failed every later one rejects
   * with the same LEDGER_WRITE_FAILED: LevelDB's log may end in half a record, and what would follow it could not be
   * recovered.
   */
  async write(fill: (batch: StoreBatch) => void): Promise<void> {
    if (this.failed) throw this.failed
    if (this.database.status !== 'open') throw failure('LEDGER_CLOSED', {})
    // A chained batch: one array of operations costs LevelDB's binding several times as much.
    const batch = this.database.batch()
    try {
      fill(batch)
    } catch (error) {
      await batch.close()
      throw error
    }
    try {
      await batch.write({ sync: true })
    } catch (error) {
      if (this.database.status !== 'open') throw failure('LEDGER_CLOSED', {}, error)
      this.failed ??= failure('LEDGER_WRITE_FAILED', { folder: this.folder, detail: messageOf(error) }, error)
      throw this.failed
    }
  }

  /** Closes snapshots and cursors that are still open, then the store. Idempotent. */
  async close(): Promise<void> {
    await this.database.close()
    openFolders.delete(this.path)
  }

  private async claim(): Promise<void> {
    const format = this.get(FORMAT_KEY)?.toString()
    if (format === FORMAT) return
    if (format !== undefined)
      throw failure('LEDGER_FOREIGN', { folder: this.folder, detail: `its format is ${JSON.stringify(format)}` })
    const keys = await this.database.keys({ limit: 1 }).all()
    if (keys.length > 0) throw failure('LEDGER_FOREIGN', { folder: this.folder, detail: 'it is another LevelDB' })
    await this.write((batch) => batch.put(FORMAT_KEY, Buffer.from(FORMAT)))
  }

  private readFailure(error: unknown): Error {
    if (isFailure(error)) return error
    if (this.database.status !== 'open') return failure('LEDGER_CLOSED', {}, error)
    return failure('LEDGER_UNREADABLE', { folder: this.folder, detail: messageOf(error) }, error)
  }
}

/** What LevelDB leaves behind when it dies while it creates a store. */
const UNFINISHED = /^(LOCK|LOG|LOG\.old|MANIFEST-000001|000001\.dbtmp)$/

/**
 * Makes the folder where it is missing, and answers its real path. Refuses it where LevelDB would make a new store between
 * the files of somebody else, or over a store whose CURRENT is gone.
 */
async function prepareFolder(folder: string): Promise<string> {
  let names: string[]
  let path: string
  try {
    await mkdir(folder, { recursive: true })
    names = await readdir(folder)
    path = await realpath(folder)
  } catch (error) {
    throw failure('LEDGER_UNREADABLE', { folder, detail: messageOf(error) }, error)
  }
  const stranger = names.find((name) => !UNFINISHED.test(name))
  if (names.includes('CURRENT') || stranger === undefined) return path
  throw names.some((name) => /^MANIFEST-\d+$/.test(name))
    ? failure('LEDGER_CORRUPT', { folder, detail: 'its file CURRENT is missing' })
    : failure('LEDGER_FOREIGN', { folder, detail: `it holds ${stranger}` })
}

function openFailure(folder: string, error: unknown): Error {
  const cause = (error as { cause?: unknown }).cause ?? error
  const detail = messageOf(cause)
  switch ((cause as { code?: unknown }).code) {
    case 'LEVEL_LOCKED':
      return failure('LEDGER_LOCKED', { folder }, error)
    case 'LEVEL_CORRUPTION':
      return failure('LEDGER_CORRUPT', { folder, detail }, error)
    default:
      return failure('LEDGER_UNREADABLE', { folder, detail }, error)
  }
}
