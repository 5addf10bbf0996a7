import { EventEmitter, once } from 'node:events'
import type {
  ChaincodeInfo,
  DaemonControl,
  DaemonOptions,
  DaemonStatus,
  DeployRequest,
  IssuedIdentity,
  LogLine,
  LogsOptions,
  PackageInfo,
  RunningDaemon,
} from '../../src/control/types.js'
import { failure } from '../../src/errors.js'

/** What the fake daemon says of itself. */
export const daemonStatus: DaemonStatus = {
  version: '0.1.0',
  pid: 4711,
  state: 'serving',
  mode: 'net',
  dataDir: '/home/dev/.chaincoded',
  gatewayAddress: '127.0.0.1:7051',
  gatewayTls: true,
  chaincodeAddress: '127.0.0.1:7052',
  startedAtMs: 1_700_000_000_000,
  channels: [{ channelId: 'mychannel', height: 12 }],
  chaincodesTotal: 1,
}

/** A chaincode that is ready. */
export const chaincodeInfo = (name: string, facts: Partial<ChaincodeInfo> = {}): ChaincodeInfo => ({
  name,
  version: '1.0',
  ccid: `${name}:1.0`,
  channels: ['mychannel'],
  state: 'ready',
  runtime: 'process',
  pid: 815,
  incarnation: 1,
  restarts: 0,
  inFlight: 0,
  sinceMs: 1_700_000_000_000,
  path: `/home/dev/${name}`,
  command: ['npm', 'start'],
  reason: '',
  logFile: `/home/dev/.chaincoded/logs/${name}.log`,
  mode: 'net',
  address: '',
  nextStartInMs: 0,
  ...facts,
})

/** A package that is kept. */
export const packageInfo = (label: string, facts: Partial<PackageInfo> = {}): PackageInfo => ({
  packageId: `${label}:${'a1'.repeat(32)}`,
  format: 'lifecycle',
  label,
  type: 'node',
  path: label,
  sizeBytes: 2048,
  files: 4,
  installedAtMs: 1_700_000_000_000,
  file: `/home/dev/.chaincoded/packages/${label}.${'a1'.repeat(32)}.tar.gz`,
  problem: '',
  chaincodes: [],
  ...facts,
})

/** A daemon of data only: it keeps what it is asked, and answers with what it is given. */
export class FakeDaemon implements DaemonControl {
  chaincodes: ChaincodeInfo[] = []
  installed: PackageInfo[] = []
  state: DaemonStatus = daemonStatus
  readonly calls: string[] = []
  readonly deployed: DeployRequest[] = []
  /** What stop, restart, remove and deploy reject with. */
  failWith: Error | undefined
  readonly #lines = new Map<string, LogLine[]>()
  readonly #news = new EventEmitter().setMaxListeners(0)
  #followers = 0

  async status(): Promise<DaemonStatus> {
    return this.state
  }

  async list(): Promise<ChaincodeInfo[]> {
    return this.chaincodes
  }

  async deploy(request: DeployRequest, onProgress: (line: string) => void): Promise<ChaincodeInfo> {
    this.deployed.push(request)
    onProgress(`starting ${request.name}`)
    onProgress(`waiting for ${request.name} to register`)
    if (this.failWith) throw this.failWith
    const { name, version, path } = request
    const info = chaincodeInfo(name, {
      version,
      path,
      ccid: `${name}:${version}`,
      channels: [request.channel || 'mychannel'],
    })
    this.chaincodes.push(info)
    return info
  }

  /** Keeps what is installed; a file twice is not new. */
  async install(file: string): Promise<{ package: PackageInfo; isNew: boolean }> {
    this.calls.push(`install ${file}`)
    if (this.failWith) throw this.failWith
    const known = this.installed.find((info) => info.path === file)
    const kept = known ?? packageInfo('basic_1.0', { path: file })
    if (!known) this.installed.push(kept)
    return { package: kept, isNew: !known }
  }

  async packages(): Promise<PackageInfo[]> {
    return this.installed
  }

  async uninstall(packageId: string): Promise<void> {
    this.calls.push(`uninstall ${packageId}`)
    if (this.failWith) throw this.failWith
    this.installed = this.installed.filter((info) => info.packageId !== packageId)
  }

  stop = (name: string) => this.#change('stop', name, 'stopped')
  restart = (name: string) => this.#change('restart', name, 'ready')

  async remove(name: string): Promise<void> {
    await this.#change('remove', name, 'gone')
    this.chaincodes = this.chaincodes.filter((info) => info.name !== name)
  }

  async issueCertificate(name: string): Promise<IssuedIdentity> {
    this.calls.push(`issueCertificate ${name}`)
    return {
      ccid: `${name}:1.0`,
      address: '127.0.0.1:7052',
      mspId: 'Org1MSP',
      key: 'KEY',
      certificate: 'CERT',
      root: 'ROOT',
    }
  }

  async shutdown(): Promise<void> {
    this.calls.push('shutdown')
  }

  async *logs(name: string, { follow, tail, signal }: LogsOptions): AsyncGenerator<LogLine> {
    this.#find(name)
    const lines = this.#linesOf(name)
    let next = tail === undefined ? 0 : Math.max(0, lines.length - tail)
    this.#followers += 1
    try {
      for (;;) {
        while (next < lines.length) yield lines[next++]!
        if (!follow || signal?.aborted) return
        await once(this.#news, name, { signal }).catch(() => undefined)
      }
    } finally {
      this.#followers -= 1
      this.#news.emit('left')
    }
  }

  /** Lets a chaincode write a line. */
  say(name: string, text: string, source: LogLine['source'] = 'stdout'): void {
    const lines = this.#linesOf(name)
    lines.push({ timeMs: 1_700_000_000_000 + lines.length, source, text })
    this.#news.emit(name)
  }

  /** Resolves when no log is read any more. */
  async nobodyFollows(): Promise<void> {
    while (this.#followers > 0) await once(this.#news, 'left')
  }

  request = (name: string): DeployRequest => ({
    path: '/x',
    name,
    version: '1.0',
    channel: '',
    command: [],
    label: '',
    initRequired: false,
  })

  async #change(verb: string, name: string, state: string): Promise<ChaincodeInfo> {
    this.calls.push(`${verb} ${name}`)
    if (this.failWith) throw this.failWith
    return { ...this.#find(name), state, pid: state === 'ready' ? 815 : 0 }
  }

  #linesOf(name: string): LogLine[] {
    if (!this.#lines.has(name)) this.#lines.set(name, [])
    return this.#lines.get(name)!
  }

  #find(name: string): ChaincodeInfo {
    const info = this.chaincodes.find((one) => one.name === name)
    if (!info) throw failure('CHAINCODE_UNKNOWN', { name, known: [] })
    return info
  }
}

/** A fake daemon that lives in this process, as `start` and `dev` run one. */
export class FakeRunningDaemon extends FakeDaemon implements RunningDaemon {
  readonly addresses = { gateway: '127.0.0.1:7051', chaincode: '127.0.0.1:7052' }
  readonly closed: Promise<void>
  /** Makes `closed` settle, as when the daemon ends by itself. */
  end!: (error?: Error) => void

  constructor(readonly options: DaemonOptions) {
    super()
    this.closed = new Promise((resolve, reject) => {
      this.end = (error) => (error ? reject(error) : resolve())
    })
    this.closed.catch(() => undefined)
  }

  async close(): Promise<void> {
    this.calls.push('close')
    this.end()
  }

  kill(): void {
    this.calls.push('kill')
  }
}
