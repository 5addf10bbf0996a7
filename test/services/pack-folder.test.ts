import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { extract } from 'tar-stream'
import { packFiles, packFolder } from '../../services/pack-folder.js'

/** Type, mode and name of each entry. */
async function list(archive: Buffer): Promise<string[]> {
  const found: string[] = []
  const entries = Readable.from([archive]).pipe(extract())
  for await (const entry of entries) {
    const { type, mode = 0, name, linkname } = entry.header
    found.push(`${type} ${mode.toString(8)} ${name}${linkname ? ` > ${linkname}` : ''}`)
    entry.resume()
  }
  return found
}

describe('A packed folder', () => {
  let folder: string
  const put = (name: string, text = name, mode = 0o644) => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text, { mode })
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('has the layout of a code package: src, and META-INF beside it, without what a build makes anew', async () => {
    put('package.json')
    put('lib/a.js')
    put('run.sh', '', 0o700)
    put('META-INF/statedb/couchdb/indexes/a.json')
    put('node_modules/left/out.js')
    put('.git/HEAD')
    expect((await list((await packFolder(folder)).archive)).filter((line) => line.startsWith('file'))).to.deep.equal([
      'file 644 META-INF/statedb/couchdb/indexes/a.json',
      'file 644 src/lib/a.js',
      'file 644 src/package.json',
      'file 755 src/run.sh',
    ])
  })

  it('has the same hash whenever its files were written, and another one when a byte differs', async () => {
    put('a.js')
    const { hash } = await packFolder(folder)
    utimesSync(join(folder, 'a.js'), 1, 1)
    expect((await packFolder(folder)).hash).to.equal(hash)
    put('a.js', 'other')
    expect((await packFolder(folder)).hash).to.not.equal(hash)
  })

  it('keeps a link within the folder, and refuses one that leads out', async () => {
    put('lib/a.js')
    symlinkSync('lib/a.js', join(folder, 'b.js'))
    expect(await list((await packFolder(folder)).archive)).to.include('symlink 644 src/b.js > lib/a.js')
    symlinkSync('../secret', join(folder, 'c.js'))
    const error = await packFolder(folder).catch((caught: Error) => caught)
    expect((error as Error).message).to.match(/c\.js is a link to \.\.\/secret, outside of the chaincode's folder$/)
  })

  it('refuses a link that is absolute, also where it leads back into the folder', async () => {
    put('a.js')
    symlinkSync(join(folder, 'a.js'), join(folder, 'b.js'))
    const error = await packFolder(folder).catch((caught: Error) => caught)
    expect((error as Error).message).to.contain('outside of the chaincode')
  })

  it('of single files has folders and contents as given', async () => {
    const archive = await packFiles([
      { name: 'etc/', mode: 0o755 },
      { name: 'etc/key', content: Buffer.from('k'), mode: 0o600 },
    ])
    expect(await list(archive)).to.deep.equal(['directory 755 etc/', 'file 600 etc/key'])
  })
})
