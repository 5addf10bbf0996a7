import { join, resolve } from 'node:path'
import { writeIdentity } from '../../../services/identity-files.js'
import { failure, messageOf } from '../../errors.js'
import { print, tell, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { withControl } from '../with-control.js'

/**
 * `chaincoded cert NAME`: writes the identity of a chaincode that is started by hand, and prints the variables that shims
 * read as shell commands. Keys are printed nowhere.
 */
export const cert = (context: Context, name: string, { output }: { output?: string }): Promise<number> =>
  withControl(context, async (control) => {
    const { io, dataDir, json } = context
    const { ccid, address, mspId, ...identity } = await control.issueCertificate(name)
    const folder = output === undefined ? join(dataDir, 'tls', name) : resolve(io.cwd, output)
    const variables = {
      CORE_CHAINCODE_ID_NAME: ccid,
      CORE_PEER_ADDRESS: address,
      CORE_PEER_LOCALMSPID: mspId,
      ...write(folder, identity),
    }
    if (json) print(io, JSON.stringify(variables, null, 2))
    else {
      for (const [variable, value] of Object.entries(variables)) print(io, `export ${variable}=${quoted(value)}`)
      tell(io, `key and certificate of ${ccid} are in ${folder}; they are void when the daemon stops or issues others`)
      tell(io, `a Go chaincode also has to be given -peer.address ${address}`)
    }
    return exitCodes.done
  })

function write(folder: string, identity: Parameters<typeof writeIdentity>[1]) {
  try {
    return writeIdentity(folder, identity)
  } catch (error) {
    throw failure('CERTIFICATE_UNWRITABLE', { folder, detail: messageOf(error) }, error)
  }
}

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`
