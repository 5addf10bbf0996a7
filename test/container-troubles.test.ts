import { mkdirSync, writeFileSync } from 'node:fs'
import { type Server, createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ContainerEvent } from '../machines/index.js'
import { createContainer } from '../services/docker-container.js'
import type { BuildSettings } from '../services/docker-languages.js'
import { containerName } from '../services/docker-names.js'
import { removeContainer } from '../services/docker-remove.js'
import type { ContainerDeployment } from '../src/docker-launcher.js'
import {
  type TestContainer,
  TestContainers,
  baseImages,
  dockerConfigOf,
  engineEndpoint,
  inventory,
  makeBaseImages,
} from './fixtures/docker/engine.js'
import { needs } from './fixtures/needs.js'

const ADDRESS = '127.0.0.1:1'

describe('A container of a real engine that does not come up', function () {
  this.timeout(60_000)
  let containers: TestContainers
  let folder: string

  before(needs('docker'))
  before(() => makeBaseImages('node', 'empty'))
  beforeEach(() => {
    containers = new TestContainers()
    folder = join(containers.folder, 'cc')
    mkdirSync(folder)
  })
  afterEach(() => containers.close())

  const start = (deployment: Partial<ContainerDeployment>, build: Partial<BuildSettings> = {}): TestContainer => {
    const launcher = containers.launcher(
      ADDRESS,
      { path: folder, command: [], ...deployment },
      { config: dockerConfigOf(containers.peerId, build) },
    )
    return containers.run(launcher, 'kv:1.0')
  }
  const failed = (container: TestContainer) =>
    container.events.find(({ type }) => type === 'STEP_FAILED') as Extract<ContainerEvent, { type: 'STEP_FAILED' }>
  const fails = async (container: TestContainer) => {
    await container.up().catch(() => undefined)
    const failure = failed(container)
    await container.remove()
    return failure
  }

  it('says which image is missing, which key names it, and that no registry has it', async () => {
    writeFileSync(join(folder, 'package.json'), '{}')
    const failure = await fails(start({}, { nodeRuntime: '127.0.0.1:1/none/nodeenv:1' }))
    expect(failure.errno).to.equal('NO_IMAGE')
    expect(failure.message).to.match(
      /^there is no image 127\.0\.0\.1:1\/none\/nodeenv:1 \(chaincode\.node\.runtime\), and it cannot be had from a registry: Failed to pull /,
    )
    expect(failure.hint).to.contain('set chaincode.node.runtime to an image that is there')
  })

  it('says so too of an image that was named with --image', async () => {
    const failure = await fails(start({ path: '', image: '127.0.0.1:1/none/cc:1' }))
    expect(failure.message).to.contain('there is no image 127.0.0.1:1/none/cc:1 (--image)')
  })

  it("gives the failing step's output when the build fails, and leaves no build container", async () => {
    writeFileSync(join(folder, 'pom.xml'), '')
    const failure = await fails(start({}, { javaRuntime: baseImages.node }))
    expect(failure.errno).to.equal('BUILD_FAILED')
    expect(failure.message).to.equal(
      `docker build failed: Error returned from build: 127 (in a container of ${baseImages.node})`,
    )
    expect(failure.hint).to.contain('chaincode.java.runtime')
    expect(failure.lastWords?.join('\n')).to.match(/\.\/build\.sh: not found/)
  })

  it('says which files it looked for when the language is not to be told', async () => {
    writeFileSync(join(folder, 'main.rs'), '')
    const failure = await fails(start({}))
    expect(failure.message).to.match(/^the language of the chaincode is not known: there is no go\.mod/)
  })

  it('says which file cannot be packed', async () => {
    const failure = await fails(start({ path: join(folder, 'nowhere'), language: 'node' }))
    expect(failure.message).to.match(/^the chaincode cannot be packed: ENOENT.*nowhere/)
  })

  it('gives exit code and last words of a container that dies', async () => {
    const container = start({
      image: baseImages.node,
      command: ['/bin/sh', '-c', 'echo out; echo trouble >&2; exit 3'],
    })
    await container.up()
    const { exitCode, lastWords, output } = await container.until('EXITED')
    expect([exitCode, lastWords, output?.slice().sort()]).to.deep.equal([3, ['trouble'], ['out', 'trouble']])
    await container.remove()
  })

  it('says that the image lacks the program of the command', async () => {
    const failure = await fails(start({ image: baseImages.node, command: ['no-such-program'] }))
    expect(failure.message).to.match(/^cannot start the container [0-9a-f]{12}: .*no-such-program.*not found/s)
    expect(failure.hint).to.contain('the image has no such program')
  })

  it('says that a container needed more memory than it may use', async () => {
    const config = dockerConfigOf(containers.peerId)
    const deployment = { path: '', image: baseImages.node, command: ['node', '-e', 'Buffer.alloc(5e8, 1)'] }
    const launcher = containers.launcher(ADDRESS, deployment, {
      config: { ...config, host: { ...config.host, memory: 1e8, memorySwap: 1e8 } },
    })
    const container = containers.run(launcher, 'kv:1.0')
    await container.up()
    const { exitCode, lastWords } = await container.until('EXITED')
    expect(exitCode).to.equal(137)
    expect(lastWords.at(-1)).to.equal('the container needed more memory than vm.docker.hostConfig.Memory allows')
    await container.remove()
  })

  it('puts files where the chaincode looks for them before it starts', async () => {
    const path = '/etc/hyperledger/fabric/peer.crt'
    const launcher = containers.launcher(
      ADDRESS,
      { path: '', image: baseImages.node, command: ['/bin/sh', '-c', `cat ${path}; ls -l ${path}; exit 1`] },
      { files: [{ path, content: Buffer.from('certificate\n') }] },
    )
    const container = containers.run(launcher, 'kv:1.0')
    await container.up()
    const { lastWords } = await container.until('EXITED')
    expect(lastWords[0]).to.equal('certificate')
    expect(lastWords[1]).to.match(/^-rw-r--r-- /)
    await container.remove()
  })

  it("is refused the name of somebody else's container, which stays untouched", async () => {
    const engine = await containers.engine()
    const name = containerName('kv:1.0', dockerConfigOf(containers.peerId).names)
    const theirs = { name, image: baseImages.empty, command: ['sh'], env: [], hostConfig: {}, ccid: 'kv:1.0' }
    const id = await createContainer(engine, { ...theirs, owner: 'another daemon', role: 'chaincode' })
    const failure = await fails(start({ image: baseImages.empty, command: ['sh'] }))
    expect(failure.message).to.contain(`there is one of this name already, and this daemon did not make it`)
    expect(failure.hint).to.contain('peer.id')
    expect((await engine.calls.getContainer(id).inspect()).Id).to.equal(id)
    await removeContainer(engine, id)
  })

  it('ends a build that is stopped, and leaves nothing of it', async () => {
    const engine = await containers.engine()
    const before_ = await inventory(engine)
    const slow = 'chaincoded-test/slow:1'
    await deriveImage(containers, slow, '#!/bin/sh\necho building\nexec sleep 1000\n')
    writeFileSync(join(folder, 'package.json'), '{}')
    const container = start({}, { nodeRuntime: slow })
    container.send('FIND_IMAGE')
    await container.until('IMAGE_MISSING')
    container.send('BUILD_IMAGE')
    for (;;) {
      const [build] = await engine.calls.listContainers({ filters: { ancestor: [slow] } })
      if (build) break
    }
    await container.remove()
    expect(container.events.map(({ type }) => type)).to.deep.equal(['IMAGE_MISSING', 'REMOVED'])
    await engine.calls.getImage(slow).remove({ force: true })
    expect(await inventory(engine)).to.deep.equal(before_)
  })

  it('leaves to its successor what a killed daemon cannot remove, and nothing that is not its own', async () => {
    const deployment = { path: '', image: baseImages.empty, command: ['/bin/sleep', '1000'] }
    const mine = containers.launcher(ADDRESS, deployment)
    await containers.run(mine, 'kv:1.0').up()
    await containers.run(mine, 'kv:2.0').up()
    const other = new TestContainers()
    const theirs = other.run(other.launcher(ADDRESS, deployment), 'kv:1.0')
    await theirs.up()
    const names = dockerConfigOf(containers.peerId).names
    expect((await containers.launcher(ADDRESS, deployment).removeAll()).sort()).to.deep.equal(
      ['kv:1.0', 'kv:2.0'].map((ccid) => containerName(ccid, names)),
    )
    expect(await containers.launcher(ADDRESS, deployment).removeAll()).to.deep.equal([])
    expect(theirs.events.map(({ type }) => type)).to.not.include('EXITED')
    expect(await other.launcher(ADDRESS, deployment).removeAll()).to.have.length(1)
    await other.close()
  })

  describe('because its engine', () => {
    let wall: { server: Server; path: string; break: () => void; open: () => Promise<void> }
    beforeEach(async () => {
      wall = await wallTo(engineEndpoint.replace('unix://', ''), join(containers.folder, 'engine.sock'))
    })
    afterEach(() => wall.break())

    it('goes away while it runs, is removed when the engine is back', async () => {
      const config = dockerConfigOf(containers.peerId, {}, `unix://${wall.path}`)
      const deployment = { path: '', image: baseImages.empty, command: ['/bin/sleep', '1000'] }
      const container = containers.run(containers.launcher(ADDRESS, deployment, { config }), 'kv:1.0')
      await container.up()
      wall.break()
      const { message, hint } = await container.until('ENGINE_LOST')
      expect(message).to.match(/^cannot wait for the container [0-9a-f]{12}: the container engine at unix:.* broke off/)
      expect(hint).to.contain('restarted')
      container.send('REMOVE')
      expect((await container.until('REMOVE_FAILED')).message).to.contain('no container engine answers at unix:')
      await wall.open()
      await container.remove()
      expect(await containers.launcher(ADDRESS, deployment).removeAll()).to.deep.equal([])
    })
  })
})

