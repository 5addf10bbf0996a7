import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Dockerode from 'dockerode'
import { pack } from 'tar-stream'
import { runBuilder } from './docker-builder.js'
import type { Engine } from './docker-connect.js'
import { DockerFailure, dockerFailure } from './docker-failure.js'
import { followProgress, requireImage } from './docker-find-image.js'
import { dockerfile, type BuildPlan } from './docker-languages.js'
import { CONTENT, labelsOf } from './docker-labels.js'
import { LineBuffer } from './keep-lines.js'

/** What an image is built from. */
export interface ImageBuild {
  plan: BuildPlan
  /** Tag of the image. */
  image: string
  code: Buffer
  /** Hash of code and plan: an image with the same one need not be built again. */
  content: string
  /** Type of the package, in capitals. */
  type: string
  pull: boolean
  owner: string
  ccid: string
  hostConfig: Dockerode.HostConfig
  /** Version of Fabric that chaincode is told. */
  buildLevel: string
}

/** Lines of a failing step that its failure carries. */
const OUTPUT_LINES = 40

/**
 * Builds the image of a chaincode in Fabric's two steps: what the language's builder makes of the code in a container
 * that is thrown away, put on the language's base image. Each line of output goes to `onLine`. Rejects with a
 * DockerFailure; nothing of the build is left then.
 */
export async function buildImage(
  engine: Engine,
  build: ImageBuild,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chaincoded-build-'))
  const recent = new LineBuffer(OUTPUT_LINES)
  const say = (line: string) => {
    recent.push([line])
    onLine(line)
  }
  try {
    await requireImage(engine, build.plan.builder, { pull: build.pull, signal })
    if (build.plan.base.image !== build.plan.builder.image)
      await requireImage(engine, build.plan.base, { pull: build.pull, signal })
    const output = join(folder, 'binpackage.tar')
    await runBuilder(engine, build, output, say, recent, signal)
    signal.throwIfAborted()
    await assemble(engine, build, output, say, recent, signal)
  } catch (error) {
    throw dockerFailure(error, engine.endpoint, `build the image of ${build.ccid}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Puts what was built on the base image. */
async function assemble(
  engine: Engine,
  { plan, image, content, type, owner, ccid, hostConfig, buildLevel }: ImageBuild,
  output: string,
  onLine: (line: string) => void,
  recent: LineBuffer,
  abortSignal: AbortSignal,
): Promise<void> {
  const fabric = 'org.hyperledger.fabric'
  const labels = { [`${fabric}.chaincode.type`]: type, [`${fabric}.version`]: buildLevel, [CONTENT]: content }
  const text = dockerfile(plan, { ...labels, ...labelsOf(owner, ccid, 'image') }, buildLevel)
  const context = pack()
  const filled = (async () => {
    context.entry({ name: 'Dockerfile', mode: 0o644, mtime: new Date(0) }, text)
    const entry = context.entry({
      name: 'binpackage.tar',
      mode: 0o644,
      mtime: new Date(0),
      size: (await stat(output)).size,
    })
    await pipeline(createReadStream(output), entry as never)
    context.finalize()
  })()
  filled.catch((error: Error) => context.destroy(error))
  const { NetworkMode: networkmode } = hostConfig
  const options = { t: image, rm: true, forcerm: true, networkmode, abortSignal }
  const progress = (await engine.streams.buildImage(context as never, options as never)) as unknown as Readable
  try {
    await followProgress(progress, onLine)
  } catch (error) {
    if (abortSignal.aborted) throw error
    const failure = dockerFailure(error, engine.endpoint, `build the image ${image}`)
    if (failure.trouble !== 'REFUSED') throw failure
    const message = `docker image build failed: ${(error as Error).message}`
    throw new DockerFailure('BUILD_FAILED', message, undefined, recent.last())
  }
}
