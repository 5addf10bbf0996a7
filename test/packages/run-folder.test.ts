import { join } from 'node:path'
import { expect } from 'chai'
import { runFolderOf } from '../../src/packages/run-folder.js'
import { TestFolders } from './archives.js'

const folders = new TestFolders()

const folderOf = (files: Record<string, string>, type: string, path = ''): string => {
  const codeFolder = folders.make(files)
  const folder = runFolderOf({ codeFolder, metadataFolder: '' }, { type, path })
  expect(folder.startsWith(codeFolder)).to.equal(true)
  return folder.slice(codeFolder.length)
}

describe('runFolderOf', () => {
  afterEach(() => folders.removeAll())

  it('is src for Node and Java, however the type is written', () => {
    for (const type of ['node', 'NODE', 'java', 'Java']) expect(folderOf({ 'src/x': '' }, type)).to.equal('/src')
  })

  it('is the package within the module for Go', () => {
    const files = { 'src/go.mod': 'module example.com/a\n', 'src/cmd/cc/main.go': 'package main\n' }
    expect(folderOf(files, 'golang', 'example.com/a')).to.equal('/src')
    expect(folderOf(files, 'GOLANG', 'example.com/a/cmd/cc')).to.equal('/src/cmd/cc')
    expect(folderOf(files, 'golang', 'example.com/another')).to.equal('/src')
  })

  it('is the import path within src for Go without modules', () => {
    const files = { 'src/github.com/x/cc/main.go': 'package main\n' }
    expect(folderOf(files, 'GOLANG', 'github.com/x/cc')).to.equal('/src/github.com/x/cc')
    expect(folderOf(files, 'GOLANG', 'github.com/x/gone')).to.equal('/src')
  })

  it('does not let the path in the metadata lead out of the package', () => {
    const codeFolder = folders.make({ 'code/src/go.mod': 'module a\n', outside: '' })
    for (const path of ['a/../../../outside', '../../outside', '..'])
      expect(
        runFolderOf({ codeFolder: join(codeFolder, 'code'), metadataFolder: '' }, { type: 'golang', path }),
      ).to.equal(join(codeFolder, 'code/src'))
  })

  it('is all of the code for other types, as a service has its connection.json there', () => {
    expect(folderOf({ 'connection.json': '{}' }, 'ccaas')).to.equal('')
  })
})
