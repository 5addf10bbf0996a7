import type { Config } from '../../config.js'
import type { ChaincodeInfo, DeployRequest, RunningDaemon } from '../../control/types.js'
import { callLines, daemonLines, shownPath } from '../banner.js'
import { commandByHand, deployRequest, deployWithProgress, type DeployOptions } from '../deployment.js'
import { aborted, hostDaemon, type HostOptions } from '../host-daemon.js'
import { print, tell, type Context } from '../io.js'
import { textOf } from './logs.js'

/** `chaincoded dev DIR`: a daemon with the chaincode in DIR, whose log it follows until it is stopped. */
export function dev(context: Context, directory: string, options: HostOptions & DeployOptions): Promise<number> {
  const request = deployRequest(directory, options, context.io.cwd)
  return hostDaemon(context, options, true, async (daemon, config, interrupted) => {
    const deployed = deployWithProgress(context.io, daemon, request)
    const info = await Promise.race([deployed, aborted(interrupted)])
    if (!info) {
      // Stopping the daemon makes it fail, and nobody waits for it any more.
      deployed.catch(() => undefined)
      return
    }
    for (const line of introduction(context, daemon, config, info, request)) tell(context.io, line)
    for await (const line of daemon.logs(info.name, { follow: true, signal: interrupted })) {
      print(context.io, `${info.name} | ${textOf(line)}`)
    }
    await aborted(interrupted)
  })
}

function introduction(
  { io, dataFlag }: Context,
  daemon: RunningDaemon,
  config: Config,
  info: ChaincodeInfo,
  request: DeployRequest,
): string[] {
  const byHand = config.chaincode.mode === 'dev'
  const where = info.channels.join(', ')
  return [
    byHand
      ? `${info.name} ${info.version} on ${where} is yours to start (chaincode.mode dev)`
      : `${info.name} ${info.version} is ${info.state} on ${where}${info.pid ? ` (pid ${info.pid})` : ''}`,
    ...daemonLines(daemon, config, io.cwd),
    ...callLines(info, dataFlag),
    ...(byHand ? startByHand(daemon, config, info, request, io.cwd) : []),
    byHand
      ? 'Ctrl-C stops the daemon. It waits for the chaincode to register.'
      : `Ctrl-C stops everything. The log of ${info.name}:`,
  ]
}

/** The exact environment and command that a developer starts the chaincode with. */
function startByHand(
  daemon: RunningDaemon,
  config: Config,
  info: ChaincodeInfo,
  request: DeployRequest,
  cwd: string,
): string[] {
  const address = daemon.addresses.chaincode
  const environment = {
    CORE_CHAINCODE_ID_NAME: info.ccid,
    CORE_PEER_ADDRESS: address,
    CORE_PEER_LOCALMSPID: config.peer.localMspId,
    CORE_PEER_TLS_ENABLED: 'false',
  }
  const exports = config.chaincoded.chaincodeTls
    ? [`eval "$(chaincoded cert ${info.name} --data '${config.chaincoded.dataDir}')"`]
    : Object.entries(environment).map(([name, value]) => `export ${name}=${value}`)
  return [
    'start it in another terminal, or in a debugger:',
    `  cd ${shownPath(request.path, cwd)}`,
    ...exports.map((line) => `  ${line}`),
    `  ${commandByHand(request.path, request.command, address)}`,
  ]
}
