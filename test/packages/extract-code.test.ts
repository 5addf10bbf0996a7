import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { extractCode } from '../../src/packages/extract-code.js'
import { defaultPackageLimits } from '../../src/packages/limits.js'
import { TestFolders, type TestEntry, tarGzOf } from './archives.js'

const folders = new TestFolders()

const extract = async (entries: TestEntry[], limits = defaultPackageLimits): Promise<string> => {
  const folder = join(folders.make(), 'inner')
  await extractCode(await tarGzOf(entries), folder, limits)
  return folder
}

const failureOf = async (folder: string, entries: TestEntry[], limits = defaultPackageLimits) => {
  try {
    await extractCode(await tarGzOf(entries), folder, limits)
  } catch (error) {
    if (isFailure(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

const modeOf = (...path: string[]): string => (statSync(join(...path)).mode & 0o7777).toString(8)

describe('extractCode', () => {
  afterEach(() => folders.removeAll())

  it('writes files and folders, also those that the archive does not list', async () => {
    const folder = await extract([
      { name: './', type: 'directory' },
      { name: 'src/', type: 'directory', mode: 0o555 },
      { name: 'src/a.js', content: 'a' },
      { name: 'META-INF/statedb/couchdb/indexes/i.json', content: '{}' },
      { name: 'src/empty' },
    ])
    expect(readFileSync(join(folder, 'src/a.js'), 'utf8')).to.equal('a')
    expect(readFileSync(join(folder, 'META-INF/statedb/couchdb/indexes/i.json'), 'utf8')).to.equal('{}')
    expect(statSync(join(folder, 'src/empty')).size).to.equal(0)
    expect(modeOf(folder, 'src')).to.equal('700')
  })

  it('keeps the permission to run a file, lets its owner read and write it, and drops set-user-id', async () => {
    const folder = await extract([
      { name: 'run.sh', content: '#!/bin/sh', mode: 0o4755 },
      { name: 'secret', content: 'x', mode: 0o040 },
    ])
    expect(statSync(join(folder, 'run.sh')).mode & 0o100).to.equal(0o100)
    expect(statSync(join(folder, 'run.sh')).mode & 0o7000).to.equal(0)
    expect(modeOf(folder, 'secret')).to.equal('640')
  })

  it('takes the last of two entries of one name', async () => {
    const folder = await extract([
      { name: 'a', content: 'longer' },
      { name: 'a', content: 'last' },
    ])
    expect(readFileSync(join(folder, 'a'), 'utf8')).to.equal('last')
  })

  it('refuses paths that lead out, before anything of them is written', async () => {
    for (const name of ['../x', '/x', 'a/../../x', '..', 'a/b/../../../x/']) {
      const folder = join(folders.make(), 'inner')
      const error = await failureOf(folder, [{ name, content: 'x' }])
      expect(error.message).to.equal(`tar contains the absolute or escaping path '${name}'`)
      expect(readdirSync(join(folder, '..'))).to.deep.equal([])
    }
  })

  it('lets dots be a part of names', async () => {
    const folder = await extract([
      { name: '..a/...', content: 'x' },
      { name: 'b/../c', content: 'x' },
    ])
    expect(readdirSync(folder).sort()).to.deep.equal(['..a', 'c'])
  })

  it('refuses a link, and nothing that follows is written through it', async () => {
    const folder = join(folders.make(), 'inner')
    const outside = folders.make()
    const error = await failureOf(folder, [
      { name: 'out', type: 'symlink', linkname: outside },
      { name: 'out/x', content: 'x' },
    ])
    expect(error.message).to.equal("invalid file type '50' contained in archive for file 'out'")
    expect(existsSync(join(outside, 'x'))).to.equal(false)
  })

  it('tells which file cannot be written, and why', async () => {
    const clash = await failureOf(join(folders.make(), 'inner'), [
      { name: 'a', content: 'a file' },
      { name: 'a/b', content: 'x' },
    ])
    expect(clash.code).to.equal('PACKAGE_FILE_UNWRITABLE')
    expect(clash.message).to.match(/^could not create file 'a\/b': (EEXIST|ENOTDIR): /)
    const folder = await failureOf(join(folders.make(), 'inner'), [
      { name: 'a', content: 'a file' },
      { name: 'a/', type: 'directory' },
    ])
    expect(folder.message).to.match(/^could not create directory 'a\/': (EEXIST|ENOTDIR): /)
    const long = await failureOf(join(folders.make(), 'inner'), [{ name: 'x'.repeat(300), content: 'x' }])
    expect(long.message).to.match(/^could not create file 'x{300}': ENAMETOOLONG: /)
  })

  it('stops in the middle of a file that is larger than the limit', async () => {
    const folder = join(folders.make(), 'inner')
    const limits = { ...defaultPackageLimits, unpackedBytes: 1_000_000 }
    const error = await failureOf(folder, [{ name: 'zeros', content: Buffer.alloc(30_000_000) }], limits)
    expect(error.code).to.equal('PACKAGE_TOO_LARGE')
    expect(statSync(join(folder, 'zeros')).size).to.be.at.most(1_000_000)
  })
})
