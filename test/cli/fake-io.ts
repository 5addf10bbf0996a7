import { EventEmitter, once } from 'node:events'
import { runCli, type CliIo } from '../../src/cli.js'
import type { CreateDaemon } from '../../src/control/types.js'

/** An output that keeps what is written. */
export class KeptOutput {
  isTTY = false
  columns = 80
  readonly #chunks: Buffer[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)

  write(chunk: string | Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk as string))
    this.#news.emit('more')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }

  /** Resolves when the text matches. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await once(this.#news, 'more')
  }
}

/** The world around a command in a test. */
export class FakeIo implements CliIo {
  readonly stdout = new KeptOutput()
  readonly stderr = new KeptOutput()
  env: Record<string, string | undefined> = {}
  cwd = '/'
  createDaemon: CreateDaemon = () => Promise.reject(new Error('no daemon was expected'))
  /** Exit codes that were forced. */
  readonly exits: number[] = []
  readonly #listeners = new Set<() => void>()

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  exit(code: number): void {
    this.exits.push(code)
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const listener of this.#listeners) listener()
  }

  get isInterruptible(): boolean {
    return this.#listeners.size > 0
  }

  /** Runs the command line; words are split at spaces unless they come as a list. */
  run(words: string | readonly string[]): Promise<number> {
    return runCli(typeof words === 'string' ? words.split(' ') : words, this)
  }
}
