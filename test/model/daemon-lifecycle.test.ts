import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { fromCallback, getInitialSnapshot, getNextSnapshot, type SnapshotFrom } from 'xstate'
import { type ChaincodeEvent, type ChaincodeInput, chaincodeMachine, stateName } from '../../machines/index.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import { resolveConfig } from '../../src/config.js'
import { type Daemon, createDaemon } from '../../src/daemon.js'
import { openDataFolder } from '../../src/data-folder.js'
import type { PeerStream } from '../../src/protocol/peer-stream.js'
import { silentLogger } from '../../src/log.js'
import { isAlive } from '../fixtures/embedded-daemon.js'
import { ScriptedChaincode } from '../fixtures/scripted-chaincode.js'

/** What can be done to a chaincode from outside. */
const actions = ['CALL', 'REGISTER', 'BEGIN', 'END', 'DROP', 'KILL', 'STOP', 'REMOVE'] as const
type Action = (typeof actions)[number]

const machine = chaincodeMachine.provide({ actors: { runtime: fromCallback(() => undefined) as never } })
type Snapshot = SnapshotFrom<typeof machine>

const input: ChaincodeInput = {
  ccid: 'cc:1.0',
  kind: 'process',
  runtime: { termGraceMs: 1000, killGraceMs: 1000 },
  startupTimeoutMs: 60_000,
  whenStarting: 'wait',
  waitingCallersLimit: 10,
  restart: 'onDemand',
  restartIntensity: 5,
  restartPeriodMs: 60_000,
  backoffMs: 1,
  backoffLimitMs: 1,
}
const stub = { send: () => undefined, _send: () => undefined, sessionId: 'x:stub', id: 'stub' }

/** The chart's own events for an action, up to the next state that lasts. */
function predict(from: Snapshot, action: Action): Snapshot {
  const events: Record<Action, ChaincodeEvent> = {
    CALL: { type: 'ENSURE_READY', callerId: 1 },
    REGISTER: { type: 'REGISTER', ccid: 'cc:1.0', streamId: from.context.incarnation * 10, stream: stub as never },
    BEGIN: { type: 'TX_STARTED', streamId: from.context.stream?.id ?? -1 },
    END: { type: 'TX_ENDED', streamId: from.context.stream?.id ?? -1 },
    DROP: { type: 'STREAM_ENDED', ccid: 'cc:1.0', streamId: from.context.stream?.id ?? -1, message: '' },
    KILL: {
      type: 'RUNTIME_EXITED',
      incarnation: from.context.hasRuntime ? from.context.incarnation : -1,
      exitCode: null,
      signal: 'SIGKILL',
      lastWords: [],
    },
    STOP: { type: 'STOP', callerId: 2 },
    REMOVE: { type: 'REMOVE' },
  }
  let next: Snapshot = getNextSnapshot(machine, from, events[action])
  const follow = (state: string, event: ChaincodeEvent) => {
    if (stateName(next.value) === state) next = getNextSnapshot(machine, next, event)
  }
  const { incarnation } = next.context
  follow('launching', { type: 'RUNTIME_STARTED', incarnation, pid: 1 })
  follow('registered', { type: 'STREAM_READY', ccid: 'cc:1.0', streamId: next.context.stream?.id ?? -1 })
  follow('stopping', { type: 'RUNTIME_STOPPED', incarnation })
  return next
}

const keyOf = (snapshot: Snapshot): string => stateName(snapshot.value)

/** For every state that lasts and every action: the shortest way there, plus the action. */
function edges(): Action[][] {
  const initial = getInitialSnapshot(machine, input)
  const shortest = new Map<string, { path: Action[]; snapshot: Snapshot }>([
    [keyOf(initial), { path: [], snapshot: initial }],
  ])
  const paths: Action[][] = []
  for (const { path, snapshot } of shortest.values()) {
    if (snapshot.status !== 'active') continue
    for (const action of actions) {
      const next = predict(snapshot, action)
      paths.push([...path, action])
      if (!shortest.has(keyOf(next))) shortest.set(keyOf(next), { path: [...path, action], snapshot: next })
    }
  }
  return paths
}

/** The real thing: a daemon, a process that sleeps, and a chaincode in the test that speaks for it. */
class Real {
  private chaincode: ScriptedChaincode | undefined
  private readonly outsiders: ScriptedChaincode[] = []
  private readonly calls: Promise<unknown>[] = []
  private transaction: Promise<unknown> | undefined
  private pid = 0

  constructor(
    private readonly daemon: Daemon,
    private readonly address: string,
  ) {}

