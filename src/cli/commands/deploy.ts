import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { deployWithProgress, type DeployOptions, targetRequest } from '../deployment.js'
import { withControl } from '../with-control.js'

/** `chaincoded deploy TARGET`: defines the chaincode in a folder or package on a channel, and waits until it is ready. */
export async function deploy(context: Context, target: string, options: DeployOptions): Promise<number> {
  const request = targetRequest(target, options, context.io.cwd)
  return withControl(context, async (control) => {
    const info = await deployWithProgress(context.io, control, request)
    const text = `${info.name} ${info.version} is ${info.state} on ${info.channels.join(', ')}${info.pid ? ` (pid ${info.pid})` : ''}`
    print(context.io, context.json ? JSON.stringify(info, null, 2) : text)
    return exitCodes.done
  })
}
