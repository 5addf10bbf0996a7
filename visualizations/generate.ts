/** Writes the diagrams of all statecharts; with `--check`, only says which differ from the charts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import {
  buildMachine,
  chaincodeMachine,
  daemonMachine,
  dockerMachine,
  processMachine,
  serviceMachine,
  shardMachine,
  streamMachine,
  supervisorMachine,
} from '../machines/index.js'
import { mermaid, stateTable } from './mermaid.js'

const charts = {
  daemon: daemonMachine,
  supervisor: supervisorMachine,
  shard: shardMachine,
  chaincode: chaincodeMachine,
  build: buildMachine,
  process: processMachine,
  docker: dockerMachine,
  service: serviceMachine,
  stream: streamMachine,
}
const check = process.argv.includes('--check')
const differing: string[] = []

/** Gives a page its text; with `--check`, only remembers that it has another one. */
function keep(name: string, url: URL, textOf: (current: string) => string): void {
  let current = ''
  try {
    current = readFileSync(url, 'utf8')
  } catch {
    // A chart that has no page yet differs from it.
  }
  const text = textOf(current)
  if (current === text) return
  differing.push(name)
  if (!check) writeFileSync(url, text)
}

for (const [name, machine] of Object.entries(charts)) {
  const url = new URL(`./${name}.md`, import.meta.url)
  const text = `# The ${name} statechart\n\nGenerated from \`machines/${name}.ts\` by \`npm run diagrams\`.\n\n\`\`\`mermaid\n${mermaid(machine)}\n\`\`\`\n\n${stateTable(machine)}\n`
  const options = await resolveConfig(url)
  const formatted = await format(text, { ...options, parser: 'markdown' })
  keep(`visualizations/${name}.md`, url, () => formatted)
}
keep('README.md', new URL('../README.md', import.meta.url), (readme) =>
  readme.replace(/(?<=```mermaid\n)[\s\S]*?(?=\n```)/, () => mermaid(chaincodeMachine)),
)
if (check && differing.length > 0) {
  process.stderr.write(`${differing.join(', ')} differ from the charts; run npm run diagrams\n`)
  process.exitCode = 1
}
