import type { Engine } from './docker-connect.js'
import { dockerFailure, statusOf } from './docker-failure.js'
import { listOwnContainers, listOwnImages } from './docker-labels.js'

/** The engine knows no such thing, or is already removing it. */
const isGone = (error: unknown): boolean => [404, 409, 304].includes(statusOf(error) ?? 0)

/**
 * Ends a container as Fabric does: stop with no patience, kill, remove by force. A step that finds nothing to do is no
 * failure. Rejects with a DockerFailure where the container may still be there.
 */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  const container = engine.calls.getContainer(id)
  for (const step of [
    () => container.stop({ t: 0 }),
    () => container.kill(),
    () => container.remove({ force: true, v: true }),
  ])
    try {
      await step()
    } catch (error) {
      if (!isGone(error)) throw dockerFailure(error, engine.endpoint, `remove the container ${id.slice(0, 12)}`)
    }
  await removed(engine, id)
}

/** Resolves when a removal that somebody else has begun is over. */
async function removed(engine: Engine, id: string): Promise<void> {
  try {
    await engine.streams.getContainer(id).wait({ condition: 'removed' })
  } catch (error) {
    if (!isGone(error))
      throw dockerFailure(error, engine.endpoint, `wait for the end of the container ${id.slice(0, 12)}`)
  }
}

/** Removes every container that the daemon `owner` has made, of one chaincode where `ccid` is given; tells which. */
export async function removeOwnContainers(engine: Engine, owner: string, ccid?: string): Promise<string[]> {
  try {
    const own = await listOwnContainers(engine, owner, ccid)
    await Promise.all(own.map(({ id }) => removeContainer(engine, id)))
    return own.map(({ name }) => name)
  } catch (error) {
    throw dockerFailure(error, engine.endpoint, 'remove the containers of this daemon')
  }
}

/** Removes the images that were built for a chaincode. Rejects with a DockerFailure. */
export async function removeOwnImages(engine: Engine, owner: string, ccid: string, except?: string): Promise<void> {
  try {
    for (const id of await listOwnImages(engine, owner, ccid))
      if (id !== except) await engine.calls.getImage(id).remove({ force: true })
  } catch (error) {
    if (!isGone(error)) throw dockerFailure(error, engine.endpoint, `remove the image of ${ccid}`)
  }
}
