import type Dockerode from 'dockerode'
import type { Engine } from './docker-connect.js'
import { DockerFailure, dockerFailure, statusOf } from './docker-failure.js'
import { isOwn, labelsOf, type Role } from './docker-labels.js'
import { removeContainer } from './docker-remove.js'
import { packFiles } from './pack-folder.js'

/** What a container is made of. */
export interface ContainerSpec {
  /** Its name; undefined lets the engine choose one. */
  name?: string
  image: string
  /** Undefined: what the image says. */
  command?: readonly string[]
  /** `NAME=value` */
  env: readonly string[]
  hostConfig: Dockerode.HostConfig
  owner: string
  ccid: string
  role: Role
}

/** A file that is put into a container before it starts. */
export interface UploadedFile {
  /** Absolute path in the container. */
  path: string
  content: Buffer
}

/**
 * Makes a container and does not start it; resolves with its id. One of the same name that this daemon has left is
 * removed first, somebody else's is not touched. Rejects with a DockerFailure.
 */
export async function createContainer(engine: Engine, spec: ContainerSpec): Promise<string> {
  const { name, image, command, env, owner, ccid, role } = spec
  const step = `create the container ${name ?? `of ${image}`}`
  try {
    if (name !== undefined) await makeWay(engine, spec, name)
    const container = await engine.calls.createContainer({
      ...(name === undefined ? {} : { name }),
      Image: image,
      ...(command ? { Cmd: [...command] } : {}),
      Env: [...env],
      Labels: labelsOf(owner, ccid, role),
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: spec.hostConfig,
    })
    return container.id
  } catch (error) {
    if (statusOf(error) === 404 && /no such image/i.test((error as Error).message))
      throw new DockerFailure('NO_IMAGE', `cannot ${step}: there is no image ${image}`, `docker pull ${image}`)
    throw dockerFailure(error, engine.endpoint, step)
  }
}

async function makeWay(engine: Engine, { owner, ccid }: ContainerSpec, name: string): Promise<void> {
  let found
  try {
    found = await engine.calls.getContainer(name).inspect()
  } catch (error) {
    if (statusOf(error) === 404) return
    throw error
  }
  if (!isOwn(found.Config.Labels, owner, ccid))
    throw new DockerFailure(
      'NAME_TAKEN',
      `cannot create the container ${name}: there is one of this name already, and this daemon did not make it`,
      `remove it (docker rm -f ${name}), or give this daemon another name: peer.id or peer.networkId`,
    )
  await removeContainer(engine, found.Id)
}

/** Puts files into a container as one archive. Rejects with a DockerFailure. */
export async function uploadFiles(engine: Engine, id: string, files: readonly UploadedFile[]): Promise<void> {
  if (files.length === 0) return
  try {
    const archive = await packFiles(
      files.map(({ path, content }) => ({ name: path.replace(/^\//, ''), content, mode: 0o644 })),
    )
    await engine.calls.getContainer(id).putArchive(archive, { path: '/' })
  } catch (error) {
    throw dockerFailure(error, engine.endpoint, `upload files to the container instance ${id.slice(0, 12)}`)
  }
}

/** Starts a container; resolves with the id of its first process, as its engine counts. Rejects with a DockerFailure. */
export async function startContainer(engine: Engine, id: string): Promise<number> {
  const container = engine.calls.getContainer(id)
  try {
    await container.start()
    return (await container.inspect()).State.Pid
  } catch (error) {
    throw dockerFailure(error, engine.endpoint, `start the container ${id.slice(0, 12)}`)
  }
}
