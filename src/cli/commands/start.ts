import { daemonLines } from '../banner.js'
import { aborted, hostDaemon, type HostOptions } from '../host-daemon.js'
import { print, tell, type Context } from '../io.js'
import { version } from '../version.js'

/** `chaincoded start`: the daemon alone, until it is stopped. */
export const start = (context: Context, options: HostOptions): Promise<number> =>
  hostDaemon(context, options, false, async (daemon, config, interrupted) => {
    if (context.json) print(context.io, JSON.stringify(await daemon.status()))
    else {
      tell(context.io, `chaincoded ${version} serves`)
      for (const line of daemonLines(daemon, config, context.io.cwd)) tell(context.io, line)
      tell(context.io, `  deploy    npx chaincoded deploy DIR${context.dataFlag}`)
    }
    await aborted(interrupted)
  })
