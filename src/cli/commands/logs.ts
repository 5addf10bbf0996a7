import type { LogLine } from '../../control/types.js'
import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { withControl, withNearestName } from '../with-control.js'

/** Options of `logs`. */
export interface LogsCommandOptions {
  follow?: boolean
  tail?: number
}

/** `chaincoded logs [-f] NAME`: the output of a chaincode. An interrupt ends following and is no error. */
export const logs = (context: Context, name: string, { follow = false, tail }: LogsCommandOptions): Promise<number> =>
  withControl(context, async (control) => {
    const interrupted = new AbortController()
    const release = context.io.onInterrupt(() => interrupted.abort())
    try {
      await withNearestName(control, name, async () => {
        for await (const line of control.logs(name, { follow, tail, signal: interrupted.signal })) {
          print(context.io, context.json ? jsonOf(line) : textOf(line))
        }
      })
      return exitCodes.done
    } finally {
      release()
    }
  })

/** A line as people read it: the daemon's own remarks stand out from the chaincode's output. */
export const textOf = ({ source, text }: LogLine): string => (source === 'chaincoded' ? `-- ${text}` : text)

const jsonOf = ({ timeMs, source, text }: LogLine): string =>
  JSON.stringify({ time: new Date(timeMs).toISOString(), source, text })
