import { expect } from 'chai'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { openLedgers } from '../../src/ledger/provider.js'
import type { Ledger } from '../../src/ledger/types.js'
import { CHANNEL, drain, judge, NAMESPACE } from '../ledger/support.js'

const KILLS = 50
const LANES = [0, 1, 2, 3]

/** What the child told of a transaction before it was killed. */
interface Acknowledged {
  lane: number
  counter: number
  txId: string
  blockNumber: bigint
}

/** Compiles the child and what it imports: with a loader each of 50 starts would take half a second of CPU. */
async function compile(into: string): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const folders = ['src/ledger', 'proto/gen', 'test/ledger']
  const found = await Promise.all(folders.map((folder) => readdir(join(root, folder), { recursive: true })))
  const files = [
    ...found.flatMap((names, index) => names.map((name) => join(folders[index]!, name))),
    'src/errors.ts',
    'test/faults/ledger-kill.child.ts',
  ].filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  for (const file of files) {
    const { outputText } = ts.transpileModule(await readFile(join(root, file), 'utf8'), { compilerOptions })
    await mkdir(dirname(join(into, file)), { recursive: true })
    await writeFile(join(into, file.replace(/\.ts$/, '.js')), outputText)
  }
  await cp(join(root, 'package.json'), join(into, 'package.json'))
  await symlink(join(root, 'node_modules'), join(into, 'node_modules'))
  return join(into, 'test/faults/ledger-kill.child.js')
}

/** A child that commits to a ledger in `folder` from `go` on. */
class Committer {
  readonly acknowledged: Acknowledged[] = []
  readonly closed: Promise<unknown>
  private readonly child: ChildProcess
  private errors = ''
  private onAcknowledged: () => void = () => undefined

  constructor(script: string, folder: string, round: number) {
    this.child = spawn(process.execPath, [script, folder, `${round}`])
    this.closed = once(this.child, 'close')
    this.child.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      // Whole even when it is the last: a write to a pipe that is this short is not divided.
      const [lane, counter, txId, blockNumber] = line.split(' ')
      this.acknowledged.push({
        lane: Number(lane),
        counter: Number(counter),
        txId: txId!,
        blockNumber: BigInt(blockNumber!),
      })
      this.onAcknowledged()
    })
  }

  go(): void {
    this.child.stdin!.write('go\n')
  }

  /** Resolves when `count` transactions are acknowledged; rejects when the child ends before. */
  async reached(count: number): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => {
        this.onAcknowledged = () => {
          if (this.acknowledged.length >= count) resolve()
        }
        this.onAcknowledged()
      }),
      this.closed.then(() => {
        throw new Error(`the child ended by itself: ${this.errors}`)
      }),
    ])
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.closed
    expect(this.errors).to.equal('')
  }
}

/** Everything that has to hold after a kill; answers how many transactions the ledger has. */
async function check(ledger: Ledger, acknowledged: readonly Acknowledged[]): Promise<number> {
  expect(await ledger.verify()).to.deep.equal([])
  const simulator = ledger.newSimulator('check')
  let total = 0
  for (const lane of LANES) {
    const [left, right] = ['left', 'right'].map((side) => simulator.getState(NAMESPACE, `${side}${lane}`)?.toString())
    expect(left, 'two keys that are always written together').to.equal(right)
    const counter = Number(left ?? 0)
    const counters = acknowledged.filter((transaction) => transaction.lane === lane).map(({ counter }) => counter)
    expect(counter).to.be.at.least(Math.max(0, ...counters))
    const history = await drain(simulator.getHistoryForKey(NAMESPACE, `right${lane}`))
    expect(history.map(({ value }) => Number(value.toString()))).to.deep.equal(
      Array.from({ length: counter }, (_, index) => counter - index),
    )
    total += counter
  }
  for (const { txId, blockNumber } of acknowledged) {
    expect(ledger.statusOf(txId), txId).to.deep.equal({ code: 0, blockNumber })
    expect(simulator.getState(NAMESPACE, txId), txId).to.not.equal(undefined)
  }
  simulator.done()
  return total
}

describe('A ledger whose process is killed', () => {
  it(`${KILLS} times in the midst of commits has every acknowledged transaction, whole`, async function () {
    this.timeout(120_000)
    const work = await mkdtemp(join(tmpdir(), 'chaincoded-kill-'))
    const folder = join(work, 'ledger')
    const script = await compile(join(work, 'compiled'))
    const all: Acknowledged[] = []
    let committed = 0
    let next = new Committer(script, folder, 0)
    try {
      for (let round = 1; round <= KILLS; round++) {
        const current = next
        // It loads its modules while the other one works.
        next = new Committer(script, folder, round)
        current.go()
        // Now and then the kill comes while the store is being opened and its log replayed.
        if (round % 10 !== 0) await current.reached(1 + Math.floor(Math.random() * 100))
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        await current.kill()
        all.push(...current.acknowledged)

        const provider = await openLedgers({ folder, validate: judge })
        const ledger = await provider.open(CHANNEL)
        committed = await check(ledger, round < KILLS ? current.acknowledged : all)
        await provider.close()
      }
    } finally {
      await next.kill().finally(() => rm(work, { recursive: true }))
    }
    expect(all.length).to.be.greaterThan(KILLS)
    expect(committed).to.be.at.least(all.length)
  })
})
