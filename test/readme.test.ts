import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { createProgram } from '../src/cli/program.js'
import { FakeIo } from './cli/fake-io.js'
import { settings } from '../src/config/settings.js'
import { root } from './fixtures/built-program.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The part below a heading. */
const section = (heading: string): string => readme.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!

describe('the README', () => {
  it('has the two lines that set everything up, and nothing else that has to be done first', () => {
    const lines = readme.split('\n').filter((line) => line.startsWith('npm ci'))
    expect(lines.map((line) => line.replace(/ +#.*/, ''))).to.deep.equal([
      'npm ci && npm start -- dev examples/asset-transfer',
      'npm ci && npm test',
    ])
  })

  it('names every command, and none that is not there', () => {
    const rows = section('Commands')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const cells = rows.map((row) => row.split('|')[1]!)
    const named = cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+)[ `]/g)].map(([, name]) => name))
    const known = createProgram(new FakeIo(), () => Promise.resolve()).commands.map((command) => command.name())
    expect(named.sort()).to.deep.equal(known.sort())
  })

  it('names settings that there are', () => {
    const keys = [...readme.matchAll(/`((?:chaincode|chaincoded|peer|ledger)\.[a-z][\w.]*)`/g)].map(([, key]) => key!)
    expect(keys).to.include.members(['chaincode.executetimeout', 'chaincoded.limits.messageBytes'])
    expect(keys.filter((key) => !(key in settings))).to.deep.equal([])
  })

  it('shows the program of the example embed as it is', () => {
    const program = readFileSync(join(root, 'examples/embed/embed.mjs'), 'utf8')
    expect(section('As a library')).to.contain(`\`\`\`js\n${program}\`\`\``)
  })

  it('links to files that there are', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path]) => path!)
    expect(links).to.include.members(['CONTRIBUTING.md', 'src/config/README.md'])
    expect(links.filter((path) => !existsSync(join(root, path)))).to.deep.equal([])
  })
})
