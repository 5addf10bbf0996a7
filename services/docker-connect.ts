import { readFileSync } from 'node:fs'
import type Dockerode from 'dockerode'
import { DockerFailure, dockerFailure } from './docker-failure.js'

/** Where a container engine listens, and how it is spoken to. Fabric's keys `vm.endpoint` and `vm.docker.tls.*`. */
export interface EngineEndpoint {
  /** `unix:///var/run/docker.sock`, `tcp://host:2375`, `http://…` or `https://…`; empty: there is none. */
  endpoint: string
  /** Whether the engine is spoken to over TLS, with which PEM files. */
  tls?: { enabled: boolean; caFile: string; certFile: string; keyFile: string }
}

/** A container engine that answers. */
export interface Engine {
  readonly endpoint: string
  /** The API version that both sides know, for example `1.41`. */
  readonly apiVersion: string
  /** The engine's own version, for people. */
  readonly version: string
  /** For calls that the engine answers at once: an answer that does not come fails. */
  readonly calls: Dockerode
  /** For calls that last: attaching, waiting, building, pulling. */
  readonly streams: Dockerode
}

/** The newest API version whose calls are known here, and the oldest that has all of them (Engine 17.12). */
const NEWEST_API = '1.47'
const OLDEST_API = '1.35'
/** Longest silence of the engine within a call that it should answer at once, ms. */
const CALL_TIMEOUT_MS = 60_000

/** Connects to the engine, and agrees on an API version. Rejects with a DockerFailure. */
export async function connectEngine(where: EngineEndpoint): Promise<Engine> {
  const { endpoint } = where
  const options = connectionOptions(where)
  // It costs 100 ms to load, and most daemons never see a container.
  const { default: Docker } = await import('dockerode')
  let found: { ApiVersion: string; MinAPIVersion?: string; Version: string }
  try {
    found = (await new Docker({ ...options, timeout: CALL_TIMEOUT_MS }).version()) as typeof found
    if (typeof found?.ApiVersion !== 'string') throw new Error(`it answers, but not as a container engine does`)
  } catch (error) {
    throw dockerFailure(error, endpoint, 'connect to the container engine')
  }
  const apiVersion = agreeOnApi(found.ApiVersion, found.MinAPIVersion ?? OLDEST_API)
  if (apiVersion === undefined)
    throw new DockerFailure(
      'API_VERSION',
      `the container engine ${found.Version} at ${endpoint} speaks the API ${found.MinAPIVersion ?? '?'} to ` +
        `${found.ApiVersion}, and ${OLDEST_API} to ${NEWEST_API} are known here`,
      'use another version of the engine',
    )
  const versioned = { ...options, version: `v${apiVersion}` }
  return {
    endpoint,
    apiVersion,
    version: found.Version,
    calls: new Docker({ ...versioned, timeout: CALL_TIMEOUT_MS }),
    streams: new Docker(versioned),
  }
}

/** The newest API version that both know; undefined where there is none. */
export function agreeOnApi(newest: string, oldest: string): string | undefined {
  const agreed = rank(newest) < rank(NEWEST_API) ? newest : NEWEST_API
  return rank(agreed) >= rank(oldest) && rank(agreed) >= rank(OLDEST_API) ? agreed : undefined
}

const rank = (version: string): number => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1000 + minor
}

/** Every option is named, because dockerode fills absent ones from DOCKER_HOST. Throws a DockerFailure. */
function connectionOptions({ endpoint, tls }: EngineEndpoint): Dockerode.DockerOptions {
  if (endpoint === '')
    throw new DockerFailure(
      'NO_ENDPOINT',
      'containers are switched off: vm.endpoint is empty',
      'set vm.endpoint to where the container engine listens, for example unix:///var/run/docker.sock',
    )
  const none = {
    socketPath: undefined,
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }
  if (endpoint.startsWith('unix://'))
    return { ...none, protocol: 'http', socketPath: endpoint.slice('unix://'.length) } as Dockerode.DockerOptions
  const match = /^(tcp|https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(endpoint)
  if (!match)
    throw new DockerFailure(
      'NO_ENDPOINT',
      `vm.endpoint is "${endpoint}", which is no address of a container engine`,
      'it has to be unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT',
    )
  const isTls = tls?.enabled || match[1] === 'https'
  return {
    ...none,
    protocol: isTls ? 'https' : 'http',
    host: match[2]!.replace(/^\[|\]$/g, ''),
    port: match[3] ?? (isTls ? 2376 : 2375),
    ...(tls?.enabled ? readTls(tls) : {}),
  } as Dockerode.DockerOptions
}

function readTls({ caFile, certFile, keyFile }: NonNullable<EngineEndpoint['tls']>) {
  const read = (key: string, file: string) => {
    try {
      return readFileSync(file)
    } catch (error) {
      throw new DockerFailure(
        'TLS_MATERIAL',
        `vm.docker.tls.${key}.file cannot be read: ${(error as Error).message}`,
        `set vm.docker.tls.${key}.file to a PEM file, or vm.docker.tls.enabled to false`,
      )
    }
  }
  return { ca: read('ca', caFile), cert: read('cert', certFile), key: read('key', keyFile) }
}
