/** Runs a ChaincodeDirectory over the real charts, with scripted processes, streams on transports of the test, and a simulated clock. */
import { ChaincodeID, ChaincodeSpec } from '../proto/gen/peer/chaincode.js'
import { ChaincodeMessage_Type as Type } from '../proto/gen/peer/chaincode-shim.js'
import { streamMachine } from '../machines/index.js'
import { ChaincodeDirectory, type StateChange } from '../src/chaincode-directory.js'
import { acceptChaincodeStreams } from '../src/chaincode-streams.js'
import { type Overrides, resolveConfig } from '../src/config.js'
import { createLogger } from '../src/log.js'
import type { RequestContext } from '../src/protocol/handle-request.js'
import type { PeerStreamOptions } from '../src/protocol/peer-stream.js'
import { runSupervisor } from './machines/run-supervisor.js'
import { settings } from './machines/scripted.js'
import { FakeTransport, type Sent, bytesOf, responseBytes } from './protocol/open-stream.js'

/** What a test can change. */
export interface DirectoryScript {
  supervisor?: Parameters<typeof runSupervisor>[0]
  config?: Overrides
  request?: Partial<RequestContext>
  awaitedIds?: string[]
}

const { config: defaults } = await resolveConfig({ dataDir: '/data' })

/** Starts a directory, and gives the words to play processes and chaincodes. */
export async function runDirectory(script: DirectoryScript = {}) {
  const config = script.config ? (await resolveConfig({ dataDir: '/data', overrides: script.config })).config : defaults
  const supervisor = runSupervisor(script.supervisor)
  const logged: { level: number; msg: string }[] = []
  let nowMs = 1_000_000
  const directory: ChaincodeDirectory = new ChaincodeDirectory(supervisor.actor, {
    factsOf: (ccid) => ({
      ccid,
      address: '127.0.0.1:7052',
      command: ['node', 'index.js'],
      refusedIds: directory.status(ccid)?.refusedIds ?? [],
    }),
    now: () => nowMs++,
  })
  const changes: StateChange[] = []
  directory.subscribe((change) => changes.push(change))
  const accept = acceptChaincodeStreams({
    config,
    machine: streamMachine,
    supervisor: supervisor.actor,
    directory,
    request: {
      limits: { totalQueryLimit: 1000, openIterators: 10 },
      historyEnabled: true,
      invokeChaincode: () => Promise.reject(new Error('nothing to invoke')),
      ...script.request,
    },
    clock: supervisor.clock as unknown as PeerStreamOptions['clock'],
    log: createLogger({
      level: 'trace',
      destination: { write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[number]) },
    }),
    awaitedIds: () => script.awaitedIds ?? [],
  })

  /** A chaincode opens a stream. */
  const connect = () => {
    const transport = new FakeTransport()
    const handler = accept(transport)
    const send = (message: Sent) => handler.onMessage(bytesOf(message))
    return {
      transport,
      handler,
      send,
      register: (name: string) =>
        send({
          type: Type.REGISTER,
          payload: Buffer.from(ChaincodeID.encode({ path: '', name, version: '' }).finish()),
        }),
      complete: (txid: string, payload = responseBytes(200), channelId = 'ch') =>
        send({ type: Type.COMPLETED, payload, txid, channelId }),
      end: (message = '') => handler.onEnd({ kind: message ? 'error' : 'eof', message }),
    }
  }
  return {
    supervisor,
    clock: supervisor.clock,
    directory,
    changes,
    connect,
    logged: (level: number) => logged.filter((line) => line.level === level).map(({ msg }) => msg),
    add: (ccid: string, change: Partial<typeof settings> = {}) => directory.add({ ccid, ...settings, ...change }),
    /** The process of a chaincode starts, registers and is ready. */
    comeUp: (ccid: string, pid = 42) => {
      supervisor.process(ccid).tell({ type: 'SPAWNED', pid })
      const chaincode = connect()
      chaincode.register(ccid)
      chaincode.transport.take()
      return chaincode
    },
    /** The process of a chaincode ends. */
    exit: (ccid: string, exitCode = 3, lastWords = ['its last words']) => {
      supervisor.process(ccid).tell({ type: 'EXITED', exitCode, signal: null, lastWords })
      supervisor.process(ccid).tell({ type: 'GROUP_GONE' })
    },
  }
}

/** A running directory, and the words to play the world around it. */
export type RunningDirectory = Awaited<ReturnType<typeof runDirectory>>

/** A marshalled `protos.ChaincodeSpec` that calls `name` with the arguments `args`. */
export const specBytes = (name: string, ...args: string[]): Buffer =>
  Buffer.from(
    ChaincodeSpec.encode(
      ChaincodeSpec.fromPartial({ chaincodeId: { name }, input: { args: args.map((arg) => Buffer.from(arg)) } }),
    ).finish(),
  )
