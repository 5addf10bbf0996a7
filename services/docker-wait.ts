import type { Readable } from 'node:stream'
import type { Engine } from './docker-connect.js'
import { DockerFailure, dockerFailure } from './docker-failure.js'

/** How a container ended. */
export interface ContainerExit {
  exitCode: number
  /** It needed more memory than `vm.docker.hostConfig.Memory`. */
  isOutOfMemory: boolean
}

/** Resolves when a started container has ended. Rejects with a DockerFailure, also when the engine goes away meanwhile. */
export async function waitForExit(engine: Engine, id: string): Promise<ContainerExit> {
  const step = `wait for the container ${id.slice(0, 12)}`
  try {
    // dockerode's own call never settles when the engine breaks off between its head and its answer.
    const answer = await ask(engine, `/containers/${id}/wait?`)
    let text = ''
    for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString()
    if (text.trim() === '') throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    const { StatusCode, Error: trouble } = JSON.parse(text) as { StatusCode: number; Error?: { Message: string } }
    if (trouble?.Message) throw new DockerFailure('REFUSED', `cannot ${step}: ${trouble.Message}`)
    const state = await engine.calls
      .getContainer(id)
      .inspect()
      .then(({ State }) => State)
      .catch(() => undefined)
    return { exitCode: StatusCode, isOutOfMemory: state?.OOMKilled ?? false }
  } catch (error) {
    throw dockerFailure(error, engine.endpoint, step)
  }
}

/** A POST whose answer is read as it comes. */
const ask = (engine: Engine, path: string) =>
  new Promise<Readable>((resolve, reject) => {
    const statusCodes = { 200: true, 404: 'no such container', 500: 'server error' }
    const request = { path, method: 'POST', isStream: true, statusCodes, options: {} }
    engine.streams.modem.dial(request as never, (error: unknown, answer: unknown) =>
      error ? reject(error as Error) : resolve(answer as Readable),
    )
  })
