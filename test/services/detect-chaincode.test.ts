import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { detectChaincode } from '../../services/detect-chaincode.js'
import type { UndetectedChaincode } from '../../services/detection.js'
import { example, fixture } from '../fixtures/start-chaincode.js'

const address = '127.0.0.1:7052'

describe('detectChaincode', () => {
  let folder: string
  beforeEach(async () => (folder = await realpath(await mkdtemp(join(tmpdir(), 'chaincoded-test-')))))
  afterEach(() => rm(folder, { recursive: true }))

  const write = async (name: string, content = '', mode = 0o644) => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content, { mode })
  }
  const manifest = (fields: object) =>
    write('package.json', JSON.stringify({ main: 'index.js', dependencies: { 'fabric-shim': '2' }, ...fields }))
  const install = async (...names: string[]) => {
    for (const name of names)
      await write(
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, bin: { 'fabric-chaincode-node': 'cli.js' } }),
      )
  }
  const detect = (command?: string[]) => detectChaincode(folder, { address, command })
  const command = () => {
    const found = detect()
    if (!found.ok) throw new Error(found.message)
    expect(found.cwd).to.equal(folder)
    return found.command
  }
  /** What has to be run before the chaincode can be started. */
  const steps = () => {
    const found = detect()
    if (!found.ok) throw new Error(found.message)
    return found.build?.steps
  }
  const refusal = (path = folder): UndetectedChaincode => {
    const found = detectChaincode(path, { address })
    if (found.ok) throw new Error(`found ${found.describe}`)
    return found
  }

  describe('of a Node package', () => {
    beforeEach(async () => {
      await install('fabric-shim')
      await write('index.js')
    })

    it("starts Fabric's command line directly, and without a shell, where the start script is nothing else", async () => {
      const cli = join(folder, 'node_modules/fabric-shim/cli.js')
      const scripts = {
        'fabric-chaincode-node start': [],
        '  set -x &&  fabric-chaincode-node   start ': [],
        'npx fabric-chaincode-node start': [],
        'fabric-chaincode-node start --grpc.max_send_message_length 5': ['--grpc.max_send_message_length', '5'],
      }
      for (const [start, args] of Object.entries(scripts)) {
        await manifest({ scripts: { start } })
        expect(command()).to.deep.equal([process.execPath, cli, 'start', ...args, '--peer.address', address])
      }
      expect(detect()).to.include({ ok: true, language: 'node' })
    })

    it('starts node directly where the start script is nothing else', async () => {
      await manifest({ scripts: { start: 'node --enable-source-maps dist/main.js' } })
      const line = [process.execPath, '--enable-source-maps', 'dist/main.js', '--peer.address', address]
      expect(command()).to.deep.equal(line)
    })

    it('leaves every other start script to npm', async () => {
      const scripts = [
        { start: 'npm run build && fabric-chaincode-node start' },
        { start: 'fabric-chaincode-node start --peer.address $PEER' },
        { start: 'node index.js "a b"' },
        { start: 'DEBUG=1 node index.js' },
        { start: 'fabric-chaincode-node server' },
        { start: 'node' },
        { start: 'node index.js', prestart: 'tsc' },
        { start: 'fabric-chaincode-node start', poststart: 'date' },
      ]
      for (const script of scripts) {
        await manifest({ scripts: script })
        expect(command()).to.deep.equal(['npm', 'start', '--', '--peer.address', address])
      }
    })

    it('accepts fabric-contract-api as the dependency', async () => {
      await install('fabric-contract-api')
      await manifest({ dependencies: { 'fabric-contract-api': '2' }, scripts: { start: 'node index.js' } })
      expect(detect().ok).to.equal(true)
    })

    it('finds libraries that are installed in a folder above', async () => {
      await write(
        'packages/cc/package.json',
        JSON.stringify({
          main: 'index.js',
          dependencies: { 'fabric-shim': '2' },
          scripts: { start: 'fabric-chaincode-node start' },
        }),
      )
      await write('packages/cc/index.js')
      const found = detectChaincode(join(folder, 'packages/cc'), { address })
      expect(found.ok && found.command[1]).to.equal(join(folder, 'node_modules/fabric-shim/cli.js'))
    })

    it('accepts a main file without its suffix, or a folder', async () => {
      await write('lib/index.js')
      for (const main of ['index', './lib', 'lib/index.js']) {
        await manifest({ main, scripts: { start: 'fabric-chaincode-node start' } })
        expect(detect().ok, main).to.equal(true)
      }
    })

    it('plans the installation of libraries that are missing, with the lock file where there is one', async () => {
      const dependencies = { 'fabric-contract-api': '2' }
      await manifest({ dependencies, scripts: { start: 'node index.js' } })
      expect(steps()).to.deep.equal([['npm', 'install', '--no-audit', '--no-fund']])
      await write('package-lock.json', '{}')
      expect(steps()).to.deep.equal([['npm', 'ci', '--no-audit', '--no-fund']])
      await write('yarn.lock')
      expect(refusal()).to.deep.equal({
        ok: false,
        kind: 'NOT_INSTALLED',
        message: `${folder} needs fabric-contract-api, which is not installed`,
        hint: 'install its packages with the package manager whose lock file it has',
      })
    })

    it('says that the library of the start script is neither installed nor named', async () => {
      await rm(join(folder, 'node_modules/fabric-shim'), { recursive: true })
      await install('fabric-contract-api')
      await manifest({
        dependencies: { 'fabric-contract-api': '2' },
        scripts: { start: 'fabric-chaincode-node start' },
      })
      expect(refusal().kind).to.equal('NOT_INSTALLED')
      expect(refusal().hint).to.equal(`run npm install fabric-shim in ${folder}`)
    })

    it('plans the build of a main file that does not exist, and says so where nothing builds it', async () => {
      await manifest({ main: 'dist/index.js', scripts: { start: 'fabric-chaincode-node start', build: 'tsc' } })
      expect(steps()).to.deep.equal([['npm', 'run', 'build']])
      await manifest({ main: 'dist/index.js', scripts: { start: 'fabric-chaincode-node start' } })
      expect(refusal().kind).to.equal('NOT_BUILT')
      expect(refusal().message).to.contain(join(folder, 'dist/index.js'))
      expect(refusal().hint).to.equal(`correct "main" in ${join(folder, 'package.json')}`)
    })

    it('plans the build of changed sources, where the package has a build script', async () => {
      await manifest({ scripts: { start: 'node index.js', build: 'tsc' } })
      expect(detect()).not.to.have.property('build')
      const changed = detectChaincode(folder, { address, isChanged: true })
      expect(changed.ok && changed.build?.steps).to.deep.equal([['npm', 'run', 'build']])
      await manifest({ scripts: { start: 'node index.js' } })
      expect(detectChaincode(folder, { address, isChanged: true })).not.to.have.property('build')
    })

    it('says what is missing in package.json', async () => {
      await manifest({})
      expect(refusal()).to.include({ kind: 'BAD_PACKAGE', message: `${folder}/package.json has no start script` })
      await manifest({ main: undefined, scripts: { start: 'fabric-chaincode-node start' } })
      expect(refusal()).to.include({ kind: 'BAD_PACKAGE', message: `${folder}/package.json has no "main"` })
      await write('package.json', '{ "name": ')
      expect(refusal().kind).to.equal('BAD_PACKAGE')
      expect(refusal().message).to.match(/package\.json: .*JSON/)
      await write('package.json', '7')
      expect(refusal().message).to.match(/package\.json: holds no object/)
    })

    it('does not take a package for a chaincode that uses the libraries only for its own tests', async () => {
      await manifest({ dependencies: {}, devDependencies: { 'fabric-shim': '2' }, scripts: { start: 'node .' } })
      expect(refusal().kind).to.equal('NOT_FOUND')
      expect(refusal().message).to.contain('the one here depends on neither')
    })
  })

  describe('of an executable', () => {
    it('starts a binary as Fabric does, and a script with the flag that every shim reads', async () => {
      await copyFile('/bin/sh', join(folder, 'mycc'))
      expect(command()).to.deep.equal([join(folder, 'mycc'), '-peer.address', address])
      await rm(join(folder, 'mycc'))
      await write('run.sh', '#!/bin/sh\n', 0o755)
      expect(command()).to.deep.equal([join(folder, 'run.sh'), '--peer.address', address])
      expect(detect()).to.include({ language: 'executable', describe: 'executable run.sh' })
    })

    it('prefers the usual names', async () => {
      await write('a', '#!/bin/sh\n', 0o755)
      await write('bin/chaincode', '#!/bin/sh\n', 0o755)
      expect(command()[0]).to.equal(join(folder, 'bin/chaincode'))
      await write('chaincode', '#!/bin/sh\n', 0o755)
      expect(command()[0]).to.equal(join(folder, 'chaincode'))
    })

    it('may be named itself', async () => {
      await write('a', '#!/bin/sh\n', 0o755)
      await write('b', '#!/bin/sh\n', 0o755)
      const found = detectChaincode(join(folder, 'b'), { address })
      expect(found).to.deep.include({ ok: true, cwd: folder, command: [join(folder, 'b'), '--peer.address', address] })
    })

    it('says which ones there are when there are several', async () => {
      await write('a', '#!/bin/sh\n', 0o755)
      await write('b', '#!/bin/sh\n', 0o755)
      expect(refusal().kind).to.equal('AMBIGUOUS')
      expect(refusal().message).to.equal(`${folder} holds 2 executables: a, b`)
    })

    it('says that a file is not executable', async () => {
      await write('a', '#!/bin/sh\n')
      expect(refusal(join(folder, 'a'))).to.include({
        kind: 'NOT_EXECUTABLE',
        message: `${join(folder, 'a')} is not executable`,
      })
    })

    it('is no folder and no plain file', async () => {
      await write('chaincode/x')
      await write('bin/chaincode')
      expect(refusal().kind).to.equal('NOT_FOUND')
    })
  })

  describe('of sources', () => {
    it('builds a Go module, and starts what was built', async () => {
      await write('go.mod', 'module cc\n')
      expect(detect()).to.deep.include({
        ok: true,
        language: 'go',
        command: ['{output}/chaincode', '-peer.address', address],
        cwd: folder,
        describe: 'Go module (go build)',
      })
      expect(steps()).to.deep.equal([['go', 'build', '-o', '{output}/chaincode', '.']])
    })

    it('names Go sources without a module, and how to go on', async () => {
      await write('main.go')
      expect(refusal().kind).to.equal('GO_SOURCE')
      expect(refusal().message).to.contain('Go sources (main.go)')
      expect(refusal().hint).to.contain('go mod init').and.to.contain('--command')
    })

    it('builds a Java project with Maven or Gradle, by its wrapper where it has one', async () => {
      await write('pom.xml')
      expect(detect()).to.deep.include({
        language: 'java',
        command: ['java', '-jar', '{output}/chaincode.jar', '--peerAddress', address],
      })
      expect(steps()).to.deep.equal([['mvn', '-q', '-B', '-DskipTests', 'package']])
      await write('mvnw', '#!/bin/sh\n', 0o755)
      expect(steps()?.[0]?.[0]).to.equal('./mvnw')
      for (const file of ['build.gradle', 'build.gradle.kts']) {
        await rm(folder, { recursive: true })
        await write(file, 'plugins {}')
        expect(steps()).to.deep.equal([['gradle', '--quiet', '--console=plain', 'build', '-x', 'test']])
        await write(file, "id 'com.github.johnrengelman.shadow'")
        expect(steps()?.[0]).to.include('shadowJar')
        await write('gradlew', '#!/bin/sh\n', 0o755)
        expect(steps()?.[0]?.[0]).to.equal('./gradlew')
      }
    })

    it('starts a jar, named itself or alone in its folder', async () => {
      await write('cc.jar')
      const command = ['java', '-jar', join(folder, 'cc.jar'), '--peerAddress', address]
      expect(detect()).to.deep.include({ language: 'java', command, describe: 'jar cc.jar' })
      expect(detectChaincode(join(folder, 'cc.jar'), { address })).to.deep.include({ command, cwd: folder })
      await write('other.jar')
      expect(refusal().kind).to.equal('NOT_FOUND')
    })

    it('does not take a build script for the chaincode, but a binary that was built', async () => {
      await write('build.gradle')
      await write('gradlew', '#!/bin/sh\n', 0o755)
      expect(detect()).to.include({ language: 'java' })
      await rm(join(folder, 'build.gradle'))
      await write('go.mod')
      await copyFile('/bin/sh', join(folder, 'mycc'))
      expect(command()[0]).to.equal(join(folder, 'mycc'))
      await copyFile('/bin/sh', join(folder, 'another'))
      expect(detect()).to.include({ language: 'go' })
    })
  })

  it('takes a command that is given before anything else, and puts the address in', async () => {
    await write('go.mod')
    expect(detect(['go', 'run', '.', '-peer.address={address}'])).to.deep.equal({
      ok: true,
      language: 'command',
      command: ['go', 'run', '.', `-peer.address=${address}`],
      cwd: folder,
      describe: 'command go run . -peer.address={address}',
    })
    expect(detect([])).to.include({ ok: false, kind: 'BAD_COMMAND' })
    expect(detect([''])).to.include({ ok: false, kind: 'BAD_COMMAND' })
  })

  it('lists what it has looked for where there is nothing', () => {
    expect(refusal().kind).to.equal('NOT_FOUND')
    for (const file of ['package.json', 'fabric-shim', 'bin/chaincode', 'go.mod', 'pom.xml', 'build.gradle'])
      expect(refusal().message).to.contain(file)
    expect(refusal().message).not.to.contain('depends on neither')
    expect(refusal(join(folder, 'gone'))).to.include({ kind: 'NO_FOLDER', message: `${folder}/gone does not exist` })
  })

  it('says what it cannot read', async () => {
    await symlink('loop', join(folder, 'loop'))
    expect(refusal(join(folder, 'loop')).kind).to.equal('UNREADABLE')
    expect(refusal(join(folder, 'loop')).message).to.contain(`cannot read ${folder}/loop: ELOOP`)
  })

  it('finds the examples and starts them without npm', () => {
    for (const name of ['asset-transfer', 'counter']) {
      const found = detectChaincode(example(name), { address })
      expect(found.ok && found.command[0]).to.equal(process.execPath)
    }
    const grandchild = detectChaincode(fixture('behind-npm'), { address })
    expect(grandchild.ok && grandchild.command[0]).to.equal('npm')
  })
})
