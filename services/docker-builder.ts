import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { attachOutput } from './docker-attach.js'
import type { ImageBuild } from './docker-build.js'
import type { Engine } from './docker-connect.js'
import { createContainer, startContainer } from './docker-container.js'
import { DockerFailure } from './docker-failure.js'
import { removeContainer } from './docker-remove.js'
import { waitForExit } from './docker-wait.js'
import type { LineBuffer } from './keep-lines.js'
import { packFiles } from './pack-folder.js'
import { readLines } from './read-lines.js'

/**
 * Runs the builder of a language over the code, in a container that is removed afterwards whatever happens, and keeps
 * what it made in the file `output`, a tar. Rejects with BUILD_FAILED and the last lines of `recent`, or another DockerFailure.
 */
export async function runBuilder(
  engine: Engine,
  { plan, code, owner, ccid, hostConfig }: ImageBuild,
  output: string,
  onLine: (line: string) => void,
  recent: LineBuffer,
  signal: AbortSignal,
): Promise<void> {
  const { NetworkMode } = hostConfig
  const command = ['/bin/sh', '-c', plan.script]
  const spec = { image: plan.builder.image, command, env: plan.env, hostConfig: { NetworkMode }, owner, ccid }
  const id = await createContainer(engine, { ...spec, role: 'build' })
  const onAbort = () => void removeContainer(engine, id).catch(() => undefined)
  try {
    signal.throwIfAborted()
    // Killing the container is what ends a build: the steps below then end by themselves.
    signal.addEventListener('abort', onAbort, { once: true })
    const folders = ['chaincode/', 'chaincode/input/', 'chaincode/output/'].map((name) => ({ name, mode: 0o755 }))
    await engine.streams.getContainer(id).putArchive(await packFiles(folders), { path: '/' })
    await engine.streams.getContainer(id).putArchive(code, { path: '/chaincode/input' })
    const { stdout, stderr } = await attachOutput(engine, id)
    const read = [stdout, stderr].map((stream) => readLines(stream, (lines) => lines.forEach(onLine)).ended)
    await startContainer(engine, id)
    const { exitCode } = await waitForExit(engine, id)
    await Promise.all(read)
    signal.throwIfAborted()
    if (exitCode !== 0)
      throw new DockerFailure(
        'BUILD_FAILED',
        `docker build failed: Error returned from build: ${exitCode} (in a container of ${plan.builder.image})`,
        `correct what the build says, or set ${plan.builder.key} to an image that can build this chaincode`,
        recent.last(),
      )
    await pipeline(
      await engine.streams.getContainer(id).getArchive({ path: '/chaincode/output/.' }),
      createWriteStream(output),
    )
  } finally {
    signal.removeEventListener('abort', onAbort)
    await removeContainer(engine, id)
  }
}
