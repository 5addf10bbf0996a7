/**
 * `npm run bench`: prints one JSON line per cell. `--quick` measures for a quarter of the time; `--only noop,getput` and
 * `--in-flight 1,128` and `--chaincode node` choose cells.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { resolveConfig } from '../../src/config.js'
import { createDaemon } from '../../src/daemon.js'
import { createLogger, silentLogger } from '../../src/log.js'
import { clientOf, cpuOfProcessUs, runCell } from './execute.js'
import { measureIdleActors } from './idle-actors.js'
import { measureStarts } from './starts.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    'in-flight': { type: 'string', default: '1,16,128' },
    chaincode: { type: 'string', default: 'node,go' },
    transport: { type: 'string', default: 'http2' },
    verbose: { type: 'boolean', default: false },
  },
})
const print = (row: object) => process.stdout.write(`${JSON.stringify(row)}\n`)
const note = (text: string) => process.stderr.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'chaincoded-bench-'))
const time = values.quick ? { warmUpMs: 200, measureMs: 400 } : { warmUpMs: 500, measureMs: 1500 }
const functions = [
  ['noop'],
  ['getput', '1'],
  ...['read', 'write', 'range'].flatMap((name) => ['10', '100', '1000'].map((n) => [name, n])),
].filter((args) => !values.only || values.only.split(',').some((name) => args.join(' ').startsWith(name)))

/** The command that starts the bench chaincode of a language, or undefined where its tools are missing. */
function commandOf(language: string): { path: string; command: string[] } | undefined {
  const path = new URL(`./chaincode-${language}`, import.meta.url).pathname
  if (language === 'node') return { path, command: [process.execPath, 'index.cjs', '--peer.address', '{address}'] }
  const program = join(folder, 'bench-go')
  try {
    if (!existsSync(program)) execFileSync('go', ['build', '-o', program, '.'], { cwd: path, stdio: 'pipe' })
  } catch (error) {
    note(`go chaincode left out: ${(error as Error).message.split('\n')[0]}`)
    return undefined
  }
  return { path, command: [program, '-peer.address', '{address}'] }
}

async function benchChaincode(language: string): Promise<void> {
  const found = commandOf(language)
  if (!found) return
  const { config } = await resolveConfig({
    dataDir: join(folder, language),
    overrides: {
      'peer.listenAddress': '127.0.0.1:0',
      'peer.chaincodeListenAddress': '127.0.0.1:0',
      'chaincode.logging.shim': 'error',
      'chaincode.logging.level': 'error',
      'chaincoded.transport': values.transport,
    },
  })
  const daemon = await createDaemon({ config, log: values.verbose ? createLogger() : silentLogger() })
  try {
    const name = `bench-${language}`
    const request = { ...found, name, version: '', channel: '', label: '', initRequired: false }
    const { pid } = await daemon.deploy(request, () => undefined)
    await clientOf(daemon).invoke({ channel: 'mychannel', chaincode: name, args: ['fill', '1000'] })
    for (const args of functions)
      for (const inFlight of values['in-flight'].split(',').map(Number)) {
        const before = cpuOfProcessUs(pid)
        print(await runCell(daemon, pid, { chaincode: name, args, inFlight, ...time }))
        if (Number.isNaN(before)) note('no CPU figures of the chaincode on this system')
      }
  } finally {
    await daemon.close()
  }
}

try {
  for (const language of values.chaincode.split(',').filter(Boolean)) await benchChaincode(language)
  if (!values.only) {
    print(await measureIdleActors(10_000))
    for (const row of await measureStarts(values.quick ? 3 : 10)) print(row)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
