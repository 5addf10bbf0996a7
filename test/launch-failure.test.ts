import { expect } from 'chai'
import type { Failure } from '../machines/index.js'
import { type LaunchFacts, describeFailure, launchError } from '../src/launch-failure.js'

const facts: LaunchFacts = {
  ccid: 'kv:1.0',
  address: '127.0.0.1:7052',
  command: ['node', 'index.js'],
  folder: '/chaincode',
  refusedIds: [],
}

const exited = (change: Partial<Extract<Failure, { kind: 'runtimeExited' }>> = {}): Failure => ({
  kind: 'runtimeExited',
  state: 'awaitingRegister',
  exitCode: 3,
  signal: null,
  lastWords: ['its last words'],
  ...change,
})

describe('What is said of a chaincode that is not up', () => {
  const rows: [string, Failure, string][] = [
    [
      'a timeout, with what was awaited in launching',
      { kind: 'startupTimeout', state: 'launching', afterMs: 5000 },
      'timeout expired while starting chaincode kv:1.0 for transaction (state launching, awaited: the start of the process)',
    ],
    [
      '… in awaitingRegister',
      { kind: 'startupTimeout', state: 'awaitingRegister', afterMs: 5000 },
      'timeout expired while starting chaincode kv:1.0 for transaction (state awaitingRegister, awaited: REGISTER at 127.0.0.1:7052)',
    ],
    [
      '… in registered',
      { kind: 'startupTimeout', state: 'registered', afterMs: 5000 },
      'timeout expired while starting chaincode kv:1.0 for transaction (state registered, awaited: READY to be sent)',
    ],
    [
      'a process that could not be started',
      { kind: 'runtimeFailed', state: 'launching', errno: 'ENOENT', message: 'no program node in PATH (ENOENT)' },
      'error starting process: no program node in PATH (ENOENT)',
    ],
    [
      'an exit on the way up',
      exited(),
      'chaincode registration failed: process exited with 3 (state awaitingRegister, awaited: REGISTER at 127.0.0.1:7052)',
    ],
    [
      'an end by a signal',
      exited({ exitCode: null, signal: 'SIGKILL', state: 'registered' }),
      'chaincode registration failed: process was ended by SIGKILL (state registered, awaited: READY to be sent)',
    ],
    ['an exit in transactions', exited({ exitCode: 0, state: 'running' }), 'process exited with 0 (state running)'],
    [
      'an exit without a code',
      exited({ exitCode: null, state: 'ready' }),
      'process exited with unknown code (state ready)',
    ],
    [
      'the end of a stream, with its reason',
      { kind: 'streamEnded', state: 'running', message: 'read ECONNRESET' },
      'stream ended: read ECONNRESET (state running)',
    ],
    [
      'a clean end of a stream on the way up',
      { kind: 'streamEnded', state: 'registered', message: '' },
      'chaincode registration failed: stream ended (state registered, awaited: READY to be sent)',
    ],
    ['a stop', { kind: 'stopped', state: 'ready' }, 'it was stopped'],
    ['a stuck process', { kind: 'stuck', state: 'stopping', pid: 77 }, 'its former process 77 survives SIGKILL'],
    ['nothing connected', { kind: 'notConnected', state: 'stopped' }, 'nothing is connected'],
    ['a start', { kind: 'premature', state: 'launching', registered: false }, 'is being launched'],
    [
      'a start that waits',
      { kind: 'premature', state: 'awaitingRegister', registered: true },
      'launched and waiting for registration',
    ],
    ['a full queue', { kind: 'tooManyCallers', state: 'starting', limit: 9 }, '9 callers already wait'],
  ]
  for (const [what, reason, text] of rows)
    it(`is one sentence: ${what}`, () => {
      expect(describeFailure(reason, facts)).to.equal(text)
    })

  it('names the ids that were refused meanwhile, for a timeout and for an exit', () => {
    const refused = { ...facts, refusedIds: ['vk:1.0', ''] }
    const others = "; meanwhile refused a registration as 'vk:1.0', ''"
    expect(describeFailure(exited(), refused)).to.contain(others)
    expect(describeFailure({ kind: 'startupTimeout', state: 'awaitingRegister', afterMs: 1 }, refused)).to.contain(
      others,
    )
  })
})

describe('The error of a launch', () => {
  it('carries the sentence, the last words as they were, and one suggestion from what was printed', () => {
    const lastWords = ["Error: Cannot find module 'fabric-shim'", 'Require stack:']
    const error = launchError(exited({ exitCode: 1, lastWords }), facts)
    expect(error.code).to.equal('LAUNCH_FAILED')
    expect(error.message).to.match(/^could not launch chaincode kv:1\.0: chaincode registration failed: process exited/)
    expect(error.lastWords).to.deep.equal(lastWords)
    expect(error.hint).to.equal(
      'run npm install in /chaincode; if its package.json does not list fabric-shim, npm install fabric-shim',
    )
  })

  it('looks for the suggestion in stdout too, but only on the way up: a log may tell of anything later', () => {
    const output = ["Error: Cannot find module 'fabric-shim'"]
    const words = { exitCode: 1, lastWords: ['it ended'], output }
    expect(launchError(exited(words), facts).hint).to.contain('npm install')
    expect(launchError(exited(words), facts).lastWords).to.deep.equal(['it ended'])
    expect(launchError(exited({ ...words, state: 'running' }), facts).hint).to.equal(undefined)
  })

  it('suggests what to do about a program that could not be started, from what the system said', () => {
    const message = 'no program nodee in PATH (ENOENT)'
    const reason: Failure = { kind: 'runtimeFailed', state: 'launching', errno: 'ENOENT', message }
    expect(launchError(reason, { ...facts, command: ['nodee'] }).hint).to.equal(
      'install nodee, put it into the PATH of the daemon, or give another --command',
    )
    const denied: Failure = { kind: 'runtimeFailed', state: 'launching', errno: 'EACCES', message: 'not executable' }
    expect(launchError(denied, { ...facts, command: ['/chaincode/run'] }).hint).to.equal('chmod +x /chaincode/run')
  })

  it('suggests nothing where nothing is known', () => {
    const error = launchError({ kind: 'streamEnded', state: 'registered', message: '' }, facts)
    expect(error.hint).to.equal(undefined)
    expect(error.lastWords).to.deep.equal([])
  })

  const own: [Failure, string, string, string?][] = [
    [
      { kind: 'premature', state: 'launching', registered: false },
      'PREMATURE_LAUNCHING',
      'premature execution - chaincode (kv:1.0) is being launched',
    ],
    [
      { kind: 'premature', state: 'registered', registered: true },
      'PREMATURE_WAITING',
      'premature execution - chaincode (kv:1.0) launched and waiting for registration',
    ],
    [
      { kind: 'tooManyCallers', state: 'starting', limit: 9 },
      'TOO_MANY_CALLERS',
      'chaincode kv:1.0 is starting and 9 callers already wait for it (chaincoded.limits.waitingCallers)',
    ],
    [
      { kind: 'notConnected', state: 'stopped' },
      'NOT_CONNECTED',
      'could not launch chaincode kv:1.0: handler not found for chaincode kv:1.0',
      'in dev mode you start the chaincode: with CORE_CHAINCODE_ID_NAME=kv:1.0 in its environment and ' +
        '--peer.address 127.0.0.1:7052 as its arguments',
    ],
  ]
  for (const [reason, code, message, hint] of own)
    it(`has the text of the original where there is one: ${code} [R-46]`, () => {
      expect(launchError(reason, facts)).to.include({ code, message, hint })
    })
})
