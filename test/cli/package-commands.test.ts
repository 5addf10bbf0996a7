import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { failure } from '../../src/errors.js'
import { defaultPackageLimits } from '../../src/packages/limits.js'
import { packageChaincode } from '../../src/packages/package-chaincode.js'
import { readPackage } from '../../src/packages/read-package.js'
import { TestFolders, deploymentSpec, lifecyclePackage } from '../packages/archives.js'
import { packageInfo } from './fake-daemon.js'
import { FakeIo } from './fake-io.js'
import { ServedDaemon } from './served-daemon.js'

const folders = new TestFolders()
const nodeFiles = { 'cc/package.json': '{"name":"@org/basic"}', 'cc/index.js': '//' }

describe('chaincoded package', () => {
  let io: FakeIo
  const inFolder = (files: Record<string, string>) => {
    io = new FakeIo()
    io.cwd = folders.make(files)
    return io.cwd
  }
  afterEach(() => folders.removeAll())

  it('writes a package named after the folder, of the language that its files tell, and prints its id', async () => {
    const folder = inFolder(nodeFiles)
    expect(await io.run('package cc')).to.equal(0)
    const made = packageChaincode(join(folder, 'cc'), { label: 'basic_1.0', type: 'node', path: 'cc' })
    expect(io.stdout.text).to.equal(`${made.packageId}\n`)
    expect(readFileSync(join(folder, 'basic_1.0.tar.gz')).equals(made.file)).to.equal(true)
    expect(readdirSync(folder).sort()).to.deep.equal(['basic_1.0.tar.gz', 'cc'])
  })

  it('takes label, language and file from its options', async () => {
    const folder = inFolder({ 'cc/Main.java': 'class Main {}' })
    expect(await io.run('package cc/ --label java_2 --lang JAVA -o out.tgz --json')).to.equal(0)
    const read = await readPackage(readFileSync(join(folder, 'out.tgz')), defaultPackageLimits)
    expect(read).to.include({ label: 'java_2', type: 'JAVA', path: 'cc/', files: 1 })
    expect(JSON.parse(io.stdout.text)).to.include({
      packageId: read.packageId,
      file: join(folder, 'out.tgz'),
      files: 1,
    })
  })

  it('tells Go and Java by their files', async () => {
    for (const [files, type] of [
      [{ 'x/go.mod': 'module a.b/c\n', 'x/main.go': 'package main\n' }, 'golang'],
      [{ 'x/pom.xml': '<project/>' }, 'java'],
      [{ 'x/build.gradle.kts': '//' }, 'java'],
    ] as const) {
      const folder = inFolder(files)
      expect(await io.run('package x')).to.equal(0)
      const read = await readPackage(readFileSync(join(folder, 'x_1.0.tar.gz')), defaultPackageLimits)
      expect(read.type).to.equal(type)
    }
  })

  it('says what is wrong with folder, label, language and output, with exit code 2 or 1', async () => {
    const folder = inFolder({ ...nodeFiles, 'plain/readme': 'x', file: 'x' })
    const failures: [string, number, string][] = [
      ['package none', 2, `cannot package ${join(folder, 'none')}: there is no such folder`],
      ['package file', 2, `cannot package ${join(folder, 'file')}: there is no such folder`],
      ['package plain', 2, `cannot tell the language of ${join(folder, 'plain')}`],
      ['package cc --label _x', 2, "invalid label '_x'"],
      ['package cc --lang rust', 2, 'unknown chaincodeType: RUST'],
      ['package cc -o none/x.tar.gz', 1, `${join(folder, 'none/x.tar.gz')} cannot be written: ENOENT`],
    ]
    for (const [words, code, text] of failures) {
      io = new FakeIo()
      io.cwd = folder
      expect(await io.run(words), words).to.equal(code)
      expect(io.stderr.text).to.contain(text)
    }
    expect(readdirSync(folder).sort()).to.deep.equal(['cc', 'file', 'plain'])
  })
})

