import { print, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { version as programVersion } from '../version.js'

/** `chaincoded version`. */
export async function version({ io, json }: Context): Promise<number> {
  print(
    io,
    json ? JSON.stringify({ version: programVersion, node: process.versions.node }) : `chaincoded ${programVersion}`,
  )
  return exitCodes.done
}
