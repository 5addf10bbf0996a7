import type { AnyStateMachine, AnyStateNode } from 'xstate'

const idOf = (node: AnyStateNode): string => node.path.join('_') || node.key

const labelOf = (eventType: string): string => {
  const after = /^xstate\.after\.([^.]+)/.exec(eventType)
  if (after) return `after ${after[1]}`
  const child = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType)
  if (child) return `${(child[2] as string).split('.')[0]?.replace(/^\d+$/, 'service') ?? ''} ${child[1]}`
  return eventType
}

/** The transitions of a state that lead to another one, as Mermaid lines; one line for all events on the same way. */
function arrows(node: AnyStateNode): string[] {
  const ways = new Map<string, Set<string>>()
  const all = [...node.transitions.values()].flat().concat(node.always ?? [])
  for (const { eventType, target } of all)
    for (const to of target ?? []) {
      const way = `${idOf(node)} --> ${idOf(to)}`
      const labels = ways.get(way) ?? new Set<string>()
      if (eventType) labels.add(labelOf(eventType))
      ways.set(way, labels)
    }
  return [...ways].map(([way, labels]) => (labels.size > 0 ? `${way}: ${[...labels].join(', ')}` : way))
}

function states(node: AnyStateNode, indent: string): string[] {
  const lines: string[] = []
  for (const child of Object.values(node.states)) {
    const nested = Object.keys(child.states).length > 0
    if (nested)
      lines.push(`${indent}state "${child.key}" as ${idOf(child)} {`, ...states(child, `${indent}  `), `${indent}}`)
    else lines.push(`${indent}state "${child.key}" as ${idOf(child)}`)
    if (child.type === 'final') lines.push(`${indent}${idOf(child)} --> [*]`)
  }
  for (const initial of node.initial?.target ?? []) lines.push(`${indent}[*] --> ${idOf(initial)}`)
  return lines
}

const everyState = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(everyState)]

/** A statechart as a Mermaid state diagram: its states, and every way from one to another. */
export function mermaid(machine: AnyStateMachine): string {
  const ways = everyState(machine.root).flatMap((node) => (node === machine.root ? [] : arrows(node)))
  return ['stateDiagram-v2', ...states(machine.root, '  '), ...ways.map((way) => `  ${way}`)].join('\n')
}

/** The states of a statechart with the sentence that defines each, as a Markdown table. */
export function stateTable(machine: AnyStateMachine): string {
  const rows = everyState(machine.root)
    .filter((node) => node !== machine.root)
    .map((node) => `| ${node.path.join('.')} | ${node.description ?? ''} |`)
  return ['| state | what it means |', '| --- | --- |', ...rows].join('\n')
}
