import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { TestDaemons, isAlive, rejection } from '../fixtures/embedded-daemon.js'
import { needs } from '../fixtures/needs.js'

const goSources = new URL('../bench/chaincode-go/', import.meta.url).pathname

describe('A daemon builds', function () {
  this.timeout(240_000)
  const daemons = new TestDaemons()
  let folder: string
  beforeEach(async () => (folder = await realpath(await mkdtemp(join(tmpdir(), 'chaincoded-test-')))))
  afterEach(async () => {
    await daemons.closeAll()
    await rm(folder, { recursive: true, force: true })
  })
  const write = (name: string, content: string) => writeFile(join(folder, name), content)

  describe('a Go module', () => {
    before(needs('go'))
    beforeEach(() => cp(goSources, folder, { recursive: true }))

    it('shows what the compiler said, tries again at the next deployment, and keeps the result', async () => {
      const daemon = await daemons.start()
      const main = await readFile(join(folder, 'main.go'), 'utf8')
      await write('main.go', main.replace('func main() {', 'func main() {\n\tnothing.Known()'))
      const lines: string[] = []
      const deploy = () => daemon.deploy({ path: folder, name: 'cc', onProgress: (line) => void lines.push(line) })
      const error = await rejection(deploy())
      expect(error.message).to.contain('error building chaincode: go build -o chaincode . exited with 1')
      expect(error.lastWords?.join('\n')).to.contain('undefined: nothing')
      expect(lines).to.include('building cc:1.0: go build')
      expect(lines.join('\n')).to.contain('undefined: nothing')
      expect((await daemon.list())[0]).to.include({ state: 'failed' })

      await write('main.go', main)
      expect(await deploy()).to.include({ state: 'ready' })
      expect(daemon.changes).to.include('cc:1.0 building>awaitingRegister')

      daemon.changes.length = 0
      const info = await daemon.restart('cc')
      expect(daemon.changes, 'the second launch builds nothing').to.include('cc:1.0 launching>awaitingRegister')
      expect(info.command[0]).to.match(new RegExp(`^${daemon.dataDir}/builds/[0-9a-f]{64}/chaincode$`))
    })
  })

  describe('a Node package', () => {
    before(needs('registry'))

    it('installs what its lock file names before the first start, and nothing before the second', async () => {
      const daemon = await daemons.start()
      await mkdir(join(folder, 'lib'))
      const manifest = {
        name: 'built',
        version: '1.0.0',
        main: 'lib/index.js',
        scripts: { start: 'fabric-chaincode-node start', build: 'cp source.js lib/index.js' },
        dependencies: { 'fabric-contract-api': '2.5.8', 'fabric-shim': '2.5.8' },
      }
      await write('package.json', JSON.stringify(manifest))
      await write(
        'source.js',
        `const { Contract } = require('fabric-contract-api')
         class Answer extends Contract { async Give() { return '42' } }
         exports.contracts = [Answer]`,
      )
      const lines: string[] = []
      await daemon.deploy({ path: folder, name: 'cc', onProgress: (line) => void lines.push(line) })
      expect(lines).to.include('building cc:1.0: npm install, npm run build')
      expect((await daemon.evaluate({ chaincode: 'cc', args: ['Give'] })).toString()).to.equal('42')
      daemon.changes.length = 0
      const info = await daemon.restart('cc')
      expect(daemon.changes).to.include('cc:1.0 launching>awaitingRegister')
      expect(info.command[0]).to.equal(process.execPath)
      expect(await readdir(folder)).to.include('package-lock.json')
    })
  })

  describe('with a tool', () => {
    /** A package whose build script waits for ever. */
    const waiting = (script: string) =>
      write(
        'package.json',
        JSON.stringify({
          main: 'lib/index.js',
          scripts: { start: 'fabric-chaincode-node start', build: script },
          dependencies: { 'fabric-shim': '2' },
        }),
      )
    beforeEach(async () => {
      await mkdir(join(folder, 'node_modules/fabric-shim'), { recursive: true })
      await write('node_modules/fabric-shim/package.json', '{"name":"fabric-shim","bin":{"fabric-chaincode-node":"x"}}')
    })

    it('that does not end is killed when the chaincode is stopped', async () => {
      const daemon = await daemons.start()
      await waiting('echo pid $$ && sleep 1000')
      let pid = 0
      const printed = new Promise<void>((resolve) => {
        const onProgress = (line: string) => {
          if (!/^pid \d+$/.test(line)) return
          pid = Number(line.slice(4))
          resolve()
        }
        daemon.deploy({ path: folder, name: 'cc', onProgress }).catch(() => undefined)
      })
      await printed
      expect((await daemon.list())[0]).to.include({ state: 'building', pid: 0 })
      expect(await daemon.stop('cc')).to.include({ state: 'stopped' })
      expect(isAlive(pid)).to.equal(false)
    })

    it('that takes longer than it may is killed, and the setting named', async () => {
      const daemon = await daemons.start({ 'chaincoded.buildTimeout': '300ms' })
      await waiting('sleep 1000')
      const error = await rejection(daemon.deploy({ path: folder, name: 'cc' }))
      expect(error.message).to.contain('took longer than 300 ms (chaincoded.buildTimeout)')
    })

    it('that does not make what is needed is said to be at fault', async () => {
      const daemon = await daemons.start()
      await waiting('true')
      const error = await rejection(daemon.deploy({ path: folder, name: 'cc' }))
      expect(error.message).to.contain('still needs npm run build after it was built')
    })
  })
})
