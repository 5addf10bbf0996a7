import { resolve } from 'node:path'
import { resolveConfig, type Config, type Overrides, type SettingKey } from '../config.js'
import type { RunningDaemon } from '../control/types.js'
import { daemonLog } from './daemon-log.js'
import { tell, type CliIo, type Context } from './io.js'
import { exitCodes } from './report-error.js'

/** Options of the commands that run a daemon. */
export interface HostOptions {
  config?: string
  peerChaincodedev?: boolean
  gateway?: string
  chaincodeListen?: string
  /** False with `--no-tls`. */
  tls?: boolean
}

/** What runs while the daemon serves; it ends early when `interrupted` aborts. */
export type WhileServing = (daemon: RunningDaemon, config: Config, interrupted: AbortSignal) => Promise<void>

/**
 * Runs a daemon in this process until `whileServing` ends, the daemon stops by itself, or the user interrupts; then
 * stops it. The second interrupt kills. Resolves to the exit code.
 */
export async function hostDaemon(
  context: Context,
  options: HostOptions,
  quiet: boolean,
  whileServing: WhileServing,
): Promise<number> {
  const { io } = context
  const { config, warnings, notes, origins } = await resolveConfig(sourcesOf(context, options))
  for (const note of notes) tell(io, note)
  for (const warning of warnings) tell(io, `warning: ${warning}`)
  const format = config.chaincoded.log.format
  const log = daemonLog(
    io,
    context.verbose ? 'debug' : quiet && !origins.has('chaincoded.log.level') ? 'warn' : config.chaincoded.log.level,
    format === 'auto' ? (quiet || io.stderr.isTTY ? 'text' : 'json') : format,
  )

  let daemon: RunningDaemon | undefined
  const interrupted = new AbortController()
  const release = onTwoInterrupts(
    io,
    () => interrupted.abort(),
    () => daemon?.kill(),
  )
  try {
    daemon = await io.createDaemon({ config, log })
    if (!interrupted.signal.aborted) {
      await Promise.race([whileServing(daemon, config, interrupted.signal), daemon.closed])
    }
    return exitCodes.done
  } finally {
    await daemon?.close()
    release()
  }
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function onTwoInterrupts(io: CliIo, first: () => void, second: () => void): () => void {
  let count = 0
  return io.onInterrupt(() => {
    count += 1
    if (count === 1) {
      tell(io, '\nstopping … (Ctrl-C again kills)')
      first()
    } else {
      second()
      io.exit(130)
    }
  })
}

const flags: { readonly [Key in SettingKey]?: string } = {
  'chaincode.mode': '--peer-chaincodedev',
  'peer.listenAddress': '--gateway',
  'peer.chaincodeListenAddress': '--chaincode-listen',
  'peer.tls.enabled': '--no-tls',
}

function sourcesOf({ io, dataDir }: Context, options: HostOptions) {
  const overrides: Overrides = {
    'chaincode.mode': options.peerChaincodedev ? 'dev' : undefined,
    'peer.listenAddress': options.gateway,
    'peer.chaincodeListenAddress': options.chaincodeListen,
    'peer.tls.enabled': options.tls === false ? false : undefined,
  }
  return {
    dataDir,
    file: options.config === undefined ? undefined : resolve(io.cwd, options.config),
    env: io.env,
    overrides,
    overrideName: (key: SettingKey) => flags[key] ?? 'options',
  }
}
