import { chmodSync, readFileSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { defaultPackageLimits } from '../../src/packages/limits.js'
import { type PackageOptions, packageChaincode } from '../../src/packages/package-chaincode.js'
import { readArchive } from '../../src/packages/read-archive.js'
import { readPackage } from '../../src/packages/read-package.js'
import { sourcesOf } from '../../src/packages/source-files.js'
import { TestFolders } from './archives.js'
import { letters } from './letters.js'
import { plant, sampleTrees } from './sample-trees.js'

const folders = new TestFolders()
const writer = new URL('../fixtures/go-package-writer', import.meta.url).pathname
const node = { label: 'cc_1', type: 'node' }

/** This program's own sources: 150 files. */
const repository = new URL('../../src', import.meta.url).pathname

/** Content of many kinds and of more than one window of the compressor. */
const large = (): string => {
  const page = letters(256, 32_700)
  return folders.make({
    'noise.bin': letters(256, 300_000),
    'text.txt': letters(30, 700_000, 3),
    'zeros.bin': Buffer.alloc(1_000_000),
    'repeats.bin': Buffer.concat(
      Array.from({ length: 40 }, (_, at) => Buffer.concat([page, letters(256, at * 7, at)])),
    ),
  })
}

const failureOf = (folder: string, options: PackageOptions) => {
  try {
    packageChaincode(folder, options)
  } catch (error) {
    if (isFailure(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('packageChaincode', () => {
  afterEach(() => folders.removeAll())

  for (const tree of sampleTrees) {
    it(`gives ${tree.what} the package id that the peer CLI gives it`, () => {
      const { folder, path, label, type, peerId } = tree
      const made = packageChaincode(join(plant(tree, folders), folder), { label, type, path })
      expect(made.packageId).to.equal(peerId)
    })

    it(`packages of ${tree.what} what belongs into it, in the order of the peer CLI`, async () => {
      const { folder, path, label, type } = tree
      const { file } = packageChaincode(join(plant(tree, folders), folder), { label, type, path })
      const read = await readPackage(file, defaultPackageLimits)
      const names: string[] = []
      await readArchive(read.code, defaultPackageLimits, ({ name }) => void names.push(name))
      expect(names).to.deep.equal(tree.names)
      expect(read).to.include({ label, type })
    })
  }

  it('gives the same bytes whatever the times and permissions of the files', () => {
    const folder = folders.make({ 'package.json': '{}', 'bin/run.js': '//' })
    const before = packageChaincode(folder, { ...node, path: 'cc' })
    chmodSync(join(folder, 'bin/run.js'), 0o755)
    utimesSync(join(folder, 'package.json'), 1, 1)
    expect(packageChaincode(folder, { ...node, path: 'cc' }).file.equals(before.file)).to.equal(true)
  })

  it('keeps the path as the folder was named, which the id depends on', async () => {
    const folder = folders.make({ 'cc/package.json': '{}' })
    const paths = [`${folder}/cc`, `${folder}/cc/`]
    const made = paths.map((path) => packageChaincode(path, node))
    expect(made[0]!.packageId).not.to.equal(made[1]!.packageId)
    expect((await readPackage(made[1]!.file, defaultPackageLimits)).path).to.equal(paths[1])
  })

  it('gives a Go package its import path, wherever the folder lies', async () => {
    const folder = folders.make({ 'go.mod': 'module example.com/a\n', 'b/main.go': 'package main\n' })
    const { file } = packageChaincode(join(folder, 'b'), { label: 'a', type: 'golang', path: 'anything' })
    expect((await readPackage(file, defaultPackageLimits)).path).to.equal('example.com/a/b')
  })

  it('refuses a label that Fabric refuses, in its words', () => {
    for (const label of ['', '_a', '.a', 'a b', 'a/b', 'ä']) {
      const error = failureOf(folders.make({ 'package.json': '{}' }), { label, type: 'node' })
      expect(error.message).to.equal(
        `invalid label '${label}'. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics`,
      )
    }
  })

  it('refuses a language that Fabric does not package', () => {
    const error = failureOf(folders.make({ 'package.json': '{}' }), { label: 'a', type: 'rust' })
    expect(error.explain()).to.equal('unknown chaincodeType: RUST\nhint: name one with --lang: node, golang or java')
  })

  it('refuses a folder without files, and one that does not exist', () => {
    const folder = folders.make({ 'node_modules/a.js': '' })
    expect(failureOf(folder, node).message).to.equal(`no source files found in '${folder}'`)
    expect(failureOf(join(folder, 'none'), node).code).to.equal('PACKAGE_FOLDER_UNREADABLE')
  })

  it('refuses Go sources without a module, and a module without Go sources at its place', () => {
    const folder = folders.make({ 'main.go': 'package main\n' })
    expect(failureOf(folder, { label: 'a', type: 'golang' }).code).to.equal('PACKAGE_GO_MODULE_MISSING')
    const empty = folders.make({ 'go.mod': 'module a.b/c\n', 'c/only_test.go': 'package c\n' })
    expect(failureOf(join(empty, 'c'), { label: 'a', type: 'golang' }).code).to.equal('PACKAGE_NO_SOURCES')
  })

  it('refuses a link to a folder, a link to nothing and a pipe', () => {
    for (const place of [
      (file: string) => symlinkSync('.', file),
      (file: string) => symlinkSync('nothing', file),
      (file: string) => expect(spawnSync('mkfifo', [file]).status).to.equal(0),
    ]) {
      const folder = folders.make({ 'package.json': '{}' })
      place(join(folder, 'odd'))
      const error = failureOf(folder, node)
      expect(error.code).to.equal('PACKAGE_FOLDER_UNREADABLE')
      expect(error.message).to.include(join(folder, 'odd'))
    }
  })

  it('refuses what Fabric does not let META-INF hold', () => {
    const folder = folders.make({ 'package.json': '{}', 'META-INF/notes.txt': 'x' })
    const error = failureOf(folder, node)
    expect(error.code).to.equal('PACKAGE_INDEX_FILE')
    expect(error.message).to.equal('metadata file path must begin with META-INF/statedb, found: META-INF/')
  })

  if (spawnSync('go', ['version']).status === 0) {
    it("writes what Go's own archive/tar and compress/gzip write, to the byte", function () {
      this.timeout(120_000)
      const built = join(folders.make(), 'writer')
      const build = spawnSync('go', ['build', '-o', built, '.'], { cwd: writer, encoding: 'utf8' })
      expect(build.stderr).to.equal('')
      const trees = [repository, large(), ...sampleTrees.map((tree) => join(plant(tree, folders), tree.folder))]
      for (const folder of trees) {
        const type = statSync(join(folder, 'main.go'), { throwIfNoEntry: false }) ? 'golang' : 'node'
        const sources = sourcesOf(folder, type, 'cc')
        const { file } = packageChaincode(folder, { label: 'a', type, path: 'cc' })
        const input = {
          Metadata: { path: sources.path, type, label: 'a' },
          Folders: sources.folders,
          Files: sources.files.map(({ name, file }) => ({ Name: name, Content: readFileSync(file, 'base64') })),
        }
        const { stdout } = spawnSync(built, { input: JSON.stringify(input), maxBuffer: 2 ** 28 })
        expect(file.equals(stdout), folder).to.equal(true)
      }
    })
  }
})
