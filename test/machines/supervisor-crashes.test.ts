import { expect } from 'chai'
import { chaincodeMachine, shardMachine, shardOf } from '../../machines/index.js'
import { bringUp, neighbours, runSupervisor } from './run-supervisor.js'

const defect = new Error('defect')
const [BAD, SIBLING, OTHER] = neighbours(3) as [string, string, string]
const ELSEWHERE = 'far:1.0'

describe('the supervisor, when a chart throws', () => {
  const throwing = chaincodeMachine.provide({
    actions: {
      refuseStream: ({ context }) => {
        if (context.ccid === BAD) throw defect
      },
    },
  })
  const register = { type: 'REGISTER_RECEIVED', ccid: BAD } as const

  it('reports a chaincode whose chart threw, and its siblings are unharmed', () => {
    const supervisor = runSupervisor({ chaincode: throwing })
    supervisor.add(BAD, SIBLING, OTHER, ELSEWHERE)
    bringUp(supervisor, SIBLING, 7)
    supervisor.call(OTHER, 8)
    const refs = [SIBLING, OTHER, ELSEWHERE].map(supervisor.ref)
    supervisor.open(9).send(register)
    expect(supervisor.said.at(-1)).to.deep.equal({ type: 'CHAINCODE_CRASHED', ccid: BAD, error: defect })
    expect(supervisor.ref(BAD)).to.equal(undefined)
    expect([SIBLING, OTHER, ELSEWHERE].map(supervisor.ref)).to.deep.equal(refs)
    expect([SIBLING, OTHER, ELSEWHERE].map(supervisor.state)).to.deep.equal(['ready', 'launching', 'stopped'])
    supervisor.process(OTHER).tell({ type: 'SPAWNED', pid: 42 })
    supervisor.call(ELSEWHERE, 10)
    expect([OTHER, ELSEWHERE].map(supervisor.state)).to.deep.equal(['awaitingRegister', 'launching'])
  })

  it('can add the chaincode again, and drain without it', () => {
    const supervisor = runSupervisor({ chaincode: throwing })
    supervisor.add(BAD)
    supervisor.open(9).send(register)
    supervisor.add(BAD)
    expect(supervisor.state(BAD)).to.equal('stopped')
    supervisor.open(10).send(register)
    supervisor.send({ type: 'DRAIN' })
    expect(supervisor.actor.getSnapshot().status).to.equal('done')
  })

  it('reports every chaincode of a shard whose chart threw, and serves the others on', () => {
    const supervisor = runSupervisor({
      shard: shardMachine.provide({
        actions: {
          takeLeave: () => {
            throw defect
          },
        },
      }),
    })
    supervisor.add(BAD, SIBLING, ELSEWHERE)
    supervisor.send({ type: 'REMOVE', ccid: BAD })
    expect(supervisor.said.slice(3)).to.deep.equal([
      { type: 'CHAINCODE_CRASHED', ccid: BAD, error: defect },
      { type: 'CHAINCODE_CRASHED', ccid: SIBLING, error: defect },
    ])
    expect(Object.keys(supervisor.actor.getSnapshot().children)).to.deep.equal([shardOf(ELSEWHERE)])
    supervisor.add(SIBLING)
    supervisor.call(SIBLING, 1)
    supervisor.call(ELSEWHERE, 2)
    expect([SIBLING, ELSEWHERE].map(supervisor.state)).to.deep.equal(['launching', 'launching'])
  })
})
