import type { DeployRequest } from '../../control/types.js'
import { failure } from '../../errors.js'
import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { deployWithProgress, type DeployOptions, imageRequest, targetRequest } from '../deployment.js'
import { serviceRequest } from '../service-request.js'
import { withControl } from '../with-control.js'

/** `chaincoded deploy TARGET`: defines the chaincode in a folder or package on a channel, and waits until it is ready. */
export async function deploy(context: Context, target: string | undefined, options: DeployOptions): Promise<number> {
  const request = requestOf(target, options, context.io.cwd)
  return withControl(context, async (control) => {
    const info = await deployWithProgress(context.io, control, request)
    const text = `${info.name} ${info.version} is ${info.state} on ${info.channels.join(', ')}${info.pid ? ` (pid ${info.pid})` : ''}`
    print(context.io, context.json ? JSON.stringify(info, null, 2) : text)
    return exitCodes.done
  })
}

function requestOf(target: string | undefined, options: DeployOptions, cwd: string): DeployRequest {
  const { address, image } = options
  if (address === undefined) {
    if (target !== undefined) return targetRequest(target, options, cwd)
    if (image !== undefined) return imageRequest(image, options)
  } else if (target === undefined && image === undefined) return serviceRequest({ ...options, address })
  const detail =
    'a chaincode is deployed either from a folder or a package, as an image, or by the address of its service'
  throw failure('ARGUMENTS_INVALID', { detail, hint: 'give DIR, or --image IMAGE, or --address HOST:PORT' })
}
