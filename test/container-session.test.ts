import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { FakePeer } from './fixtures/fake-peer.js'
import { TestContainers, inventory, makeBaseImages } from './fixtures/docker/engine.js'
import { needs } from './fixtures/needs.js'
import { fixture } from './fixtures/start-chaincode.js'

describe('A chaincode in a container of a real engine', function () {
  this.timeout(120_000)
  let peer: FakePeer
  let containers: TestContainers
  let atStart: Awaited<ReturnType<typeof inventory>>

  before(needs('docker'))
  before(async () => {
    makeBaseImages('node', 'empty')
    containers = new TestContainers()
    atStart = await inventory(await containers.engine())
    peer = await FakePeer.start()
  })
  after(async () => {
    if (!containers) return
    peer.close()
    const engine = await containers.engine()
    await containers.close()
    expect(await inventory(engine), 'what is left in the engine').to.deep.equal(atStart)
  })

  it('is built, created, started and registers, answers transactions, and is removed', async () => {
    const launcher = containers.launcher(peer.address, { path: fixture('kv'), command: [] })
    const container = containers.run(launcher, 'kv:1.0')
    const stream = peer.ready()
    await container.up()
    expect((await peer.execute(await stream, 'put', 'a', '1')).status).to.equal(200)
    expect((await peer.execute(await stream, 'get', 'a')).payload).to.equal('1')
    expect(readFileSync(containers.logFile, 'utf8')).to.contain('packing the chaincode')
    await container.remove()
    expect(container.events.map(({ type }) => type)).to.deep.equal(
      'IMAGE_MISSING IMAGE_BUILT CREATED UPLOADED STARTED EXITED REMOVED'.split(' '),
    )
    expect((await inventory(await containers.engine())).containers).to.deep.equal(atStart.containers)
  })

  it('is not built again while its code is the same, and is when it is another', async () => {
    const folder = join(containers.folder, 'kv')
    cpSync(fixture('kv'), folder, { recursive: true })
    const launcher = containers.launcher(peer.address, { path: folder, command: [] })
    for (const [expected, change] of [
      ['IMAGE_FOUND', undefined],
      ['IMAGE_MISSING', '// another comment\n'],
      ['IMAGE_FOUND', undefined],
    ] as const) {
      if (change) writeFileSync(join(folder, 'extra.js'), change)
      const container = containers.run(launcher, 'kv:1.0')
      const stream = peer.ready()
      await container.up()
      await stream
      expect(container.events[0]?.type).to.equal(expected)
      await container.remove()
    }
    const { images } = await inventory(await containers.engine())
    expect(
      images.filter((image) => !atStart.images.includes(image)),
      'one image, the former is gone',
    ).to.have.length(1)
  })

  describe('written in Go', () => {
    before(needs('go'))
    before(() => makeBaseImages('go'))

    it('is built in the builder, put on an empty base image, and started with the address', async () => {
      const folder = join(containers.folder, 'go')
      mkdirSync(folder)
      writeFileSync(join(folder, 'go.mod'), 'module example.com/cc\n\ngo 1.21\n')
      // Building the shim would take a minute; that one registers is shown by the conformance run.
      writeFileSync(
        join(folder, 'main.go'),
        'package main\n\nimport "os"\n\nfunc main() {\n' +
          '\tprintln(os.Args[1], os.Getenv("CORE_CHAINCODE_ID_NAME"))\n\tos.Exit(7)\n}\n',
      )
      const container = containers.run(containers.launcher(peer.address, { path: folder, command: [] }), 'go:1.0')
      await container.up()
      const { exitCode, lastWords } = await container.until('EXITED')
      expect([exitCode, lastWords]).to.deep.equal([7, [`-peer.address=${peer.address} go:1.0`]])
      await container.remove()
    })
  })
})
