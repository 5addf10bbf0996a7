import type { Engine } from './docker-connect.js'

/** Labels that say whose a container or an image is. */
const OWNER = 'chaincoded.owner'
const CCID = 'chaincoded.ccid'
const ROLE = 'chaincoded.role'
/** Hash of what an image was built from. */
export const CONTENT = 'chaincoded.content'

/** What a container or an image is for. */
export type Role = 'chaincode' | 'build' | 'image'

/** The labels of something that is made for a chaincode. `owner` tells daemons apart and outlives their processes. */
export const labelsOf = (owner: string, ccid: string, role: Role): Record<string, string> => ({
  [OWNER]: owner,
  [CCID]: ccid,
  [ROLE]: role,
})

/** Whether labels say that something was made by the daemon `owner` for the chaincode. */
export const isOwn = (labels: Readonly<Record<string, string>> | undefined, owner: string, ccid: string): boolean =>
  labels?.[OWNER] === owner && labels[CCID] === ccid

/** A container that a daemon has made. */
export interface OwnContainer {
  id: string
  name: string
  ccid: string
  role: Role
}

/** Lists what the daemon `owner` has made, running or not; of one chaincode where `ccid` is given. */
export async function listOwnContainers(engine: Engine, owner: string, ccid?: string): Promise<OwnContainer[]> {
  const label = [`${OWNER}=${owner}`, ...(ccid === undefined ? [] : [`${CCID}=${ccid}`])]
  const found = await engine.calls.listContainers({ all: true, filters: { label } })
  return found.map(({ Id, Names, Labels }) => ({
    id: Id,
    name: (Names[0] ?? Id).replace(/^\//, ''),
    ccid: Labels[CCID] ?? '',
    role: Labels[ROLE] as Role,
  }))
}

/** The ids of the images that the daemon `owner` has built for a chaincode. */
export async function listOwnImages(engine: Engine, owner: string, ccid: string): Promise<string[]> {
  const found = await engine.calls.listImages({ filters: { label: [`${OWNER}=${owner}`, `${CCID}=${ccid}`] } })
  return found.map(({ Id }) => Id)
}
