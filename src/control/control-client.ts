import { credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js'
import {
  ControlClient,
  type ChaincodeInfo as WireInfo,
  type DeployEvent,
  type LogLine as WireLine,
  type PackageInfo as WirePackage,
} from '../../proto/gen/chaincoded/control.js'
import type { ChaincodeInfo, DaemonControl, DaemonStatus, LogLine, PackageInfo } from './types.js'
import { fromStatus } from './wire-error.js'

/** A daemon in another process. */
export interface ControlConnection extends DaemonControl {
  /** Ends the connection. */
  close(): void
}

/** How long a daemon may take for an answer that needs no work. */
const answerDeadlineMs = 10_000

/** Connects to the control service on the Unix socket at `socketPath`; the connection is made with the first call. */
export function connectControl(socketPath: string): ControlConnection {
  const client = new ControlClient(`unix:${socketPath}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  })

  const call = <Request, Response>(method: UnaryMethod<Request, Response>, request: Request, timeoutMs?: number) =>
    new Promise<Response>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
        (error, response) =>
          error ? reject(fromStatus(error, wordOf(method.path), timeoutMs ?? 0)) : resolve(response!),
      )
    })

  const service = ControlClient.service
  return {
    status: async () => statusFromWire(await call(service.status, {}, answerDeadlineMs)),
    list: async () => (await call(service.list, {}, answerDeadlineMs)).chaincodes.map(infoFromWire),
    stop: async (name) => infoFromWire(await call(service.stop, { name })),
    restart: async (name) => infoFromWire(await call(service.restart, { name })),
    remove: async (name) => void (await call(service.remove, { name })),
    install: async (path) => {
      const { package: kept, isNew } = await call(service.install, { path })
      if (!kept) throw new Error('the daemon answered without the package')
      return { package: packageFromWire(kept), isNew }
    },
    packages: async () => (await call(service.packages, {})).packages.map(packageFromWire),
    uninstall: async (packageId) => void (await call(service.uninstall, { packageId })),
    issueCertificate: (name) => call(service.issueCertificate, { name }, answerDeadlineMs),
    shutdown: async () => void (await call(service.shutdown, {}, answerDeadlineMs)),
    deploy: async (request, onProgress) => {
      for await (const { event } of events<DeployEvent>(
        () => client.deploy({ ...emptyRequest, ...request }),
        'deploy',
      )) {
        if (event?.$case === 'progress') onProgress(event.progress)
        if (event?.$case === 'done') return infoFromWire(event.done)
      }
      throw new Error('the deployment ended without a result')
    },
    logs: (name, { follow, tail, signal }) => lines(() => client.logs({ name, follow, tail: tail ?? 0 }), signal),
    close: () => client.close(),
  }
}

interface UnaryMethod<Request, Response> {
  path: string
  requestSerialize: (value: Request) => Buffer
  responseDeserialize: (value: Buffer) => Response
}

const wordOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).toLowerCase()

/** The fields that a request may leave out. */
const emptyRequest = { package: '', address: '', ccid: '', runtime: '', image: '', language: '' }

const infoFromWire = (info: WireInfo): ChaincodeInfo => ({ ...info, sinceMs: Number(info.sinceMs) })

const packageFromWire = (info: WirePackage): PackageInfo => ({
  ...info,
  sizeBytes: Number(info.sizeBytes),
  installedAtMs: Number(info.installedAtMs),
})

function statusFromWire(
  wire: Awaited<ReturnType<typeof ControlClient.service.status.responseDeserialize>>,
): DaemonStatus {
  return {
    ...wire,
    state: wire.state as DaemonStatus['state'],
    mode: wire.mode as DaemonStatus['mode'],
    startedAtMs: Number(wire.startedAtMs),
    channels: wire.channels.map(({ channelId, height }) => ({ channelId, height: Number(height) })),
  }
}

/** The events of a server stream; its error as ours. */
async function* events<Event>(open: () => ClientReadableStream<Event>, what: string): AsyncGenerator<Event> {
  const stream = open()
  try {
    yield* stream as AsyncIterable<Event>
  } catch (error) {
    throw fromStatus(error as ServiceError, what, 0)
  } finally {
    stream.cancel()
  }
}

async function* lines(
  open: () => ClientReadableStream<WireLine>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogLine> {
  if (signal?.aborted) return
  const stream = open()
  const cancel = () => stream.cancel()
  signal?.addEventListener('abort', cancel)
  try {
    for await (const line of stream as AsyncIterable<WireLine>) {
      yield { timeMs: Number(line.timeMs), source: line.source as LogLine['source'], text: line.text }
    }
  } catch (error) {
    if (!signal?.aborted || (error as ServiceError).code !== status.CANCELLED) {
      throw fromStatus(error as ServiceError, 'logs', 0)
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    cancel()
  }
}
