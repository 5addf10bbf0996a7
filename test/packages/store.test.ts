import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { defaultPackageLimits } from '../../src/packages/limits.js'
import { fileNameOf, isPackageId, sha256Hex, storedNameFrom } from '../../src/packages/package-id.js'
import { PackageStore } from '../../src/packages/store.js'
import { TestFolders, codeEntries, deploymentSpec, lifecyclePackage, signedSpec } from './archives.js'

const folders = new TestFolders()

const fileWith = (content: Buffer): string => join(folders.make({ 'p.tar.gz': content }), 'p.tar.gz')

const failureOf = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    if (isFailure(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('The names of stored packages', () => {
  const hash = 'a1'.repeat(32)

  it('are those of a peer for packages of Fabric 2.0 and later', () => {
    const stored = { packageId: `my.cc+1_2-3:${hash}`, format: 'lifecycle', hash } as const
    expect(fileNameOf(stored)).to.equal(`my.cc+1_2-3.${hash}.tar.gz`)
    expect(storedNameFrom(fileNameOf(stored))).to.deep.equal(stored)
  })

  it('tell name, version and hash of packages of Fabric 1.x', () => {
    const stored = { packageId: 'cc:1.2.3', format: 'legacy', hash } as const
    expect(fileNameOf(stored)).to.equal(`cc.1.2.3.${hash}.cds`)
    expect(storedNameFrom(fileNameOf(stored))).to.deep.equal(stored)
  })

  it('leave other files alone', () => {
    for (const name of [
      'x.tar.gz',
      `${hash}.tar.gz`,
      `x.${hash}.tgz`,
      `x.${hash}.cds`,
      `x.${hash.toUpperCase()}.tar.gz`,
    ])
      expect(storedNameFrom(name), name).to.equal(undefined)
  })

  it('come from ids of one form', () => {
    expect(isPackageId(`a:${hash}`)).to.equal(true)
    for (const text of ['a:1.0', hash, `a:${hash}0`, `:${hash}`, `a/b:${hash}`])
      expect(isPackageId(text)).to.equal(false)
  })
})

describe('PackageStore', () => {
  let folder: string
  let store: PackageStore

  beforeEach(() => {
    folder = join(folders.make(), 'packages')
    store = new PackageStore(folder)
  })
  afterEach(() => folders.removeAll())

  it('keeps a package under the name that a peer gives it', async () => {
    const content = await lifecyclePackage()
    const { installed, isNew } = await store.install(fileWith(content))
    const { installedAtMs, ...facts } = installed
    expect(isNew).to.equal(true)
    expect(installedAtMs).to.be.closeTo(Date.now(), 60_000)
    expect(facts).to.deep.equal({
      packageId: `sample_1.0:${sha256Hex(content)}`,
      format: 'lifecycle',
      label: 'sample_1.0',
      type: 'node',
      path: 'sample',
      sizeBytes: content.length,
      files: 2,
      file: join(folder, `sample_1.0.${sha256Hex(content)}.tar.gz`),
    })
    expect((await store.read(installed.packageId)).equals(content)).to.equal(true)
    expect(statSync(facts.file).mode & 0o777).to.equal(0o600)
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).to.deep.equal([])
  })

  it('lists what another store of the same folder has kept, by id', async () => {
    const contents = [
      await lifecyclePackage(),
      await lifecyclePackage({ metadata: '{"path":"","type":"ccaas","label":"a"}' }),
      await deploymentSpec({ name: 'b', version: '2' }),
      signedSpec(await deploymentSpec({ name: 'b', version: '3' })),
    ]
    for (const content of contents) await store.install(fileWith(content))
    const { installed, damaged } = await new PackageStore(folder).list()
    expect(damaged).to.deep.equal([])
    expect(installed.map(({ packageId, format, type }) => [packageId, format, type])).to.deep.equal([
      [`a:${sha256Hex(contents[1]!)}`, 'lifecycle', 'ccaas'],
      ['b:2', 'legacy', 'NODE'],
      ['b:3', 'legacySigned', 'NODE'],
      [`sample_1.0:${sha256Hex(contents[0]!)}`, 'lifecycle', 'node'],
    ])
  })

  it('says so where the same package is there already', async () => {
    const file = fileWith(await lifecyclePackage())
    const first = await store.install(file)
    expect(await store.install(file)).to.deep.equal({ installed: first.installed, isNew: false })
  })

  it('keeps a package once that is installed many times at once', async () => {
    const file = fileWith(await lifecyclePackage())
    const all = await Promise.all(Array.from({ length: 5 }, () => store.install(file)))
    expect(new Set(all.map(({ installed }) => installed.packageId)).size).to.equal(1)
    expect((await store.list()).installed).to.have.length(1)
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).to.deep.equal([])
  })

  it('refuses another legacy package of the same name and version', async () => {
    await store.install(fileWith(await deploymentSpec()))
    const other = await deploymentSpec({ code: [...codeEntries, { name: 'src/more.js', content: 'x' }] })
    const error = await failureOf(store.install(fileWith(other)))
    expect(error.explain()).to.equal(
      'chaincode sample:1.0 exists\n' +
        'hint: another package of this name and version is installed; remove it with: chaincoded uninstall sample:1.0',
    )
  })

  it('keeps nothing of a package that is not good', async () => {
    const bad = fileWith(await lifecyclePackage({ code: [{ name: '../x', content: 'x' }] }))
    expect((await failureOf(store.install(bad))).code).to.equal('PACKAGE_PATH_ESCAPES')
    expect(await store.list()).to.deep.equal({ installed: [], damaged: [] })
    expect(readdirSync(folder)).to.deep.equal(['unpacked'])
  })

  it('tells what is wrong with the file', async () => {
    const none = await failureOf(store.install('/no/such/file'))
    expect(none.message).to.match(/^cannot read the package \/no\/such\/file: ENOENT/)
    const isFolder = await failureOf(store.install(folder))
    expect(isFolder.message).to.equal(`cannot read the package ${folder}: it is no file`)
    const small = new PackageStore(folder, { ...defaultPackageLimits, fileBytes: 10 })
    expect((await failureOf(small.install(fileWith(await lifecyclePackage())))).code).to.equal('PACKAGE_TOO_LARGE')
  })

  it('reports a package that was changed or cut, and goes on to work with the others', async () => {
    const good = (await store.install(fileWith(await lifecyclePackage()))).installed
    const content = await lifecyclePackage({ metadata: '{"path":"","type":"node","label":"bad"}' })
    const bad = (await store.install(fileWith(content))).installed
    writeFileSync(bad.file, content.subarray(0, 100))
    const problem = `its SHA-256 is ${sha256Hex(content.subarray(0, 100))}`
    for (const each of [store, new PackageStore(folder)]) {
      const { installed, damaged } = await each.list()
      expect(installed).to.deep.equal([good])
      expect(damaged).to.deep.equal([{ packageId: bad.packageId, file: bad.file, problem }])
      const error = await failureOf(each.unpack(bad.packageId))
      expect(error.explain()).to.equal(
        `the stored package ${bad.packageId} is damaged: ${problem} (${bad.file})\n` +
          `hint: remove it with: chaincoded uninstall ${bad.packageId}, and install it again`,
      )
    }
  })

  it('mends a damaged package when the good one is installed again', async () => {
    const content = await lifecyclePackage()
    const { installed } = await store.install(fileWith(content))
    writeFileSync(installed.file, '')
    expect(await store.install(fileWith(content))).to.have.property('isNew', true)
    expect((await store.get(installed.packageId)).sizeBytes).to.equal(content.length)
  })

  it('notices a file under a wrong name', async () => {
    const content = await lifecyclePackage()
    writeFileSync(join(folder, `other.${sha256Hex(content)}.tar.gz`), content)
    expect((await store.list()).damaged.map(({ problem }) => problem)).to.deep.equal([
      `it is the package sample_1.0:${sha256Hex(content)}`,
    ])
  })

  it('unpacks a package once, and again only after it was removed', async () => {
    const { installed } = await store.install(fileWith(await lifecyclePackage()))
    const [first, second] = await Promise.all([store.unpack(installed.packageId), store.unpack(installed.packageId)])
    expect(second).to.deep.equal(first)
    expect(readFileSync(join(first!.codeFolder, 'src/package.json'), 'utf8')).to.equal('{"name":"sample"}')
    expect(readFileSync(join(first!.metadataFolder, 'metadata.json'), 'utf8')).to.include('"label":"sample_1.0"')
    const built = join(first!.codeFolder, 'src/node_modules')
    mkdirSync(built)
    expect(await new PackageStore(folder).unpack(installed.packageId)).to.deep.equal(first)
    expect(existsSync(built)).to.equal(true)
    await store.remove(installed.packageId)
    expect(existsSync(first!.codeFolder)).to.equal(false)
    expect(existsSync(installed.file)).to.equal(false)
  })

  it('unpacks a legacy package with the metadata that a peer makes of it', async () => {
    await store.install(fileWith(await deploymentSpec()))
    const { codeFolder, metadataFolder } = await store.unpack('sample:1.0')
    expect(existsSync(join(codeFolder, 'src/index.js'))).to.equal(true)
    expect(readFileSync(join(metadataFolder, 'metadata.json'), 'utf8')).to.equal(
      '{"type":"NODE","path":"some/path","label":"sample"}',
    )
  })

  it('leaves nothing behind of an unpacking that fails', async () => {
    const clash = [
      { name: 'a', content: 'a file' },
      { name: 'a/b', content: 'in a file' },
    ]
    const { installed } = await store.install(fileWith(await lifecyclePackage({ code: clash })))
    expect((await failureOf(store.unpack(installed.packageId))).code).to.equal('PACKAGE_FILE_UNWRITABLE')
    expect(readdirSync(join(folder, 'unpacked'))).to.deep.equal([])
  })

  it('clears away what a process that died has left half-done', async () => {
    const { installed } = await store.install(fileWith(await lifecyclePackage()))
    writeFileSync(join(folder, '.incoming-1'), 'half')
    mkdirSync(join(folder, 'unpacked/.incoming-2/code'), { recursive: true })
    const next = new PackageStore(folder)
    expect(readdirSync(folder).sort()).to.deep.equal([installed.file.slice(folder.length + 1), 'unpacked'].sort())
    expect(readdirSync(join(folder, 'unpacked'))).to.deep.equal([])
    expect((await next.list()).installed).to.have.length(1)
  })

  it('names the package that was probably meant', async () => {
    expect((await failureOf(store.get('sample:1.0'))).explain()).to.equal(
      "chaincode install package 'sample:1.0' not found\n" +
        'hint: none is installed yet; install one with: chaincoded install FILE',
    )
    await store.install(fileWith(await deploymentSpec()))
    expect((await failureOf(store.remove('simple:1.0'))).hint).to.equal('did you mean sample:1.0?')
    const { installed } = await store.install(fileWith(await lifecyclePackage()))
    for (const id of ['sample_1.0', 'sample_1.0:a1b2'])
      expect((await failureOf(store.get(id))).hint).to.equal(`did you mean ${installed.packageId}?`)
    expect((await failureOf(store.unpack('elsewhere'))).hint).to.equal(
      'see what is installed with: chaincoded packages',
    )
  })

  it('tells why it cannot keep packages', async () => {
    const blocked = folders.make({ packages: 'a file' })
    expect(() => new PackageStore(join(blocked, 'packages'))).to.throw(/^cannot keep packages in .*packages: EEXIST/)
    const file = fileWith(await lifecyclePackage())
    const inner = join(folders.make(), 'inner')
    const lost = new PackageStore(inner)
    rmSync(inner, { recursive: true })
    expect((await failureOf(lost.install(file))).code).to.equal('PACKAGE_STORE_UNUSABLE')
  })
})
