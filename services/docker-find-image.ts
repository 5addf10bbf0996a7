import type { Readable } from 'node:stream'
import type { Engine } from './docker-connect.js'
import { DockerFailure, dockerFailure, engineText, statusOf } from './docker-failure.js'
import { CONTENT } from './docker-labels.js'

/** An image that the engine has. */
export interface FoundImage {
  id: string
  /** Hash of what it was built from; undefined where it was not built here. */
  content: string | undefined
}

/** Looks for an image. Rejects with a DockerFailure where the engine cannot tell. */
export async function findImage(engine: Engine, name: string): Promise<FoundImage | undefined> {
  try {
    const { Id, Config } = await engine.calls.getImage(name).inspect()
    return { id: Id, content: Config?.Labels?.[CONTENT] }
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw dockerFailure(error, engine.endpoint, `look for the image ${name}`)
  }
}

/**
 * Makes sure that the engine has an image, from its registry where it does not, or where `pull` asks for the newest;
 * resolves with its id. Rejects with a DockerFailure that names `key`, the setting which names the image.
 */
export async function requireImage(
  engine: Engine,
  { image, key }: { image: string; key: string },
  { pull, signal }: { pull: boolean; signal?: AbortSignal },
): Promise<string> {
  const found = await findImage(engine, image)
  if (found && !pull) return found.id
  try {
    await pullImage(engine, image, signal)
  } catch (error) {
    // What is here is good enough where no newer one can be had.
    if (found) return found.id
    if (error instanceof DockerFailure) throw error
    throw new DockerFailure(
      'NO_IMAGE',
      `there is no image ${image} (${key}), and it cannot be had from a registry: Failed to pull ${image}: ${engineText(error)}`,
      `load it into the engine (docker pull, docker load), or set ${key} to an image that is there (docker images)`,
    )
  }
  return (await findImage(engine, image))?.id ?? ''
}

async function pullImage(engine: Engine, image: string, abortSignal: AbortSignal | undefined): Promise<void> {
  const name = /[:@][^/]+$/.test(image) ? image : `${image}:latest`
  const progress = (await engine.streams.pull(name, { abortSignal })) as Readable
  await followProgress(progress, () => {})
}

/** Reads the engine's progress messages to their end; throws the Error that one of them tells. */
export async function followProgress(progress: Readable, onLine: (line: string) => void): Promise<void> {
  let text = ''
  const take = (line: string): void => {
    if (line.trim() === '') return
    const { stream, error } = JSON.parse(line) as { stream?: string; error?: string }
    if (error !== undefined) throw new Error(error)
    for (const part of (stream ?? '').split('\n')) if (part.trim() !== '') onLine(part)
  }
  for await (const chunk of progress as AsyncIterable<Buffer>) {
    const lines = (text + chunk.toString()).split('\n')
    text = lines.pop() ?? ''
    lines.forEach(take)
  }
  take(text)
}
