// Generates proto/gen from the .proto files; with --check it only tells whether the committed files are up to date.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const protoDir = dirname(fileURLToPath(import.meta.url))
const committedDir = join(protoDir, 'gen')

const options = [
  'esModuleInterop=true',
  'env=node',
  'forceLong=bigint',
  'importSuffix=.js',
  'outputServices=grpc-js',
  'outputJsonMethods=false',
  'outputPartialMethods=true',
  'unrecognizedEnum=true',
  'oneof=unions',
  'useOptionals=messages',
  // A Date holds milliseconds only, and a proposal's timestamp has nanoseconds.
  'useDate=false',
  // A plain object loses the key `__proto__`, and transient keys are the client's choice.
  'useMapType=true',
  'useExactTypes=false',
  'snakeToCamel=keys',
  // Lets TransientMap be transientMap here while keeping Fabric's name in the .proto file.
  'useJsonName=true',
  // Versions in the header would make every tool update a change of all files.
  'annotateFilesWithVersion=false',
]

/** Runs buf and ts-proto into `directory`; throws with their output when they fail. */
function generateInto(directory) {
  const template = {
    version: 'v2',
    plugins: [
      {
        local: [process.execPath, require.resolve('ts-proto/protoc-gen-ts_proto')],
        out: directory,
        opt: options,
        // One run of the plugin for all folders instead of one for each.
        strategy: 'all',
      },
    ],
  }
  const buf = join(dirname(require.resolve('@bufbuild/buf/package.json')), 'bin', 'buf')
  const run = spawnSync(process.execPath, [buf, 'generate', '--template', JSON.stringify(template), protoDir], {
    encoding: 'utf8',
    env: { ...process.env, BUF_CACHE_DIR: join(directory, '..', 'cache') },
  })
  if (run.error || run.status !== 0) throw run.error ?? new Error(`buf generate failed:\n${run.stdout}${run.stderr}`)
}

/** Path (with /, relative to `directory`) → text of every file below it; empty when there is no such folder. */
function readTree(directory) {
  const files = new Map()
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath ?? entry.path, entry.name)
    files.set(relative(directory, path).split(sep).join('/'), readFileSync(path, 'utf8'))
  }
  return files
}

/** One line per file that differs, saying how and where first. */
function differences(committed, generated) {
  const lines = []
  for (const path of [...new Set([...committed.keys(), ...generated.keys()])].sort()) {
    const before = committed.get(path)
    const after = generated.get(path)
    if (before === after) continue
    if (before === undefined) lines.push(`  missing   proto/gen/${path}`)
    else if (after === undefined) lines.push(`  left over proto/gen/${path} (no .proto file makes it)`)
    else {
      const old = before.split('\n')
      const fresh = after.split('\n')
      const at = fresh.findIndex((line, index) => line !== old[index])
      const line = at < 0 ? fresh.length : at
      lines.push(`  differs   proto/gen/${path}:${line + 1}`)
      lines.push(`              committed: ${old[line] ?? '(end of file)'}`)
      lines.push(`              generated: ${fresh[line] ?? '(end of file)'}`)
    }
  }
  return lines
}

const workDir = mkdtempSync(join(tmpdir(), 'chaincoded-proto-'))
try {
  const freshDir = join(workDir, 'gen')
  mkdirSync(freshDir)
  mkdirSync(committedDir, { recursive: true })
  generateInto(freshDir)
  const generated = readTree(freshDir)
  const lines = differences(readTree(committedDir), generated)
  if (process.argv.includes('--check')) {
    if (lines.length > 0) {
      console.error(`proto/gen is not what the .proto files give. Run \`npm run proto\` and commit the result:`)
      console.error(lines.join('\n'))
      process.exitCode = 1
    } else console.log(`proto/gen is up to date (${generated.size} files)`)
  } else {
    rmSync(committedDir, { recursive: true })
    for (const [path, text] of generated) {
      mkdirSync(dirname(join(committedDir, path)), { recursive: true })
      writeFileSync(join(committedDir, path), text)
    }
    console.log(`proto/gen: ${generated.size} files`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(workDir, { recursive: true, force: true })
}
