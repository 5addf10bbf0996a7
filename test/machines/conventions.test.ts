import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { type AnyActorLogic, type AnyStateMachine, type StateNode, fromCallback } from 'xstate'
import * as exported from '../../machines/index.js'

type Node = StateNode<any, any>

const folder = new URL('../../machines/', import.meta.url)
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(new URL(file, folder), 'utf8') }))
const machinesIn = (module: object) =>
  Object.values(module).filter(
    (value): value is AnyStateMachine => typeof value === 'object' && value !== null && 'root' in value,
  )
const machines = (
  await Promise.all(files.map(async ({ file }) => machinesIn(await import(new URL(file, folder).href))))
)
  .flat()
  .filter((machine, i, all) => all.indexOf(machine) === i)

/** A state and all within it. */
const within = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap((child) => within(child))]

/** A state and all around it. */
const around = (node: Node): Node[] => [node, ...(node.parent ? around(node.parent) : [])]

const names = (node: Node, type: string, id: string) =>
  [`${type}.${id}`, `${type}.*`].some((event) => node.transitions.has(event))

/** The id that the charts give to what they spawn from a source; the source's own name where it is not a fixed one. */
const spawnedId = (src: string): string => {
  const spawning = new RegExp(`spawnChild\\('${src}', \\{\\s*id: '(\\w+)'`)
  return files.map(({ text }) => spawning.exec(text)?.[1]).find((id) => id !== undefined) ?? src
}

/** The children of a chart: what a state invokes has that state; what is spawned may live in every state. */
const childrenOf = (machine: AnyStateMachine) => {
  const invoked = within(machine.root).flatMap((node) =>
    node.invoke.map(({ id, src }) => ({ id, src: String(src), home: node })),
  )
  const spawned = Object.keys(machine.implementations.actors)
    .filter((src) => !invoked.some((child) => child.src === src))
    .map((src) => ({ id: spawnedId(src), src, home: machine.root }))
  return [...invoked, ...spawned]
}

/** A callback has no end of its own: the chart that invoked it ends it. */
const callback = String(fromCallback(() => undefined).start)
const isCallback = (machine: AnyStateMachine, src: string) =>
  String((machine.implementations.actors[src] as AnyActorLogic).start) === callback

describe('the conventions of the charts', () => {
  it('hold for every chart: each file that makes one exports it through the index', () => {
    const making = files.filter(({ text }) => text.includes('.createMachine(')).map(({ file }) => file)
    expect(machines.map(({ id }) => `${id}.ts`).sort()).to.deep.equal(making.sort())
    const hidden = machines.filter((machine) => !machinesIn(exported).includes(machine)).map(({ id }) => id)
    expect(hidden).to.deep.equal([])
    expect(machines.flatMap(childrenOf).map(({ src }) => src)).to.include.members(
      'chaincode close open process quiesce runtime shard supervisor'.split(' '),
    )
  })

  it('name the error of every child wherever it may live: one that nobody names ends all of its siblings', () => {
    const missing = machines.flatMap((machine) =>
      childrenOf(machine)
        .filter(({ id, home }) => !around(home).some((node) => names(node, 'xstate.error.actor', id)))
        .map(({ src }) => `${machine.id}.${src}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('name the end of every child: one that nobody names stays among the children for ever', () => {
    const missing = machines.flatMap((machine) =>
      childrenOf(machine)
        .filter(
          ({ id, home }) => ![...around(home), ...within(home)].some((node) => names(node, 'xstate.done.actor', id)),
        )
        .filter(({ src }) => !isCallback(machine, src))
        .map(({ src }) => `${machine.id}.${src}`),
    )
    expect(missing).to.deep.equal([])
    expect(isCallback(exported.processMachine, 'process')).to.equal(true)
    expect(isCallback(exported.daemonMachine, 'open')).to.equal(false)
  })

  for (const machine of machines)
    it(`describe every state of ${machine.id} in one sentence with a full stop`, () => {
      const states = within(machine.root).slice(1)
      expect(states.length).to.be.greaterThan(2)
      const wanting = states.filter(({ description = '' }) => !/^[A-Z](?!.*[.!?] ).*[^.!?]\.$/.test(description))
      expect(wanting.map(({ id, description }) => `${id}: ${description}`)).to.deep.equal([])
    })

  for (const { file, text } of files) {
    it(`let ${file} import nothing but XState and its neighbours`, () => {
      const sources = [...text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"`])(.*?)\1/g)].map(
        (match) => match[2]!,
      )
      const neighbours = files.map((neighbour) => `./${neighbour.file.replace(/\.ts$/, '.js')}`)
      expect(sources.filter((source) => source !== 'xstate' && !neighbours.includes(source))).to.deep.equal([])
    })

    it(`let ${file} reach for no clock, chance, process or console of its own`, () => {
      const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      const reached = code.match(
        /\b(Date|Math\.random|performance|setTimeout|setInterval|setImmediate|console|globalThis)\b/g,
      )
      expect(reached ?? []).to.deep.equal([])
      expect(code).to.not.match(/\bprocess\.(env|pid|kill|on|exit|nextTick)\b/)
    })
  }
})
