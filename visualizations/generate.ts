/** Writes the diagrams of all statecharts; with `--check`, only says which differ from the charts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import {
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
  process: processMachine,
  docker: dockerMachine,
  service: serviceMachine,
  stream: streamMachine,
}
const check = process.argv.includes('--check')
const differing: string[] = []

for (const [name, machine] of Object.entries(charts)) {
  const url = new URL(`./${name}.md`, import.meta.url)
  const text = `# The ${name} statechart\n\nGenerated from \`machines/${name}.ts\` by \`npm run diagrams\`.\n\n\`\`\`mermaid\n${mermaid(machine)}\n\`\`\`\n\n${stateTable(machine)}\n`
  const options = await resolveConfig(url)
  const formatted = await format(text, { ...options, parser: 'markdown' })
  let current = ''
  try {
    current = readFileSync(url, 'utf8')
  } catch {
    // A chart that has no page yet differs from it.
  }
  if (current === formatted) continue
  differing.push(name)
  if (!check) writeFileSync(url, formatted)
}
if (check && differing.length > 0) {
  process.stderr.write(`visualizations/ differs from the charts: ${differing.join(', ')}; run npm run diagrams\n`)
  process.exitCode = 1
}
