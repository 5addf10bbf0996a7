import { chmodSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import {
  ControlService,
  type ControlServer,
  type DeployEvent,
  type LogLine,
  type PackageInfo as WirePackage,
} from '../../proto/gen/chaincoded/control.js'
import { toStatus } from './wire-error.js'
import type { DaemonControl, PackageInfo } from './types.js'

/** A control service that listens. */
export interface ServedControl {
  /** Ends the running calls and stops listening. Idempotent. */
  close(): Promise<void>
}

/** How long calls may take to end by themselves when the service is closed. */
const closeGraceMs = 500

/**
 * Serves `chaincoded.control.v1.Control` on the Unix socket at `socketPath`, which only its owner can use. A socket
 * file that is there already is replaced: the caller holds the claim of the data folder. Rejects when it cannot bind.
 */
export async function serveControl(control: DaemonControl, socketPath: string): Promise<ServedControl> {
  const closing = new AbortController()
  const server = new Server()
  server.addService(ControlService, handlers(control, closing.signal))
  rmSync(socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  chmodSync(socketPath, 0o600)
  let closed: Promise<void> | undefined
  return {
    close() {
      closed ??= closeServer(server, closing).then(() => rmSync(socketPath, { force: true }))
      return closed
    },
  }
}

function closeServer(server: Server, closing: AbortController): Promise<void> {
  closing.abort()
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), closeGraceMs)
    server.tryShutdown(() => {
      clearTimeout(force)
      resolve()
    })
  })
}

function handlers(control: DaemonControl, closing: AbortSignal): ControlServer {
  return {
    status: unary(async () => {
      const { startedAtMs, channels, ...status } = await control.status()
      return {
        ...status,
        startedAtMs: BigInt(startedAtMs),
        channels: channels.map(({ channelId, height }) => ({ channelId, height: BigInt(height) })),
      }
    }),
    list: unary(async () => ({ chaincodes: (await control.list()).map(infoToWire) })),
    stop: unary(async ({ name }) => infoToWire(await control.stop(name))),
    restart: unary(async ({ name }) => infoToWire(await control.restart(name))),
    remove: unary(async ({ name }) => {
      await control.remove(name)
      return {}
    }),
    install: unary(async ({ path }) => {
      const { package: kept, isNew } = await control.install(path)
      return { package: packageToWire(kept), isNew }
    }),
    packages: unary(async () => ({ packages: (await control.packages()).map(packageToWire) })),
    uninstall: unary(async ({ packageId }) => {
      await control.uninstall(packageId)
      return {}
    }),
    issueCertificate: unary(({ name }) => control.issueCertificate(name)),
    shutdown: unary(async () => {
      await control.shutdown()
      return {}
    }),
    deploy: streaming(closing, async (request, send: (event: DeployEvent) => Promise<void>) => {
      const info = await control.deploy(request, (progress) => void send({ event: { $case: 'progress', progress } }))
      await send({ event: { $case: 'done', done: infoToWire(info) } })
    }),
    logs: streaming(closing, async ({ name, follow, tail }, send: (line: LogLine) => Promise<void>, signal) => {
      for await (const line of control.logs(name, { follow, tail: tail === 0 ? undefined : tail, signal })) {
        await send({ ...line, timeMs: BigInt(line.timeMs) })
      }
    }),
  }
}

const infoToWire = <T extends { sinceMs: number }>(info: T): Omit<T, 'sinceMs'> & { sinceMs: bigint } => ({
  ...info,
  sinceMs: BigInt(info.sinceMs),
})

const packageToWire = (info: PackageInfo): WirePackage => ({
  ...info,
  sizeBytes: BigInt(info.sizeBytes),
  installedAtMs: BigInt(Math.trunc(info.installedAtMs)),
})

/** Answers a call with what `work` resolves to, or with its rejection. */
function unary<Request, Response>(work: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => {
    work(call.request).then(
      (response) => answer(null, response),
      (error) => answer(toStatus(error)),
    )
  }
}

/** Runs `work` with a sender that waits while the other side is slow, and with a signal for its going away. */
function streaming<Request, Event>(
  closing: AbortSignal,
  work: (request: Request, send: (event: Event) => Promise<void>, signal: AbortSignal) => Promise<void>,
) {
  return async (call: ServerWritableStream<Request, Event>) => {
    const gone = new AbortController()
    const signal = AbortSignal.any([gone.signal, closing])
    call.on('cancelled', () => gone.abort())
    const send = async (event: Event) => {
      if (signal.aborted || call.write(event)) return
      await once(call, 'drain', { signal }).catch(() => undefined)
    }
    try {
      await work(call.request, send, signal)
      call.end()
    } catch (error) {
      call.emit('error', toStatus(error))
    }
  }
}
