import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openDataFolder } from '../src/data-folder.js'
import { ChaincodedError } from '../src/errors.js'

function refusal(path: string): ChaincodedError {
  try {
    openDataFolder(path, '1.2.3')
  } catch (error) {
    if (error instanceof ChaincodedError) return error
    throw error
  }
  throw new Error('it was opened')
}

describe('data folder', () => {
  let base: string
  let path: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'chaincoded-data-'))
    path = join(base, 'new', 'data')
  })
  afterEach(() => {
    chmodSync(base, 0o700)
    rmSync(base, { recursive: true })
  })

  it('is made for its owner only, marked with its format, and kept out of git', () => {
    const folder = openDataFolder(path, '1.2.3')
    expect(statSync(path).mode & 0o777).to.equal(0o700)
    expect(JSON.parse(readFileSync(join(path, 'chaincoded.json'), 'utf8'))).to.include({
      format: 1,
      createdBy: '1.2.3',
    })
    expect(readFileSync(join(path, '.gitignore'), 'utf8')).to.equal('*\n')
    expect(statSync(folder.logsDir).isDirectory()).to.equal(true)
    expect(folder.path).to.equal(path)
  })

  it('opens again, and leaves what is in it', () => {
    openDataFolder(path, '1.2.3')
    const marker = readFileSync(join(path, 'chaincoded.json'), 'utf8')
    writeFileSync(join(path, 'daemon.json'), 'x')
    openDataFolder(path, '2.0.0')
    expect(readFileSync(join(path, 'chaincoded.json'), 'utf8')).to.equal(marker)
    expect(existsSync(join(path, 'daemon.json'))).to.equal(true)
  })

  it('may be a folder that holds nothing but a configuration, and becomes private', () => {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    writeFileSync(join(path, 'core.yaml'), '')
    openDataFolder(path, '1.2.3')
    expect(statSync(path).mode & 0o777).to.equal(0o700)
  })

  it('is not made of a folder that holds something else, and nothing there is changed', () => {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    writeFileSync(join(path, 'thesis.tex'), '')
    const error = refusal(path)
    expect(error.code).to.equal('DATA_FOLDER_FOREIGN')
    expect(error.explain()).to.equal(
      `${path} is no data folder of chaincoded, and it is not empty (it holds thesis.tex)\n` +
        'hint: name an empty or new folder with --data; nothing was changed',
    )
    expect(existsSync(join(path, 'chaincoded.json'))).to.equal(false)
    expect(statSync(path).mode & 0o777).to.equal(0o755)
  })

  it('is refused where a newer program wrote it', () => {
    openDataFolder(path, '1.2.3')
    writeFileSync(join(path, 'chaincoded.json'), '{"format":2,"createdBy":"9.0.0"}')
    expect(refusal(path).message).to.equal(
      `the data folder ${path} was written by chaincoded 9.0.0 in format 2; this one knows 1`,
    )
  })

  for (const marker of ['', 'null', '[]', '{"format":"1"}', '{"format":0}', '{"format":1']) {
    it(`is refused where its marker is ${JSON.stringify(marker)}`, () => {
      openDataFolder(path, '1.2.3')
      writeFileSync(join(path, 'chaincoded.json'), marker)
      expect(refusal(path).message).to.match(
        /^cannot use the data folder .*: chaincoded\.json in it (is damaged|names no format)$/,
      )
    })
  }

  it('is refused where a file has its name, or lies on the way', () => {
    writeFileSync(join(base, 'file'), '')
    expect(refusal(join(base, 'file')).message).to.contain(': it is a file, not a folder')
    expect(refusal(join(base, 'file', 'data')).message).to.contain(': a part of the path is a file, not a folder')
  })

  it('is refused where it cannot be read or made', () => {
    chmodSync(base, 0o000)
    // Root may read and write everything, so it becomes somebody else for a moment.
    const isRoot = process.geteuid!() === 0
    if (isRoot) process.seteuid!(65534)
    try {
      expect(refusal(path).message).to.equal(`cannot use the data folder ${path}: permission denied`)
    } finally {
      if (isRoot) process.seteuid!(0)
    }
  })
})
