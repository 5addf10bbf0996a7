/** How long a user waits: the daemon alone, and `dev` up to the first answered query, each as the built program. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = new URL('../../dist/bin/chaincoded.js', import.meta.url).pathname
const example = new URL('../../examples/asset-transfer', import.meta.url).pathname

/** Starts the program, waits until `isUp` likes what it printed, runs `then`, and stops it. Resolves to milliseconds. */
async function timed(args: string[], isUp: (printed: string) => boolean, then?: (data: string) => Promise<void>) {
  const data = mkdtempSync(join(tmpdir(), 'chaincoded-start-'))
  const startedAt = performance.now()
  const ports = ['--gateway', '127.0.0.1:0', '--chaincode-listen', '127.0.0.1:0']
  const child = spawn(process.execPath, [program, ...args, '--data', data, ...ports], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let printed = ''
  try {
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        printed += chunk.toString()
        if (isUp(printed)) resolve()
      }
      child.stdout.on('data', onData)
      child.stderr.on('data', onData)
      child.once('exit', (code) => reject(new Error(`ended with ${code} before it was up:\n${printed}`)))
    })
    await then?.(data)
    return performance.now() - startedAt
  } finally {
    child.kill('SIGTERM')
    await exited
    rmSync(data, { recursive: true, force: true })
  }
}

const run = (args: string[]) =>
  new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${args[0]} ended with ${code}`))))
  })

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

/** Measures each start `times` times. */
export async function measureStarts(times: number) {
  const rows: object[] = []
  const starts: Record<string, () => Promise<number>> = {
    'daemon alone, first start': () => timed(['start'], (text) => /serving|gateway/i.test(text)),
    'dev, chaincode ready': () => timed(['dev', example], (text) => /\bready\b/.test(text)),
    'dev, first answered query': () =>
      timed(
        ['dev', example],
        (text) => /\bready\b/.test(text),
        (data) => run(['query', 'asset-transfer', 'GetAllAssets', '--data', data]),
      ),
  }
  for (const [bench, start] of Object.entries(starts)) {
    const ms: number[] = []
    for (let i = 0; i < times; i++) ms.push(await start())
    rows.push({ bench, times, medianMs: Math.round(median(ms)), minMs: Math.round(Math.min(...ms)) })
  }
  return rows
}