describe('Commands for packages in the daemon', () => {
  let served: ServedDaemon
  let io: FakeIo
  const renew = () => {
    io = new FakeIo()
    io.cwd = served.folder
    io.env = { CHAINCODED_DATA: served.folder }
  }
  beforeEach(async () => {
    served = new ServedDaemon()
    await served.start()
    renew()
  })
  afterEach(() => served.end())

  it('install hands over the absolute path, and prints the id; a second time is no failure', async () => {
    const { packageId } = packageInfo('basic_1.0')
    expect(await io.run('install basic.tar.gz')).to.equal(0)
    expect(served.daemon.calls).to.deep.equal([`install ${join(served.folder, 'basic.tar.gz')}`])
    expect([io.stdout.text, io.stderr.text]).to.deep.equal([`${packageId}\n`, ''])
    expect(await io.run('install basic.tar.gz')).to.equal(0)
    expect(io.stderr.text).to.equal(`chaincode already successfully installed (package ID '${packageId}')\n`)
    renew()
    expect(await io.run('install basic.tar.gz --json')).to.equal(0)
    expect(JSON.parse(io.stdout.text)).to.include({ packageId, isNew: false })
  })

  it('packages prints an aligned table, and what is damaged below it', async () => {
    const { packageId } = packageInfo('basic_1.0')
    served.daemon.installed = [
      packageInfo('basic_1.0', { installedAtMs: Date.now() - 130_000, chaincodes: ['a', 'b'] }),
      packageInfo('b', { packageId: 'b:1', problem: 'its SHA-256 is another' }),
    ]
    expect(await io.run('packages')).to.equal(0)
    const wide = (text: string) => text.padEnd(packageId.length)
    expect(io.stdout.text.split('\n')).to.deep.equal([
      `${wide('PACKAGE ID')}  TYPE  FILES  BYTES  INSTALLED  CHAINCODES`,
      `${packageId}  node  4      2048   2m         a,b`,
      `${wide('b:1')}  -     -      -      -          -`,
      '  damaged: its SHA-256 is another',
      '',
    ])
    renew()
    expect(await io.run('packages --json')).to.equal(0)
    expect(JSON.parse(io.stdout.text)).to.deep.equal(served.daemon.installed)
  })

  it('packages says how to install where there is none', async () => {
    expect(await io.run('packages')).to.equal(0)
    expect([io.stdout.text, io.stderr.text]).to.deep.equal([
      '',
      'no package is installed; install one with: chaincoded install FILE\n',
    ])
  })

  it('uninstall removes a package, or says why not', async () => {
    served.daemon.installed = [packageInfo('basic_1.0')]
    const { packageId } = packageInfo('basic_1.0')
    expect(await io.run(['uninstall', packageId])).to.equal(0)
    expect(io.stdout.text).to.equal(`${packageId} is removed\n`)
    expect(served.daemon.installed).to.deep.equal([])
    served.daemon.failWith = failure('PACKAGE_IN_USE', { packageId: 'b:1', names: ['basic'] })
    expect(await io.run('uninstall b:1')).to.equal(1)
    expect(io.stderr.text).to.equal(
      'chaincoded: package b:1 is in use: basic runs from it\nhint: remove what uses it first: chaincoded rm basic\n',
    )
  })

  it('deploy takes a package file, of either lifecycle, and leaves the name to the daemon', async () => {
    mkdirSync(join(served.folder, 'sub'))
    writeFileSync(join(served.folder, 'sub/new.tar.gz'), await lifecyclePackage())
    writeFileSync(join(served.folder, 'old.cds'), await deploymentSpec())
    expect(await io.run('deploy sub/new.tar.gz --channel ch')).to.equal(0)
    expect(await io.run('deploy old.cds --name other --version 2')).to.equal(0)
    expect(served.daemon.deployed.map((request) => [request.package, request.name, request.version])).to.deep.equal([
      [join(served.folder, 'sub/new.tar.gz'), '', ''],
      [join(served.folder, 'old.cds'), 'other', '2'],
    ])
    expect(served.daemon.deployed[0]).to.include({ path: '', channel: 'ch' })
    expect(io.stderr.text).to.contain(`deploying from ${join(served.folder, 'sub/new.tar.gz')}\n`)
    expect(io.stderr.text).to.contain(`deploying other from ${join(served.folder, 'old.cds')}\n`)
  })

  it('deploy takes the id of an installed package, unless a file or folder has that name', async () => {
    const { packageId } = packageInfo('basic_1.0')
    expect(await io.run(['deploy', packageId, '--name', 'basic'])).to.equal(0)
    expect(await io.run('deploy old:1.0')).to.equal(0)
    mkdirSync(join(served.folder, 'old:2.0'))
    expect(await io.run('deploy old:2.0')).to.equal(0)
    expect(served.daemon.deployed.map((request) => [request.package, request.path])).to.deep.equal([
      [packageId, ''],
      ['old:1.0', ''],
      ['', join(served.folder, 'old:2.0')],
    ])
  })

  it('deploy checks name, version and channel before it asks the daemon', async () => {
    for (const option of ['--name a.b', '--version a/b', '--channel A'])
      expect(await io.run(`deploy old:1.0 ${option}`), option).to.equal(2)
    expect(served.daemon.deployed).to.deep.equal([])
    expect(existsSync(join(served.folder, 'old:1.0'))).to.equal(false)
  })
})
