import type { ChaincodeInfo } from '../../control/types.js'
import { print, tell, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { spanText, tableLines } from '../table.js'
import { withControl } from '../with-control.js'

const heads = ['NAME', 'VERSION', 'STATE', 'RUNTIME', 'PID', 'CHANNELS', 'IN-FLIGHT', 'SINCE']

/** `chaincoded ps`: the chaincodes of the daemon, and why one failed. */
export const ps = (context: Context): Promise<number> =>
  withControl(context, async (control) => {
    const infos = await control.list()
    if (context.json) print(context.io, JSON.stringify(infos, null, 2))
    else if (infos.length === 0) {
      tell(context.io, `no chaincode is deployed; deploy one with: chaincoded deploy DIR${context.dataFlag}`)
    } else for (const line of linesOf(infos, Date.now())) print(context.io, line)
    return exitCodes.done
  })

/** The table, with the reason of a failure below its row. */
export function linesOf(infos: readonly ChaincodeInfo[], nowMs: number): string[] {
  const [head, ...rows] = tableLines([heads, ...infos.map((info) => cells(info, nowMs))])
  return [
    head!,
    ...rows.flatMap((row, index) => [
      row,
      ...infos[index]!.reason.split('\n')
        .filter(Boolean)
        .map((line) => `  ${line}`),
    ]),
  ]
}

const cells = (info: ChaincodeInfo, nowMs: number): string[] => [
  info.name,
  info.version,
  info.nextStartInMs > 0 ? `${info.state}, again in ${spanText(info.nextStartInMs)}` : info.state,
  [info.runtime, info.address].filter(Boolean).join(' '),
  info.pid === 0 ? '-' : String(info.pid),
  info.channels.join(',') || '-',
  String(info.inFlight),
  spanText(nowMs - info.sinceMs),
]
