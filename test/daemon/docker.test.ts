import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Engine, connectEngine } from '../../services/docker-connect.js'
import { TestDaemons, rejection } from '../fixtures/embedded-daemon.js'
import { baseImages, engineEndpoint, inventory, makeBaseImages } from '../fixtures/docker/engine.js'
import { needs } from '../fixtures/needs.js'
import { example, fixture } from '../fixtures/start-chaincode.js'

const program = new URL('../fixtures/docker/daemon-to-kill.ts', import.meta.url).pathname

describe('A daemon with chaincode in containers', function () {
  this.timeout(120_000)
  const daemons = new TestDaemons()
  const peerId = `p${randomUUID().slice(0, 8)}`
  const settings = {
    'vm.endpoint': engineEndpoint,
    'chaincode.node.runtime': baseImages.node,
    'peer.id': peerId,
    'chaincoded.shutdownTimeout': '30s',
  }
  let engine: Engine
  let atStart: Awaited<ReturnType<typeof inventory>>
  const own = async () => (await inventory(engine)).containers.filter((name) => name.includes(peerId))

  before(needs('docker'))
  before(async () => {
    makeBaseImages('node')
    engine = await connectEngine({ endpoint: engineEndpoint })
    atStart = await inventory(engine)
  })
  afterEach(() => daemons.closeAll())
  after(async () => {
    if (engine) expect(await inventory(engine), 'what is left in the engine').to.deep.equal(atStart)
  })

  it('deploys an example, answers, stops it, starts it at the next call, and forgets it with its image', async () => {
    const daemon = await daemons.start(settings)
    const info = await daemon.deploy({ path: example('counter'), name: 'cc', runtime: 'docker' })
    expect(info).to.include({ state: 'ready', runtime: 'docker' })
    await daemon.invoke({ chaincode: 'cc', args: ['increment', 'visits', '2'] })
    expect((await daemon.evaluate({ chaincode: 'cc', args: ['read', 'visits'] })).toString()).to.equal('2')
    expect(await own()).to.deep.equal([`/dev-${peerId}-cc-1.0`])

    await daemon.stop('cc')
    expect(await own()).to.deep.equal([])
    expect((await daemon.evaluate({ chaincode: 'cc', args: ['read', 'visits'] })).toString()).to.equal('2')
    expect(await own()).to.have.length(1)
    expect(readFileSync(info.logFile, 'utf8')).to.contain('packing the chaincode')

    await daemon.remove('cc')
    expect(await inventory(engine)).to.deep.equal(atStart)
  })

  it('removes its containers when it is closed', async () => {
    const daemon = await daemons.start(settings)
    const command = ['node', '/usr/local/src/kv.js', '--peer.address', '{address}']
    await daemon.deploy({ path: fixture('kv'), name: 'cc', runtime: 'docker', command })
    await daemon.close()
    expect(await own()).to.deep.equal([])
    const again = await daemons.start(settings, daemon.dataDir)
    await again.remove('cc')
  })

  it('tells why a container cannot be started, with one hint', async () => {
    const daemon = await daemons.start({ ...settings, 'vm.endpoint': 'unix:///none.sock' })
    const error = await rejection(daemon.deploy({ path: fixture('kv'), name: 'cc', runtime: 'docker' }))
    expect(error.message).to.equal(
      'could not launch chaincode cc:1.0: error starting container: cannot connect to the container engine: ' +
        'no container engine answers at unix:///none.sock (ENOENT)',
    )
    expect(error.hint).to.contain('vm.endpoint')
  })

  it('removes what its predecessor left when that was killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    const child = spawn(process.execPath, ['--import', 'tsx/esm', program, folder, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await own()).to.have.length(1)
    const next = await daemons.start(settings, folder)
    expect(await own()).to.deep.equal([])
    await next.remove('cc')
  })
})
