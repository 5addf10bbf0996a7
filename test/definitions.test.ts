import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Definitions, type Deployment } from '../src/definitions.js'
import { isFailure } from '../src/errors.js'
import { failureOf } from './protocol/open-stream.js'

const deployment = (name: string, version = '1.0'): Deployment => ({
  ccid: `${name}:${version}`,
  name,
  version,
  kind: 'process',
  path: `/chaincodes/${name}`,
  command: ['node', 'index.js'],
})
const on = (channelId: string, initRequired = false) => ({ channelId, initRequired })

describe('What is deployed and defined', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-definitions-'))
    file = join(folder, 'chaincodes.json')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is nothing where there is no file, and no file is made by looking', () => {
    const definitions = new Definitions(file)
    expect(definitions.all()).to.deep.equal([])
    expect(definitions.get('ch', 'kv')).to.equal(undefined)
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('is found by channel and name, by id, and by name', async () => {
    const definitions = new Definitions(file)
    await definitions.define(deployment('kv'), on('ch', true))
    expect(definitions.get('ch', 'kv')).to.deep.equal({
      channelId: 'ch',
      name: 'kv',
      version: '1.0',
      sequence: 1,
      ccid: 'kv:1.0',
      initRequired: true,
    })
    expect(definitions.get('other', 'kv')).to.equal(undefined)
    expect(definitions.get('ch', 'kv:1.0')).to.equal(undefined)
    expect(definitions.deployment('kv:1.0')).to.deep.equal(deployment('kv'))
    expect(definitions.byName('kv')).to.deep.equal(deployment('kv'))
    expect(definitions.byName('missing')).to.equal(undefined)
  })

  it('survives a restart, in its order', async () => {
    const definitions = new Definitions(file)
    await definitions.define(deployment('b'), on('ch'))
    await definitions.define(deployment('a'), on('ch', true))
    await definitions.define(deployment('b'), on('ch2'))
    const again = new Definitions(file)
    expect(again.all()).to.deep.equal([deployment('b'), deployment('a')])
    for (const [channelId, name] of [
      ['ch', 'a'],
      ['ch', 'b'],
      ['ch2', 'b'],
    ] as const)
      expect(again.get(channelId, name)).to.deep.equal(definitions.get(channelId, name)).and.not.equal(undefined)
  })

  it('counts the sequence of a name on a channel up with each definition, over a restart too', async () => {
    const definitions = new Definitions(file)
    await definitions.define(deployment('kv', '1.0'), on('ch'))
    await definitions.define(deployment('kv', '2.0'), on('ch'))
    expect(definitions.get('ch', 'kv')).to.include({ version: '2.0', ccid: 'kv:2.0', sequence: 2 })
    expect(definitions.channelsOf('kv:1.0')).to.deep.equal([])
    expect(definitions.channelsOf('kv:2.0')).to.deep.equal(['ch'])
    const again = new Definitions(file)
    await again.define(deployment('kv', '2.0'), on('ch'))
    await again.define(deployment('kv', '2.0'), on('ch2'))
    expect(again.get('ch', 'kv')?.sequence).to.equal(3)
    expect(again.get('ch2', 'kv')?.sequence).to.equal(1)
    expect(again.channelsOf('kv:2.0')).to.deep.equal(['ch', 'ch2'])
  })

  it('loses with a removal the deployment and every definition of it, and no other', async () => {
    const definitions = new Definitions(file)
    await definitions.define(deployment('a'), on('ch'))
    await definitions.define(deployment('a'), on('ch2'))
    await definitions.define(deployment('b'), on('ch'))
    await definitions.remove('a:1.0')
    for (const one of [definitions, new Definitions(file)]) {
      expect(one.all()).to.deep.equal([deployment('b')])
      expect(one.get('ch', 'a')).to.equal(undefined)
      expect(one.get('ch2', 'a')).to.equal(undefined)
      expect(one.get('ch', 'b')?.ccid).to.equal('b:1.0')
    }
  })

  it('keeps all of what is defined at once, and leaves no second file', async () => {
    const definitions = new Definitions(file)
    const names = Array.from({ length: 20 }, (_, i) => `cc${i}`)
    await Promise.all(names.map((name) => definitions.define(deployment(name), on('ch'))))
    expect(new Definitions(file).all().map(({ name }) => name)).to.deep.equal(names)
    expect(readdirSync(folder)).to.deep.equal(['chaincodes.json'])
  })

  it('is a file that only its owner may read', async () => {
    await new Definitions(file).define(deployment('kv'), on('ch'))
    expect(statSync(file).mode & 0o777).to.equal(0o600)
  })

  it('says which file cannot be written, keeps what was there, and writes again once it can', async () => {
    const definitions = new Definitions(file)
    await definitions.define(deployment('a'), on('ch'))
    const before = readFileSync(file, 'utf8')
    mkdirSync(`${file}.new`)
    const error = await failureOf(definitions.define(deployment('b'), on('ch')))
    expect(error.message).to.match(new RegExp(`^${file} cannot be written: EISDIR`))
    expect(readFileSync(file, 'utf8')).to.equal(before)
    rmdirSync(`${file}.new`)
    await definitions.define(deployment('c'), on('ch'))
    expect(new Definitions(file).get('ch', 'c')?.ccid).to.equal('c:1.0')
  })

  const damaged: [string, string, RegExp][] = [
    ['no JSON', '{"deployments": [', /JSON/],
    ['another JSON', '[]', /expected object/],
    ['null', 'null', /expected object/],
    ['without its parts', '{}', /^deployments: /],
    ['with a part of another kind', '{"deployments": {}, "definitions": []}', /^deployments: .*array/],
    [
      'with a deployment that lacks something',
      JSON.stringify({ deployments: [{ ...deployment('kv'), path: undefined }], definitions: [] }),
      /^deployments\.0\.path: /,
    ],
    [
      'with a definition of another kind',
      JSON.stringify({ deployments: [], definitions: ['kv'] }),
      /^definitions\.0: .*expected object/,
    ],
  ]
  for (const [what, content, detail] of damaged)
    it(`is refused, with file and place, from a file that is ${what}; the file stays as it is`, () => {
      writeFileSync(file, content)
      let error: unknown
      try {
        new Definitions(file)
      } catch (thrown) {
        error = thrown
      }
      if (!isFailure(error, 'DATA_FILE_UNREADABLE')) throw error
      expect(error.message.startsWith(`${file} cannot be read: `)).to.equal(true)
      expect(error.facts['detail']).to.match(detail)
      expect(readFileSync(file, 'utf8')).to.equal(content)
    })
})
