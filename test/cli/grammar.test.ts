import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { settings } from '../../src/config/settings.js'
import { variableOf } from '../../src/config/keys.js'
import { splitCommand } from '../../src/cli/arguments.js'
import { createProgram } from '../../src/cli/program.js'
import { spanText, tableLines } from '../../src/cli/table.js'
import {
  chaincodeNameFrom,
  checkChaincodeName,
  checkChaincodeVersion,
  checkChannelName,
} from '../../src/control/names.js'
import { nearest } from '../../src/nearest.js'
import { FakeIo } from './fake-io.js'

const program = createProgram(new FakeIo(), async (work) => void (await work))
const commands = program.commands.map((command) => command.name())
const reporting = commands.filter((name) => name !== 'dev')

describe('the command line', () => {
  it('has the commands that it is known for', () => {
    expect(commands).to.deep.equal([
      'start',
      'dev',
      'deploy',
      'invoke',
      'query',
      'ps',
      'logs',
      'stop',
      'restart',
      'rm',
      'package',
      'install',
      'uninstall',
      'packages',
      'cert',
      'status',
      'version',
    ])
  })

  for (const command of program.commands) {
    const name = command.name()
    it(`explains ${name} with an example that it understands, and with the options that all have`, async () => {
      const io = new FakeIo()
      expect(await io.run([name, '--help'])).to.equal(0)
      expect(io.stdout.text).to.contain('--data <dir>').and.to.contain('--verbose')
      expect(io.stdout.text.includes('--json')).to.equal(reporting.includes(name))
      const [, example] = /Example:\n {2}\$ (chaincoded .*)\n/.exec(io.stdout.text)!
      const [, used, ...words] = splitCommand(example!)
      expect(used).to.equal(name)
      // Only the grammar runs: the work itself is taken away.
      const parsed: string[] = []
      const grammar = createProgram(new FakeIo(), async () => undefined)
      for (const sub of grammar.commands) sub.action(() => void parsed.push(sub.name()))
      await grammar.parseAsync([name, ...words], { from: 'user' })
      expect(parsed).to.deep.equal([name])
    })
  }

  it('prints its version, for people and as JSON', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    const io = new FakeIo()
    for (const words of ['version', '--version', 'version --json']) expect(await io.run(words)).to.equal(0)
    expect(io.stdout.text).to.equal(
      `chaincoded ${version}\n${version}\n${JSON.stringify({ version, node: process.versions.node })}\n`,
    )
  })

  const wrong: [string, string[], string][] = [
    ['a misspelt command', ['invok'], "unknown command 'invok'\n(Did you mean invoke?)"],
    ['a misspelt option', ['ps', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)"],
    ['an argument too many', ['ps', 'x'], "too many arguments for 'ps'"],
    ['an argument too few', ['stop'], "missing required argument 'name'"],
    ['an option without its value', ['ps', '--data'], "option '--data <dir>' argument missing"],
    ['no command', [], 'Usage: chaincoded'],
  ]
  for (const [what, words, text] of wrong) {
    it(`takes ${what} as wrong use: exit code 2, text on stderr`, async () => {
      const io = new FakeIo()
      expect(await io.run(words)).to.equal(2)
      expect(io.stderr.text).to.contain(text)
      expect(io.stdout.text).to.equal('')
    })
  }

  it('is described with every command and option in its README', () => {
    const text = readFileSync(new URL('../../src/cli/README.md', import.meta.url), 'utf8')
    for (const command of program.commands) {
      expect(text, command.name()).to.contain(`\`${command.name()}`)
      for (const { long } of command.options) expect(text, `${command.name()} ${long}`).to.contain(long)
    }
  })

  it('has every setting with its variable, default and values in the README of the configuration', () => {
    const text = readFileSync(new URL('../../src/config/README.md', import.meta.url), 'utf8')
    const rows = Object.entries(settings).map(([key, { fallback, allowed, meaning }]) => {
      const shown = fallback === undefined || fallback === '' ? '–' : `\`${fallback}\``
      return `| \`${key}\` | ${shown} | ${allowed} | ${meaning} |`
    })
    for (const row of rows) expect(text.replace(/ +\|/g, ' |').replace(/\| +/g, '| ')).to.contain(row)
    expect(text).to.contain(variableOf('chaincode.executetimeout'))
  })
})

describe('what the command line is made of', () => {
  const lines: [string, string[]][] = [
    ['node main.js', ['node', 'main.js']],
    ['  a   b ', ['a', 'b']],
    [`a "b c" 'd "e"' f\\ g`, ['a', 'b c', 'd "e"', 'f g']],
    [`a--x="1 2"`, ['a--x=1 2']],
    [`a "" ''`, ['a', '', '']],
    [`a "\\"\\n" '\\'`, ['a', '"\\n', '\\']],
    ['["node","a b"]', ['node', 'a b']],
  ]
  for (const [line, words] of lines) {
    it(`splits the command ${line}`, () => {
      expect(splitCommand(line)).to.deep.equal(words)
    })
  }

  it('aligns the columns of a table', () => {
    expect(
      tableLines([
        ['A', 'BB'],
        ['long', 'x'],
        ['', 'y'],
      ]),
    ).to.deep.equal(['A     BB', 'long  x', '      y'])
  })

  it('prints spans of time in their largest unit', () => {
    expect([-5, 0, 999, 1000, 59_999, 60_000, 3_600_000, 90_000_000].map(spanText)).to.deep.equal([
      '0s',
      '0s',
      '0s',
      '1s',
      '59s',
      '1m',
      '1h',
      '1d',
    ])
  })

  it('finds the nearest word, but none that is far', () => {
    const words = ['asset-transfer', 'basic', 'Counter']
    expect(['asset-tranfer', 'BASIC', 'contr', 'x', 'basic'].map((word) => nearest(word, words))).to.deep.equal([
      'asset-transfer',
      'basic',
      'Counter',
      undefined,
      'basic',
    ])
    expect(nearest('a', [])).to.equal(undefined)
  })

  it("follows Fabric's rules for names, versions and channels", () => {
    for (const name of ['a', 'A1', 'a-b_c', '0']) checkChaincodeName(name)
    for (const name of ['', '-a', 'a-', 'a--b', 'a.b', 'a b', 'ä'])
      expect(() => checkChaincodeName(name)).to.throw('is no chaincode name')
    for (const version of ['1', '1.0', 'v1_2-3+x']) checkChaincodeVersion(version)
    for (const version of ['', '1:0', 'a b'])
      expect(() => checkChaincodeVersion(version)).to.throw('is no chaincode version')
    for (const channel of ['a', 'my-channel.1', 'a'.repeat(249)]) checkChannelName(channel)
    for (const channel of ['', 'A', '1a', 'a_b', 'a'.repeat(250)])
      expect(() => checkChannelName(channel)).to.throw('is no channel name')
  })

  it('makes a legal name of any text, where something is left', () => {
    expect(['@a/b-c', 'my cc!', '__x__', 'a.-_b', '…'].map(chaincodeNameFrom)).to.deep.equal([
      'b-c',
      'my-cc',
      'x',
      'a_b',
      undefined,
    ])
  })
})
