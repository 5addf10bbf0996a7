import { checkChaincodeName, checkChaincodeVersion, defaultVersion } from '../control/names.js'
import type { DeployRequest } from '../control/types.js'
import { failure } from '../errors.js'
import { type DeployOptions, commonRequest } from './deployment.js'

/**
 * The request to deploy the service at `options.address`. Throws ARGUMENTS_INVALID, CHAINCODE_NAME_ILLEGAL and the like;
 * the address is the daemon's to check.
 */
export function serviceRequest(options: DeployOptions & { address: string }): DeployRequest {
  const { name, version = defaultVersion, address } = options
  if (name === undefined) {
    const detail = 'a service that is deployed by its address needs a name'
    throw failure('ARGUMENTS_INVALID', { detail, hint: `chaincoded deploy --address ${address} --name NAME` })
  }
  checkChaincodeName(name)
  checkChaincodeVersion(version)
  return { ...commonRequest(options), path: '', name, version, address }
}
