import { expect } from 'chai'
import { type Failure, processMachine } from '../../machines/index.js'
import { type RunningChaincode, STARTING, arrive, failed, runChaincode } from './run-chaincode.js'

describe('the chaincode chart tells every waiting caller once why a launch failed', () => {
  const exited: Omit<Extract<Failure, { kind: 'runtimeExited' }>, 'state'> = {
    kind: 'runtimeExited',
    exitCode: 3,
    signal: null,
    lastWords: ['Error: Cannot find module'],
  }
  const dies = (chaincode: RunningChaincode) => chaincode.exit(3, null, ['Error: Cannot find module'])
  const defective = processMachine.provide({
    actions: {
      reportExited: () => {
        throw new Error('defect')
      },
    },
  })
  const defect = { kind: 'runtimeFailed' as const, errno: 'UNKNOWN', message: 'Error: defect' }
  const cases: {
    name: string
    state: string
    failure: Failure
    when: (chaincode: RunningChaincode) => void
    runtime?: typeof processMachine
  }[] = [
    {
      name: 'when the program cannot be started',
      state: 'launching',
      failure: { kind: 'runtimeFailed', state: 'launching', errno: 'ENOENT', message: 'no such program' },
      when: (chaincode) =>
        chaincode.processes.last.tell({ type: 'SPAWN_FAILED', errno: 'ENOENT', message: 'no such program' }),
    },
    {
      name: 'when the process exits before it registers [R-33, FAB-13238]',
      state: 'awaitingRegister',
      failure: { ...exited, state: 'awaitingRegister' },
      when: dies,
    },
    {
      name: 'when the process exits before READY [R-33]',
      state: 'registered',
      failure: { ...exited, state: 'registered' },
      when: dies,
    },
    {
      name: 'when the process is killed by a signal',
      state: 'awaitingRegister',
      failure: { ...exited, state: 'awaitingRegister', exitCode: null, signal: 'SIGSEGV', lastWords: [] },
      when: (chaincode) => chaincode.exit(null, 'SIGSEGV', []),
    },
    {
      name: 'when the stream ends before READY, or REGISTERED cannot be sent [R-13, R-45, FAB-9683]',
      state: 'registered',
      failure: { kind: 'streamEnded', state: 'registered', message: 'write EPIPE' },
      when: (chaincode) => chaincode.streamEnds(7, 'write EPIPE'),
    },
    ...STARTING.map((state) => ({
      name: `when the time is over in ${state}`,
      state,
      failure: { kind: 'startupTimeout' as const, state, afterMs: 300 },
      when: (chaincode: RunningChaincode) => chaincode.clock.increment(300),
    })),
    ...STARTING.map((state) => ({
      name: `when somebody stops it in ${state}`,
      state,
      failure: { kind: 'stopped' as const, state },
      when: (chaincode: RunningChaincode) => chaincode.stop(),
    })),
    ...STARTING.map((state) => ({
      name: `when somebody removes it in ${state}`,
      state,
      failure: { kind: 'stopped' as const, state },
      when: (chaincode: RunningChaincode) => chaincode.send({ type: 'REMOVE' }),
    })),
    ...(['awaitingRegister', 'registered'] as const).map((state) => ({
      name: `when the chart of its process throws in ${state}`,
      state,
      failure: { ...defect, state },
      when: dies,
      runtime: defective,
    })),
  ]
  for (const { name, state, failure, when, runtime } of cases)
    it(name, () => {
      const chaincode = runChaincode({}, runtime)
      arrive[state]!(chaincode)
      chaincode.call(2, 3)
      expect(chaincode.state).to.equal(state)
      expect(chaincode.said).to.deep.equal([])
      when(chaincode)
      if (state === 'launching') chaincode.spawned()
      const answers = [1, 2, 3].map((callerId) => failed(callerId, failure))
      expect(chaincode.said.filter(({ callerId }) => callerId <= 3)).to.deep.equal(answers)
      chaincode.clock.increment(50)
      chaincode.exit(0)
      chaincode.gone()
      expect(['failed', 'stopped', 'removed']).to.include(chaincode.state)
      expect(chaincode.said.filter(({ callerId }) => callerId <= 3)).to.deep.equal(answers)
    })
})
