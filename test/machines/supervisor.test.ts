import { expect } from 'chai'
import { shardOf } from '../../machines/index.js'
import { bringUp, endProcess, neighbours, runSupervisor } from './run-supervisor.js'

const [BAD, SIBLING, OTHER] = neighbours(3) as [string, string, string]
const ELSEWHERE = 'far:1.0'

describe('the supervisor', () => {
  it('starts from ids of which some share a shard and one does not', () => {
    expect([SIBLING, OTHER].map(shardOf)).to.deep.equal([shardOf(BAD), shardOf(BAD)])
    expect(shardOf(ELSEWHERE)).to.not.equal(shardOf(BAD))
  })

  it('passes a call on to the chaincode that it names, and to no other', () => {
    const supervisor = runSupervisor()
    supervisor.add(BAD, SIBLING, ELSEWHERE)
    supervisor.call(SIBLING, 1)
    expect([BAD, SIBLING, ELSEWHERE].map(supervisor.state)).to.deep.equal(['stopped', 'launching', 'stopped'])
    expect(supervisor.processes.started.map(({ ccid }) => ccid)).to.deep.equal([SIBLING])
    supervisor.call(ELSEWHERE, 2)
    supervisor.send({ type: 'STOP', ccid: SIBLING, callerId: 3 })
    expect([BAD, SIBLING, ELSEWHERE].map(supervisor.state)).to.deep.equal(['stopped', 'stopping', 'launching'])
  })

  it('passes the words of a stream on to the chaincode as which it registered', () => {
    const supervisor = runSupervisor()
    supervisor.add(SIBLING, OTHER)
    for (const [callerId, ccid] of [SIBLING, OTHER].entries()) {
      supervisor.call(ccid, callerId)
      supervisor.process(ccid).tell({ type: 'SPAWNED', pid: 42 })
    }
    const stream = supervisor.open(7)
    stream.send({ type: 'REGISTER_RECEIVED', ccid: OTHER }, { type: 'READY_WRITTEN' })
    expect(stream.told.map(({ type }) => type)).to.deep.equal(['GREET'])
    expect([SIBLING, OTHER].map(supervisor.state)).to.deep.equal(['awaitingRegister', 'ready'])
    expect(supervisor.answers).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
    stream.send({ type: 'ENDED', message: '' })
    expect([SIBLING, OTHER].map(supervisor.state)).to.deep.equal(['awaitingRegister', 'stopping'])
  })

  it('ignores what is meant for a chaincode that it does not have', () => {
    const supervisor = runSupervisor()
    supervisor.add(SIBLING)
    for (const ccid of [OTHER, ELSEWHERE, '']) {
      supervisor.call(ccid, 1)
      supervisor.send({ type: 'STOP', ccid, callerId: 2 })
      supervisor.send({ type: 'REMOVE', ccid })
      supervisor.send({ type: 'STREAM_READY', ccid, streamId: 7 })
      supervisor.send({ type: 'STREAM_ENDED', ccid, streamId: 7, message: '' })
    }
    expect(supervisor.state(SIBLING)).to.equal('stopped')
    expect(supervisor.shardRef(shardOf(SIBLING))?.getSnapshot().status).to.equal('active')
    expect(supervisor.said.map(({ type }) => type)).to.deep.equal(['CHAINCODE_ADDED'])
    expect(supervisor.answers).to.deep.equal([])
    expect(supervisor.actor.getSnapshot().status).to.equal('active')
  })

  describe('and chaincodes that come and go', () => {
    it('adds each id once, and does not disturb the chaincode that has it', () => {
      const supervisor = runSupervisor()
      supervisor.add(SIBLING)
      bringUp(supervisor, SIBLING, 7)
      const ref = supervisor.ref(SIBLING)
      supervisor.add(SIBLING)
      expect(supervisor.said).to.deep.equal([{ type: 'CHAINCODE_ADDED', ccid: SIBLING, kind: 'process' }])
      expect(supervisor.ref(SIBLING)).to.equal(ref)
      expect(supervisor.state(SIBLING)).to.equal('ready')
    })

    it('adds no more than its limit, and one more when one has gone', () => {
      const supervisor = runSupervisor({ chaincodesLimit: 2 })
      supervisor.add(BAD, SIBLING, OTHER)
      expect(supervisor.ref(OTHER)).to.equal(undefined)
      expect(supervisor.said.map((event) => event.ccid)).to.deep.equal([BAD, SIBLING])
      supervisor.send({ type: 'REMOVE', ccid: BAD })
      supervisor.add(OTHER)
      expect(supervisor.state(OTHER)).to.equal('stopped')
    })

    it('takes leave of a chaincode that was removed, and knows nothing of it when the id comes again', () => {
      const supervisor = runSupervisor()
      supervisor.add(SIBLING, OTHER)
      bringUp(supervisor, SIBLING, 7)
      supervisor.send({ type: 'REMOVE', ccid: SIBLING })
      expect(supervisor.said.at(-1)).to.include({ type: 'CHAINCODE_ADDED' })
      endProcess(supervisor, SIBLING)
      expect(supervisor.said.at(-1)).to.deep.equal({ type: 'CHAINCODE_REMOVED', ccid: SIBLING })
      expect(supervisor.ref(SIBLING)).to.equal(undefined)
      supervisor.add(SIBLING)
      expect(supervisor.ref(SIBLING)?.getSnapshot().context).to.include({ incarnation: 0, failure: undefined })
    })

    it('keeps no child that is done', () => {
      const supervisor = runSupervisor()
      supervisor.add(BAD, SIBLING, OTHER)
      const children = () => Object.keys(supervisor.shardRef(shardOf(BAD))!.getSnapshot().children)
      supervisor.send({ type: 'REMOVE', ccid: SIBLING })
      expect(children()).to.deep.equal([BAD, OTHER])
      supervisor.send({ type: 'REMOVE', ccid: BAD })
      supervisor.send({ type: 'REMOVE', ccid: OTHER })
      expect(children()).to.deep.equal([])
      expect([...supervisor.shardRef(shardOf(BAD))!.getSnapshot().context.members]).to.deep.equal([])
    })

    it('spreads 1,000 chaincodes over shards of at most 300, and reaches each of them', function () {
      this.timeout(60_000)
      const supervisor = runSupervisor()
      const ccids = Array.from({ length: 1000 }, (_, i) => `chaincode-${i}:1.0`)
      supervisor.add(...ccids)
      const shards = Object.values(supervisor.actor.getSnapshot().context.shards)
      const sizes = shards.map((shard) => Object.keys(shard.getSnapshot().children).length)
      expect(sizes.reduce((sum, size) => sum + size, 0)).to.equal(1000)
      expect(Math.max(...sizes)).to.be.at.most(300)
      ccids.forEach((ccid, callerId) => supervisor.call(ccid, callerId))
      expect(supervisor.processes.started.map(({ ccid }) => ccid)).to.deep.equal(ccids)
    })
  })

  describe('and strangers that register', () => {
    const stranger = (change: Parameters<typeof runSupervisor>[0]) => {
      const supervisor = runSupervisor(change)
      supervisor.add(SIBLING)
      const stream = supervisor.open(7)
      stream.send({ type: 'REGISTER_RECEIVED', ccid: 'stranger:1.0' })
      return { supervisor, stream }
    }
    const refused = (refusal: string) => [
      { type: 'CLOSED', closure: { kind: 'refused', refusal }, ccid: 'stranger:1.0' },
    ]

    it('refuses one outside dev mode', () => {
      const { supervisor, stream } = stranger({})
      expect(stream.told).to.deep.equal(refused('external'))
      expect(supervisor.ref('stranger:1.0')).to.equal(undefined)
    })

    it('takes one in dev mode as a chaincode that is started by hand', () => {
      const { supervisor, stream } = stranger({ acceptsUnsolicited: true })
      expect(stream.told).to.deep.equal([{ type: 'GREET' }])
      expect(supervisor.said.at(-1)).to.deep.equal({ type: 'CHAINCODE_ADDED', ccid: 'stranger:1.0', kind: 'byHand' })
      expect(supervisor.state('stranger:1.0')).to.equal('registered')
      stream.send({ type: 'READY_WRITTEN' })
      supervisor.call('stranger:1.0', 1)
      expect(supervisor.answers).to.deep.equal([{ type: 'CALLER_READY', callerId: 1, streamId: 7 }])
      expect(supervisor.processes.started).to.have.length(0)
    })

    it('refuses one in dev mode while other ids are awaited', () => {
      const { supervisor, stream } = stranger({ acceptsUnsolicited: true, isAwaited: false })
      expect(stream.told).to.deep.equal(refused('unexpected'))
      expect(supervisor.ref('stranger:1.0')).to.equal(undefined)
    })

    it('refuses one in dev mode over the limit of chaincodes', () => {
      const { stream } = stranger({ acceptsUnsolicited: true, chaincodesLimit: 1 })
      expect(stream.told).to.deep.equal(refused('tooMany'))
    })
  })

  describe('and draining', () => {
    it('stops all chaincodes side by side, and ends when the last of them is gone [R-50]', () => {
      const supervisor = runSupervisor()
      const ccids = [BAD, SIBLING, OTHER, ELSEWHERE]
      supervisor.add(...ccids, 'idle:1.0')
      ccids.forEach((ccid, i) => bringUp(supervisor, ccid, i + 1))
      supervisor.send({ type: 'DRAIN' })
      for (const ccid of ccids) expect(supervisor.process(ccid).signals).to.deep.equal(['SIGTERM'])
      for (const ccid of ccids) {
        expect(supervisor.actor.getSnapshot().status).to.equal('active')
        endProcess(supervisor, ccid)
      }
      expect(supervisor.actor.getSnapshot().status).to.equal('done')
      const removed = supervisor.said.filter(({ type }) => type === 'CHAINCODE_REMOVED').map(({ ccid }) => ccid)
      expect(removed).to.have.members([...ccids, 'idle:1.0'])
      expect(supervisor.actor.getSnapshot().children).to.deep.equal({})
      expect(supervisor.log.filter((line) => line.endsWith('CLOSED'))).to.have.length(4)
    })

    it('stops the chaincodes of a shard in the reverse order of their coming', () => {
      const supervisor = runSupervisor()
      supervisor.add(BAD, SIBLING, OTHER)
      supervisor.send({ type: 'DRAIN' })
      expect(supervisor.said.slice(3).map(({ ccid }) => ccid)).to.deep.equal([OTHER, SIBLING, BAD])
    })

    it('ends at once when there is nothing to stop', () => {
      const supervisor = runSupervisor()
      supervisor.send({ type: 'DRAIN' })
      expect(supervisor.actor.getSnapshot().status).to.equal('done')
    })

    it('takes neither chaincodes nor streams any more', () => {
      const supervisor = runSupervisor({ acceptsUnsolicited: true })
      supervisor.add(SIBLING)
      bringUp(supervisor, SIBLING, 7)
      supervisor.send({ type: 'DRAIN' })
      supervisor.add(OTHER)
      expect(supervisor.ref(OTHER)).to.equal(undefined)
      for (const [i, ccid] of [SIBLING, 'stranger:1.0'].entries()) {
        const stream = supervisor.open(8 + i)
        stream.send({ type: 'REGISTER_RECEIVED', ccid })
        expect(stream.told.at(-1)).to.deep.include({ closure: { kind: 'refused', refusal: 'external' } })
      }
      supervisor.call(SIBLING, 9)
      expect(supervisor.answers.at(-1)).to.deep.include({ type: 'CALLER_FAILED', callerId: 9 })
    })
  })
})
