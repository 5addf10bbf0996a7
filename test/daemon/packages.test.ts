import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { TestDaemons, rejection, type TestDaemon } from '../fixtures/embedded-daemon.js'
import { fixture } from '../fixtures/start-chaincode.js'
import { packageChaincode } from '../../src/index.js'
import { TestFolders, deploymentSpec } from '../packages/archives.js'

const daemons = new TestDaemons()
const folders = new TestFolders()
const command = [process.execPath, 'index.js', '--peer.address', '{address}']

/** Sources of a chaincode that needs nothing installed beside it. */
const sources = (note = ''): Record<string, string> => ({
  'package.json': '{"name":"kv"}',
  'index.js': `require(${JSON.stringify(join(fixture('kv'), 'kv.js'))})\n${note}`,
})

/** A package file of such a chaincode, and its id. */
function packageFile(label: string, note = ''): { file: string; packageId: string } {
  const made = packageChaincode(folders.make(sources(note)), { label, type: 'node', path: 'kv' })
  const file = join(folders.make(), `${label}.tar.gz`)
  writeFileSync(file, made.file)
  return { file, packageId: made.packageId }
}

const get = async (daemon: TestDaemon, chaincode: string, key: string): Promise<string> =>
  (await daemon.evaluate({ chaincode, args: ['get', key] })).toString()

describe('A chaincode from a package', () => {
  afterEach(async () => {
    await daemons.closeAll()
    folders.removeAll()
  })

  it('registers with the package id, is upgraded by another package, and frees the former one', async () => {
    const daemon = await daemons.start()
    const [first, second] = [packageFile('basic_1.0'), packageFile('basic_2.0', '// changed')]
    const progress: string[] = []
    const info = await daemon.deploy({ package: first.file, command, onProgress: (line) => progress.push(line) })
    expect(info).to.deep.include({ name: 'basic', version: '1.0', ccid: first.packageId, state: 'ready' })
    expect(progress[0]).to.equal(`installed package ${first.packageId}`)
    await daemon.invoke({ chaincode: 'basic', args: ['put', 'k', 'v'] })
    expect((await rejection(daemon.uninstall(first.packageId))).message).to.equal(
      `package ${first.packageId} is in use: basic runs from it`,
    )
    const { pid } = await daemon.deploy({ package: second.file, name: 'basic', version: '2.0', command })
    expect(pid).not.to.equal(info.pid)
    expect((await daemon.list()).map(({ ccid }) => ccid)).to.deep.equal([second.packageId])
    expect(await get(daemon, 'basic', 'k')).to.equal('v')
    const packages = await daemon.packages()
    expect(packages.map(({ packageId, chaincodes }) => [packageId, chaincodes])).to.deep.equal([
      [first.packageId, []],
      [second.packageId, ['basic']],
    ])
    await daemon.uninstall(first.packageId)
    expect(readdirSync(join(daemon.dataDir, 'packages/unpacked'))).to.deep.equal([second.packageId.replace(':', '.')])
  })

  it('is started again by the next daemon, from what was unpacked, with its package file gone', async () => {
    const daemon = await daemons.start()
    const { file, packageId } = packageFile('basic_1')
    await daemon.install(file)
    rmSync(file)
    await daemon.deploy({ package: packageId, name: 'again', command })
    await daemon.invoke({ chaincode: 'again', args: ['put', 'k', 'v'] })
    await daemon.close()
    const next = await daemons.start({}, daemon.dataDir)
    expect(await get(next, 'again', 'k')).to.equal('v')
    expect((await next.list())[0]).to.deep.include({ ccid: packageId, state: 'ready' })
  })

  it('has the id, name and version of a package of Fabric 1.x', async () => {
    const daemon = await daemons.start()
    const code = Object.entries(sources()).map(([name, content]) => ({ name: `src/${name}`, content }))
    const folder = folders.make({ 'old.cds': await deploymentSpec({ name: 'old', version: '7', code }) })
    const info = await daemon.deploy({ package: join(folder, 'old.cds'), command })
    expect(info).to.deep.include({ name: 'old', version: '7', ccid: 'old:7', state: 'ready' })
  })

  it('is refused with what is wrong with the package, and nothing is defined', async () => {
    const daemon = await daemons.start({ 'chaincoded.limits.packageFiles': 2 })
    const { file, packageId } = packageFile('small_1')
    const large = folders.make({ ...sources(), third: 'x' })
    const third = join(folders.make(), 'large.tar.gz')
    writeFileSync(third, packageChaincode(large, { label: 'large_1', type: 'node' }).file)
    await daemon.install(file)
    const refusals: [() => Promise<unknown>, string][] = [
      [() => daemon.deploy({ package: third }), 'the package holds more than 2 files (chaincoded.limits.packageFiles)'],
      [
        () => daemon.deploy({ package: packageId.replace('small', 'smell') }),
        `chaincode install package '${packageId.replace('small', 'smell')}' not found`,
      ],
      [() => daemon.deploy({ package: packageId, name: 'a.b' }), '"a.b" is no chaincode name'],
    ]
    for (const [work, text] of refusals) expect((await rejection(work())).message).to.contain(text)
    expect(await daemon.list()).to.deep.equal([])
  })

  it('has one name: the same package is not deployed under another', async () => {
    const daemon = await daemons.start()
    const { file, packageId } = packageFile('basic_1')
    await daemon.deploy({ package: file, name: 'one', command })
    expect((await rejection(daemon.deploy({ package: packageId, name: 'two', command }))).message).to.equal(
      `package ${packageId} is in use: one runs from it`,
    )
    await daemon.remove('one')
    await daemon.deploy({ package: packageId, name: 'two', command })
    await daemon.remove('two')
    await daemon.uninstall(packageId)
    expect(existsSync(join(daemon.dataDir, 'packages', `${packageId.replace(':', '.')}.tar.gz`))).to.equal(false)
  })
})
