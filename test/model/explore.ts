/** Walks a chart: every state and every transition, on the model and on a running actor beside it. */
import { getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { type AnyMachineSnapshot, type AnyStateMachine, type EventObject, SimulatedClock, createActor } from 'xstate'

/** One setting that a chart is walked under. */
export interface Walk {
  name: string
  machine: AnyStateMachine
  input?: unknown
  /** Payloads by event type; a type that is not named here is sent bare. They may depend on the state. */
  events?: (snapshot: AnyMachineSnapshot) => EventObject[]
  /** Types that the walk does not send at all. */
  without?: readonly string[]
  /** What of the context tells states apart, beside the state value. */
  facts?: (context: any) => unknown
}

/** What a walk went through. */
export interface Coverage {
  paths: number
  steps: number
  states: Set<string>
  transitions: Set<string>
  /** Steps after which the running actor stood elsewhere than the model. */
  differences: string[]
}

interface TransitionLike {
  eventType: string
  source: { id: string; transitions: Map<string, TransitionLike[]>; always?: TransitionLike[] }
}

const nameOf = (transition: TransitionLike): string => {
  const { source, eventType } = transition
  const siblings = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? [])
  return `${source.id} --${eventType || 'always'}[${siblings.indexOf(transition)}]`
}

/** Every state and every transition that a chart defines. */
export function inventory(machine: AnyStateMachine): { states: string[]; transitions: string[] } {
  const states: string[] = []
  const transitions: string[] = []
  const visit = (node: any): void => {
    states.push(node.id)
    for (const list of node.transitions.values()) transitions.push(...list.map(nameOf))
    transitions.push(...(node.always ?? []).map(nameOf))
    for (const child of Object.values(node.states)) visit(child)
  }
  visit(machine.root)
  return { states, transitions: [...new Set(transitions)] }
}

/** Walks the shortest path to each edge's source, plus the edge, on a running actor, and compares state by state. */
export function walk({ name, machine, input, events, without = [], facts }: Walk): Coverage {
  const send = (snapshot: AnyMachineSnapshot): EventObject[] => {
    const special = events?.(snapshot) ?? []
    const types = new Set(special.map((event) => event.type))
    const bare = machine.events.filter((type) => !types.has(type) && !type.includes('*') && !without.includes(type))
    return [...special, ...bare.map((type) => ({ type }))]
  }
  const serializeState = (snapshot: AnyMachineSnapshot) =>
    JSON.stringify([snapshot.value, snapshot.status, facts?.(snapshot.context)])
  const options = { events: send, serializeState, input, limit: 20_000 } as never
  const adjacency = getAdjacencyMap(machine, options) as Record<
    string,
    { state: AnyMachineSnapshot; transitions: Record<string, { event: EventObject; state: AnyMachineSnapshot }> }
  >
  const shortest = new Map(
    getShortestPaths(machine, options).map((path) => [
      serializeState(path.state as AnyMachineSnapshot),
      path.steps.map((step) => step.event as EventObject).filter((event) => event.type !== 'xstate.init'),
    ]),
  )
  const coverage: Coverage = { paths: 0, steps: 0, states: new Set(), transitions: new Set(), differences: [] }
  for (const [key, { state, transitions }] of Object.entries(adjacency)) {
    const prefix = shortest.get(key)
    if (!prefix) throw new Error(`${name}: no path to ${key}`)
    if ((state.status as string) !== 'active') continue
    for (const { event, state: expected } of Object.values(transitions)) {
      const path = [...prefix, event]
      const reached = replay(machine, input, path, coverage)
      if (serializeState(reached) !== serializeState(expected))
        coverage.differences.push(
          `${name}: after ${path.map((step) => step.type).join(', ')} the model stands in ${serializeState(expected)}, the actor in ${serializeState(reached)}`,
        )
    }
  }
  return coverage
}

function replay(machine: AnyStateMachine, input: unknown, path: EventObject[], coverage: Coverage): AnyMachineSnapshot {
  let root: unknown
  const actor = createActor(machine, {
    input,
    clock: new SimulatedClock(),
    inspect: (inspection) => {
      root ??= inspection.actorRef
      if (inspection.actorRef !== root || inspection.type !== '@xstate.microstep') return
      for (const node of (inspection.snapshot as AnyMachineSnapshot)._nodes ?? []) coverage.states.add(node.id)
      for (const transition of inspection._transitions) coverage.transitions.add(nameOf(transition as never))
    },
  })
  actor.subscribe({ error: () => undefined })
  actor.start()
  for (const event of path) actor.send(event)
  coverage.paths += 1
  coverage.steps += path.length
  for (const node of (actor.getSnapshot() as AnyMachineSnapshot)._nodes) coverage.states.add(node.id)
  const reached = actor.getSnapshot() as AnyMachineSnapshot
  actor.stop()
  return reached
}

/** Adds what one walk covered to what others did. */
export function merge(into: Coverage, other: Coverage): Coverage {
  for (const state of other.states) into.states.add(state)
  for (const transition of other.transitions) into.transitions.add(transition)
  into.differences.push(...other.differences)
  into.paths += other.paths
  into.steps += other.steps
  return into
}