  /** Does an action and waits until the daemon stands where the model does. */
  async perform(action: Action, before: Snapshot, after: Snapshot): Promise<void> {
    const { directory } = this.daemon
    const isUp = 'up' in Object(before.value)
    switch (action) {
      case 'CALL':
        this.calls.push(directory.ensureReady('cc:1.0').catch((error: unknown) => error))
        break
      case 'REGISTER': {
        const chaincode = new ScriptedChaincode(this.address)
        chaincode.register('cc:1.0')
        if (keyOf(before) === 'awaitingRegister') {
          this.chaincode = chaincode
          await chaincode.message(({ type }) => type === Type.READY)
          expect(await Promise.all(this.calls), 'callers that waited').to.satisfy((streams: PeerStream[]) =>
            streams.every((stream) => stream.ccid === 'cc:1.0'),
          )
        } else {
          this.outsiders.push(chaincode)
          const { code, details } = await chaincode.ended()
          expect(code).to.equal(2)
          expect(details).to.equal(
            isUp
              ? 'duplicate chaincodeID: cc:1.0'
              : 'peer will not accept external chaincode connection cc:1.0 (except in dev mode)',
          )
        }
        break
      }
      case 'BEGIN':
        if (!isUp || this.transaction) break
        this.transaction = (directory.readyStream('cc:1.0') as PeerStream)
          .execute({
            type: Type.TRANSACTION,
            channelId: 'mychannel',
            txId: 't1',
            namespace: 'cc',
            input: Buffer.alloc(0),
            signedProposal: Buffer.alloc(0),
            simulator: undefined,
          })
          .catch((error: unknown) => error)
        await this.chaincode?.message(({ type }) => type === Type.TRANSACTION)
        break
      case 'END':
        if (!isUp || !this.transaction) break
        this.chaincode?.complete(await this.chaincode.message(({ type }) => type === Type.TRANSACTION))
        expect(await this.transaction).to.have.property('type', Type.COMPLETED)
        this.transaction = undefined
        break
      case 'DROP':
        if (isUp) this.chaincode?.drop()
        break
      case 'KILL':
        if (before.context.hasRuntime) process.kill(this.pid, 'SIGKILL')
        break
      case 'STOP':
        await directory.stop('cc:1.0')
        break
      case 'REMOVE':
        await directory.remove('cc:1.0')
        break
    }
    await this.reaches(after)
  }

  /** Waits for the state, then looks at what else has to be true in it. */
  private async reaches(after: Snapshot): Promise<void> {
    const { directory } = this.daemon
    const wanted = keyOf(after)
    const now = () => directory.status('cc:1.0')?.state ?? 'removed'
    if (now() !== wanted)
      await new Promise<void>((resolve) => {
        const unsubscribe = directory.subscribe(({ to }) => {
          if (to !== wanted) return
          unsubscribe()
          resolve()
        })
      })
    expect(now()).to.equal(wanted)
    const { pid = 0 } = directory.status('cc:1.0') ?? {}
    if (pid !== 0) this.pid = pid
    expect(isAlive(this.pid || -1), `process lives in ${wanted}`).to.equal(after.context.hasRuntime)
    const isUp = 'up' in Object(after.value)
    expect(directory.readyStream('cc:1.0') !== undefined, `stream is up in ${wanted}`).to.equal(isUp)
    if (isUp || !this.chaincode) return
    expect((await this.chaincode.ended()).code).to.be.a('number')
    if (this.transaction) expect(await this.transaction).to.have.property('message', 'chaincode stream terminated')
    if (wanted !== 'awaitingRegister') for (const call of this.calls) await call
  }

  leave(): void {
    for (const chaincode of [this.chaincode, ...this.outsiders]) chaincode?.drop()
  }
}

describe('The lifecycle of a chaincode, walked on a real daemon with a scripted chaincode over real gRPC', function () {
  this.timeout(20_000)
  let daemon: Daemon
  let folder: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    openDataFolder(folder, 'test')
    const sleeper = {
      ccid: 'cc:1.0',
      name: 'cc',
      version: '1.0',
      kind: 'process',
      path: folder,
      command: ['sleep', '600'],
    }
    writeFileSync(join(folder, 'chaincodes.json'), JSON.stringify({ deployments: [sleeper], definitions: [] }))
    const overrides = {
      'peer.listenAddress': '127.0.0.1:0',
      'peer.chaincodeListenAddress': '127.0.0.1:0',
      // The scripted chaincode speaks from the test's process, for one that only sleeps.
      'chaincoded.registration': 'any',
    }
    const { config } = await resolveConfig({ dataDir: folder, overrides })
    daemon = await createDaemon({ config, log: silentLogger() })
    await daemon.directory.remove('cc:1.0')
  })
  after(async () => {
    await daemon.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const paths = edges()

  it('has a way to every state that lasts', () => {
    const visited = new Set(paths.map((path) => keyOf(path.reduce(predict, getInitialSnapshot(machine, input)))))
    expect([...visited].sort()).to.deep.equal(
      ['awaitingRegister', 'failed', 'ready', 'removed', 'running', 'stopped'].sort(),
    )
  })

  for (const path of paths)
    it(`stands where the chart does after ${path.join(', ')}`, async () => {
      daemon.directory.add(input)
      const real = new Real(daemon, daemon.addresses.chaincode)
      let snapshot = getInitialSnapshot(machine, input)
      try {
        for (const action of path) {
          const next = predict(snapshot, action)
          await real.perform(action, snapshot, next)
          snapshot = next
        }
      } finally {
        real.leave()
        await daemon.directory.remove('cc:1.0')
      }
    })
})
