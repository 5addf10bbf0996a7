import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { dockerConfig } from './config/docker-settings.js'
import { classifyKey, classifyVariable } from './config/keys.js'
import { readConfigFile } from './config/read-file.js'
import { settings, shownValue, type Setting, type SettingKey, type Values } from './config/settings.js'
import type { Config } from './config/types.js'
import { joinHostPort, splitHostPort } from './config/values.js'
import { failure } from './errors.js'

export { chaincodeEndpoint } from './config/endpoint.js'
export type { SettingKey } from './config/settings.js'
export type { Config } from './config/types.js'

/** Values that outrank file and environment, by key: flags of a command, options of the library. */
export type Overrides = { readonly [Key in SettingKey]?: string | number | boolean }

/** What `resolveConfig` reads. */
export interface ConfigSources {
  /** Data folder; relative to the working directory. */
  readonly dataDir: string
  /** The configuration file; without it `$FABRIC_CFG_PATH/core.yaml`, then `<dataDir>/core.yaml`, where they exist. */
  readonly file?: string
  /** Environment with `CORE_…` variables and `FABRIC_CFG_PATH`. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly overrides?: Overrides
  /** Names an override in errors, for example the flag that gave it. Default: `options`. */
  readonly overrideName?: (key: SettingKey) => string
}

/** A configuration, and what is to be said about it. */
export interface ResolvedConfig {
  readonly config: Config
  /** One line for each value that was replaced, as Fabric does. */
  readonly warnings: readonly string[]
  /** At most two lines: which file was read, which settings have no effect here. */
  readonly notes: readonly string[]
  /** Where each value that is not a default came from. */
  readonly origins: ReadonlyMap<SettingKey, string>
}

interface Given {
  readonly value: unknown
  readonly from: string
}

/**
 * Resolves the configuration: defaults, then the file, the environment, the overrides. Rejects with
 * CONFIG_UNKNOWN_KEY, CONFIG_BAD_VALUE, CONFIG_FILE_UNREADABLE or CONFIG_FILE_INVALID, naming the place.
 */
export async function resolveConfig(sources: ConfigSources): Promise<ResolvedConfig> {
  const given = new Map<SettingKey, Given>()
  const ineffective = new Set<string>()
  const notes: string[] = []
  const dataDir = resolve(sources.dataDir)

  const file = fileToRead(sources, dataDir)
  if (file !== undefined) {
    await takeFile(file, given, ineffective)
    notes.push(`settings come from ${file}`)
  }
  takeEnvironment(sources.env ?? {}, given, ineffective)
  for (const [key, value] of Object.entries(sources.overrides ?? {}) as [SettingKey, unknown][]) {
    if (!Object.hasOwn(settings, key)) throw unknownKey(key, sources.overrideName?.(key) ?? 'options')
    if (value !== undefined) given.set(key, { value, from: sources.overrideName?.(key) ?? 'options' })
  }

  const warnings: string[] = []
  const values = Object.fromEntries(
    Object.entries(settings).map(([key, row]) => [
      key,
      settle(key, row as Setting<unknown>, given.get(key as SettingKey), warnings),
    ]),
  ) as unknown as Values
  if (ineffective.size > 0) notes.push(`these settings of a peer have no effect here: ${[...ineffective].join(', ')}`)
  return {
    config: assemble(values, dataDir),
    warnings,
    notes,
    origins: new Map([...given].map(([key, { from }]) => [key, from])),
  }
}

function fileToRead(sources: ConfigSources, dataDir: string): string | undefined {
  if (sources.file !== undefined) return sources.file
  const fabricPath = sources.env?.['FABRIC_CFG_PATH']
  return [...(fabricPath ? [join(fabricPath, 'core.yaml')] : []), join(dataDir, 'core.yaml')].find((path) =>
    existsSync(path),
  )
}

async function takeFile(file: string, given: Map<SettingKey, Given>, ineffective: Set<string>): Promise<void> {
  const isWhole = (key: string) => key !== '' && ['setting', 'withoutEffect'].includes(classifyKey(key).kind)
  for (const { key, value, from } of await readConfigFile(file, isWhole)) {
    const found = classifyKey(key)
    if (found.kind === 'withoutEffect') ineffective.add(found.section)
    else if (found.kind === 'unknown') throw unknownKey(key, from)
    else if (found.kind === 'section') {
      throw failure('CONFIG_BAD_VALUE', {
        key,
        value,
        from,
        allowed: `a section, with ${found.keys.slice(0, 3).join(', ')} for example`,
      })
    } else {
      const earlier = given.get(found.key)
      if (earlier) throw failure('CONFIG_FILE_INVALID', { from, detail: `${key} is already set (${earlier.from})` })
      given.set(found.key, { value, from })
    }
  }
}

function takeEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  given: Map<SettingKey, Given>,
  ineffective: Set<string>,
): void {
  for (const [name, value] of Object.entries(env)) {
    // An empty variable counts as absent, as in viper.
    const found = value ? classifyVariable(name) : undefined
    if (found?.kind === 'setting') given.set(found.key, { value, from: `environment variable ${name}` })
    else if (found?.kind === 'withoutEffect') ineffective.add(name)
    else if (found?.kind === 'unknown') {
      throw failure('CONFIG_UNKNOWN_KEY', { key: name, from: 'environment', nearest: found.nearest })
    }
  }
}

function unknownKey(key: string, from: string): Error {
  const found = classifyKey(key)
  const { nearest, siblings } = found.kind === 'unknown' ? found : { nearest: undefined, siblings: [] }
  return failure('CONFIG_UNKNOWN_KEY', { key, from, nearest, known: siblings })
}

/** The value that holds for one key, by its schema and Fabric's rules. */
function settle(key: string, row: Setting<unknown>, given: Given | undefined, warnings: string[]): unknown {
  const parsed = row.schema.safeParse(given ? given.value : row.fallback)
  const warn = (text: string) => warnings.push(`${text} (${key}, ${given!.from})`)
  if (!parsed.success) {
    if (given && row.lenient) {
      warn(row.lenient.warning(shownValue(row, given.value)))
      return row.lenient.instead
    }
    throw failure('CONFIG_BAD_VALUE', {
      key,
      value: given?.value,
      from: given?.from ?? 'default',
      allowed: row.allowed,
    })
  }
  if (given && row.atLeast && (parsed.data as number) < (row.atLeast.minimum as number)) {
    warn(row.atLeast.warning(shownValue(row, given.value)))
    return row.atLeast.instead
  }
  return parsed.data
}

function assemble(values: Values, dataDir: string): Config {
  return deepFreeze({
    chaincode: {
      mode: values['chaincode.mode'],
      startupTimeoutMs: values['chaincode.startuptimeout'],
      executeTimeoutMs: values['chaincode.executetimeout'],
      keepaliveMs: values['chaincode.keepalive'] * 1000,
      whenStarting: values['chaincode.whenStarting'],
      logging: {
        level: values['chaincode.logging.level'],
        shim: values['chaincode.logging.shim'],
        format: values['chaincode.logging.format'],
      },
      runtimeParams: {
        useWriteBatch: values['chaincode.runtimeParams.useWriteBatch'],
        maxSizeWriteBatch: values['chaincode.runtimeParams.maxSizeWriteBatch'],
        useGetMultipleKeys: values['chaincode.runtimeParams.useGetMultipleKeys'],
        maxSizeGetMultipleKeys: values['chaincode.runtimeParams.maxSizeGetMultipleKeys'],
      },
    },
    peer: {
      id: values['peer.id'],
      networkId: values['peer.networkId'],
      listenAddress: values['peer.listenAddress'],
      address: values['peer.address'] ?? knownAddress(values['peer.listenAddress']),
      chaincodeListenAddress: values['peer.chaincodeListenAddress'],
      chaincodeAddress: values['peer.chaincodeAddress'],
      localMspId: values['peer.localMspId'],
      tlsEnabled: values['peer.tls.enabled'],
    },
    docker: dockerConfig(values, { networkId: values['peer.networkId'], peerId: values['peer.id'] }),
    ledger: {
      totalQueryLimit: values['ledger.state.totalQueryLimit'],
      historyEnabled: values['ledger.history.enableHistoryDatabase'],
    },
    chaincoded: {
      dataDir,
      defaultChannel: values['chaincoded.defaultChannel'],
      registerTimeoutMs: values['chaincoded.registerTimeout'],
      termGraceMs: values['chaincoded.termGrace'],
      killGraceMs: values['chaincoded.killGrace'],
      buildTimeoutMs: values['chaincoded.buildTimeout'],
      shutdownTimeoutMs: values['chaincoded.shutdownTimeout'],
      transport: values['chaincoded.transport'],
      chaincodeTls: values['chaincoded.chaincodeTls'],
      registration: values['chaincoded.registration'],
      restart: values['chaincoded.restart'],
      limits: {
        chaincodes: values['chaincoded.limits.chaincodes'],
        waitingCallers: values['chaincoded.limits.waitingCallers'],
        transactionsInFlight: values['chaincoded.limits.transactionsInFlight'],
        openIterators: values['chaincoded.limits.openIterators'],
        messageBytes: values['chaincoded.limits.messageBytes'],
        logLinesKept: values['chaincoded.limits.logLinesKept'],
        logLineBytes: values['chaincoded.limits.logLineBytes'],
        packageBytes: values['chaincoded.limits.packageBytes'],
        packageUnpackedBytes: values['chaincoded.limits.packageUnpackedBytes'],
        packageFiles: values['chaincoded.limits.packageFiles'],
      },
      log: { level: values['chaincoded.log.level'], format: values['chaincoded.log.format'] },
    },
  })
}

/** The address of a listener as a client on this machine writes it. */
function knownAddress(listenAddress: string): string {
  const { host, port } = splitHostPort(listenAddress)
  return joinHostPort(/^(127\..*|::1?|0\.0\.0\.0)$/.test(host) ? 'localhost' : host, port)
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object)
  return Object.freeze(value)
}