/** A node image whose build step is this script. */
async function deriveImage(containers: TestContainers, tag: string, script: string): Promise<void> {
  const { calls } = await containers.engine()
  const container = await calls.createContainer({ Image: baseImages.node, Cmd: ['sh'] })
  const { packFiles } = await import('../services/pack-folder.js')
  await container.putArchive(
    await packFiles([{ name: 'chaincode/build.sh', content: Buffer.from(script), mode: 0o755 }]),
    { path: '/' },
  )
  const [repo, version] = tag.split(':')
  await container.commit({ repo, tag: version })
  await container.remove()
}

/** A socket in front of the engine's, which can break every connection and refuse new ones. */
async function wallTo(target: string, path: string) {
  const ends = new Set<{ destroy: () => void }>()
  const make = () =>
    createServer((near) => {
      const far = createConnection(target)
      ends.add(near).add(far)
      near.pipe(far).pipe(near)
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
      far.on('error', () => near.destroy()).on('close', () => near.destroy())
    })
  let server = make()
  const open = async () => {
    server = make()
    await new Promise<void>((resolve) => server.listen(path, resolve))
  }
  await open()
  return {
    server,
    path,
    open,
    break: () => {
      server.close()
      for (const end of ends) end.destroy()
      ends.clear()
    },
  }
}
