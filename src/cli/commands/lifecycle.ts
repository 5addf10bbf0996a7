import type { ChaincodeInfo } from '../../control/types.js'
import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { withControl, withNearestName } from '../with-control.js'

/** `chaincoded stop NAME`. */
export const stop = (context: Context, name: string): Promise<number> =>
  withControl(context, async (control) =>
    report(context, await withNearestName(control, name, () => control.stop(name))),
  )

/** `chaincoded restart NAME`. */
export const restart = (context: Context, name: string): Promise<number> =>
  withControl(context, async (control) =>
    report(context, await withNearestName(control, name, () => control.restart(name))),
  )

/** `chaincoded rm NAME`: stops the chaincode and forgets it; its state stays on the ledger. */
export const remove = (context: Context, name: string): Promise<number> =>
  withControl(context, async (control) => {
    await withNearestName(control, name, () => control.remove(name))
    print(context.io, context.json ? JSON.stringify({ name, removed: true }) : `${name} is removed; its state is kept`)
    return exitCodes.done
  })

function report({ io, json }: Context, info: ChaincodeInfo): number {
  print(
    io,
    json ? JSON.stringify(info, null, 2) : `${info.name} is ${info.state}${info.pid ? ` (pid ${info.pid})` : ''}`,
  )
  return exitCodes.done
}
