import type { DaemonStatus } from '../../control/types.js'
import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { spanText, tableLines } from '../table.js'
import { withControl } from '../with-control.js'

/** `chaincoded status`: how the daemon is; 0 only while it serves. */
export const status = (context: Context): Promise<number> =>
  withControl(context, async (control) => {
    const found = await control.status()
    if (context.json) print(context.io, JSON.stringify(found, null, 2))
    else for (const line of linesOf(found, Date.now())) print(context.io, line)
    return found.state === 'serving' ? exitCodes.done : exitCodes.failed
  })

function linesOf(found: DaemonStatus, nowMs: number): string[] {
  const channels = found.channels.map(
    ({ channelId, height }) => `${channelId} (${height} block${height === 1 ? '' : 's'})`,
  )
  return tableLines([
    [
      'state',
      `${found.state} for ${spanText(nowMs - found.startedAtMs)}, pid ${found.pid}, chaincoded ${found.version}`,
    ],
    ['gateway', `${found.gatewayAddress}${found.gatewayTls ? ', TLS' : ', no TLS'}`],
    ['listener', `${found.chaincodeAddress} (chaincode.mode ${found.mode})`],
    ['data', found.dataDir],
    ['channels', channels.join(', ') || 'none yet'],
    ['chaincodes', String(found.chaincodesTotal)],
  ])
}
