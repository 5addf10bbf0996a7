import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'chai'
import { build } from '../fixtures/built-program.js'
import { anyPorts, refusalOf, Shell, type Started } from '../fixtures/shell.js'
import { example, fixture } from '../fixtures/start-chaincode.js'

const counter = example('counter')

/** What a refusal is expected to say; a pattern stands for what differs from machine to machine. */
type Expected = [exitCode: number, message: string | RegExp, hint: string | RegExp | undefined]

function expectRefusal(ended: Parameters<typeof refusalOf>[0], [exitCode, message, hint]: Expected): void {
  const refusal = refusalOf(ended)
  if (typeof message === 'string') expect(refusal.message).to.equal(message)
  else expect(refusal.message).to.match(message)
  if (hint instanceof RegExp) expect(refusal.hint).to.match(hint)
  else expect(refusal.hint).to.equal(hint)
  expect(refusal.exitCode).to.equal(exitCode)
}

describe('What cannot start', function () {
  this.timeout(30_000)
  const shell = new Shell()
  const at = (name: string) => join(shell.folder, name)
  const file = (name: string, content: string) => writeFileSync(at(name), content)
  before(build)
  after(() => shell.close())
  // Whatever it was that did not start: nothing of it is left running.
  afterEach(() => expect(shell.living()).to.deep.equal([]))

  const refused = async (words: string[], expected: Expected, env: Record<string, string> = {}) => {
    shell.env = env
    expectRefusal(await shell.run(...words), expected)
    shell.env = {}
  }

  it('is refused for an unknown setting in a file, with its line and the nearest one', () => {
    file('typo.yaml', 'chaincode:\n  executtimeout: 5s\n')
    return refused(
      ['start', ...anyPorts, '--config', 'typo.yaml'],
      [
        2,
        `there is no setting chaincode.executtimeout (${at('typo.yaml')}:2)`,
        'did you mean chaincode.executetimeout?',
      ],
    )
  })

  it('is refused for an unknown setting in the environment', () =>
    refused(
      ['start', ...anyPorts],
      [2, /^there is no setting CORE_CHAINCODE_MODUS \(environment\)$/, 'did you mean CORE_CHAINCODE_MODE?'],
      { CORE_CHAINCODE_MODUS: 'dev' },
    ))

  it('is refused for a bad value, with what is allowed', () =>
    refused(
      ['dev', counter, ...anyPorts],
      [
        2,
        'chaincode.executetimeout is "soon" (environment variable CORE_CHAINCODE_EXECUTETIMEOUT), but it has to be a ' +
          'duration such as 30s or 1m30s (a bare number is nanoseconds)',
        undefined,
      ],
      { CORE_CHAINCODE_EXECUTETIMEOUT: 'soon' },
    ))

  it('is refused for a file that is no YAML, and for one that is not there', async () => {
    file('broken.yaml', 'chaincode: [\n')
    await refused(['start', '--config', 'broken.yaml'], [2, /broken\.yaml:\d+: /, undefined])
    await refused(
      ['start', '--config', 'nowhere.yaml'],
      [2, `cannot read the configuration file ${at('nowhere.yaml')}: there is no such file`, undefined],
    )
  })

  it('is refused for a folder that holds something else, which stays as it was', async () => {
    mkdirSync(at('letters'))
    file('letters/letter.txt', 'dear')
    await refused(
      ['start', ...anyPorts, '--data', 'letters'],
      [
        1,
        `${at('letters')} is no data folder of chaincoded, and it is not empty (it holds letter.txt)`,
        'name an empty or new folder with --data; nothing was changed',
      ],
    )
    expect(readdirSync(at('letters'))).to.deep.equal(['letter.txt'])
  })

  it('is refused for a data folder that is a file', () => {
    file('plain', '')
    return refused(
      ['start', ...anyPorts, '--data', 'plain'],
      [1, `cannot use the data folder ${at('plain')}: it is a file, not a folder`, 'name another one with --data'],
    )
  })

  describe('on a port in use', () => {
    let server: Server
    let address: string
    before(async () => {
      server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    })
    after(() => server.close())

    for (const [flag, other, purpose, key] of [
      ['--gateway', '--chaincode-listen', 'the gateway', 'peer.listenAddress'],
      ['--chaincode-listen', '--gateway', 'chaincodes', 'peer.chaincodeListenAddress'],
    ] as const)
      it(`says that the port for ${purpose} is taken, and how to choose another one`, () =>
        refused(
          ['start', flag, address, other, '127.0.0.1:0'],
          [
            1,
            `cannot listen on ${address} for ${purpose}: the port is already in use`,
            `stop the program that uses it, or choose another port with ${flag} (${key}); 0 lets the system choose`,
          ],
        ))
  })

  it('is refused for a folder that is not there, before a daemon starts', async () => {
    await refused(
      ['dev', 'nowhere', ...anyPorts, '--data', 'unused'],
      [2, `cannot deploy ${at('nowhere')}: there is no such folder`, 'name the folder that holds the chaincode'],
    )
    expect(readdirSync(shell.folder)).not.to.include('unused')
  })

  it('is refused for a folder without a chaincode, with what was looked for', () => {
    mkdirSync(at('empty'))
    return refused(
      ['dev', 'empty', ...anyPorts],
      [
        1,
        new RegExp(
          `^there is no chaincode in ${at('empty')}: looked for a package\\.json .*, an executable .*, go\\.mod`,
        ),
        'name the folder of the chaincode, or say how to start it with --command',
      ],
    )
  })

  it('is refused for an illegal name, with one that would do', () =>
    refused(
      ['dev', counter, ...anyPorts, '--name', 'my counter!'],
      [
        2,
        '"my counter!" is no chaincode name: it has to match [a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*',
        '"my-counter" would do',
      ],
    ))

  it('tells of a chaincode that ends before it registers how it ended, and its last 20 lines', async () => {
    const ended = await shell.run('dev', fixture('exits-before-register'), ...anyPorts, '--name', 'cc')
    const { exitCode, message, lastWords } = refusalOf(ended)
    expect(message).to.match(
      /^could not launch chaincode cc:1\.0: chaincode registration failed: process exited with 3 \(state awaitingRegister, awaited: REGISTER at 127\.0\.0\.1:\d+\)$/,
    )
    expect(lastWords).to.deep.equal(Array.from({ length: 20 }, (_, index) => `reason ${index + 6} of 25`))
    expect(exitCode).to.equal(1)
  })

  it('tells of a chaincode that lacks a module which one, and what to run', async () => {
    mkdirSync(at('lacking'))
    file('lacking/main.cjs', `require('left-pad')\n`)
    const ended = await shell.run('dev', 'lacking', ...anyPorts, '--command', 'node main.cjs')
    const { exitCode, message, hint } = refusalOfAny(ended)
    expect(message).to.contain('process exited with 1')
    expect(hint).to.match(/npm install.*left-pad|left-pad.*npm install/)
    expect(exitCode).to.equal(1)
  })

  it('is refused for a second daemon on the same data folder, and the first one goes on', async () => {
    const first = shell.chaincoded('start', ...anyPorts, '--data', 'shared')
    await first.shows(/ {2}deploy /)
    const { gatewayAddress } = shell.facts('shared')
    expectRefusal(await shell.run('dev', counter, ...anyPorts, '--data', 'shared'), [
      1,
      `a daemon (pid ${first.pid}) already uses the data folder ${at('shared')}, serving ${gatewayAddress}`,
      new RegExp(`kill ${first.pid}.*--data$`),
    ])
    expect(await shell.result('status', '--data', 'shared')).to.contain('serving')
    await first.stop()
  })
})

/** As `refusalOf`, for a chaincode whose last words are a stack trace of its own. */
function refusalOfAny(ended: Parameters<typeof refusalOf>[0]): ReturnType<typeof refusalOf> {
  return refusalOf({ ...ended, stderr: ended.stderr.replace(/^( {2}\| +)at .*$/gm, '$1-') })
}

describe('What a running daemon refuses', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let daemon: Started
  before(build)
  before(async () => {
    shell.env = { SHIM: createRequire(import.meta.url).resolve('fabric-shim') }
    daemon = await shell.dev(counter)
  })
  after(async () => {
    expect((await daemon.stop()).exitCode).to.equal(0)
    await shell.close()
  })

  const cases: [string, string[], Expected][] = [
    [
      'arguments that look like JSON and are none',
      ['invoke', 'counter', '["increment",'],
      [2, /^the arguments look like JSON, but are none: /, /^quote them for the shell/],
    ],
    [
      'JSON arguments that are no strings',
      ['invoke', 'counter', '["increment","visits",1]'],
      [2, 'element 2 of the JSON is a number, but arguments of a chaincode are strings', 'write "1"'],
    ],
    [
      'a chaincode whose name is not deployed',
      ['query', 'conter', 'read', 'visits'],
      [1, 'there is no chaincode "conter"', 'did you mean "counter"?'],
    ],
    [
      'a user that is not there',
      ['query', 'counter', 'read', 'visits', '--user', 'Usr1'],
      [2, /^there is no user "Usr1" in /, 'did you mean "User1"?'],
    ],
    [
      'a channel on which the chaincode is not',
      ['query', 'counter', 'read', 'visits', '--channel', 'other'],
      [1, /^read failed: .*channel.*other/, 'counter is deployed on mychannel, not on other'],
    ],
    [
      'an illegal channel name',
      ['query', 'counter', 'read', 'visits', '--channel', 'My Channel'],
      [2, /^"My Channel" is no channel name: /, undefined],
    ],
    [
      'an argument that the chaincode does not like, in its own words',
      ['invoke', 'counter', 'increment', 'visits', 'many'],
      [1, 'increment failed: cannot add "many": it is no whole number', undefined],
    ],
    [
      'a function that the chaincode does not have',
      ['query', 'counter', 'reed', 'visits'],
      [1, 'reed failed: there is no function "reed", only increment and read', undefined],
    ],
    ['a folder without a chaincode', ['deploy', '.'], [1, /^there is no chaincode in /, /--command$/]],
    [
      'transient data without a value',
      ['invoke', 'counter', 'increment', 'visits', '--transient', 'secret'],
      [2, '--transient takes KEY=VALUE, not "secret"', undefined],
    ],
    [
      'the log of a chaincode that is not deployed',
      ['logs', 'nobody'],
      [1, 'there is no chaincode "nobody"', /counter/],
    ],
  ]
  for (const [what, words, expected] of cases)
    it(`is ${what}`, async () => expectRefusal(await shell.run(...words), expected))

  it('is a function that a contract does not have, with the nearest one that it has', async () => {
    await shell.result('deploy', example('asset-transfer'))
    expectRefusal(await shell.run('query', 'asset-transfer', 'ReadAset', 'a1'), [
      1,
      /^ReadAset failed: You've asked to invoke a function that does not exist: ReadAset$/,
      'did you mean "ReadAsset"?',
    ])
  })

  it('is a transaction before the Init that was demanded, with who can send one', async () => {
    await shell.result('deploy', counter, '--name', 'initial', '--init-required')
    expectRefusal(await shell.run('invoke', 'initial', 'increment', 'visits'), [
      1,
      /chaincode 'initial' has not been initialized for this version, must call as init first$/,
      'send it an Init: the peer CLI does with --isInit, the library with isInit; or deploy it without --init-required',
    ])
  })

  it('is a contract whose library calls what its dependency does not have, with the remedy', async () => {
    const main = `const shim = require(process.env.SHIM)
      const fail = async () => shim.error('classToPlain is not a function')
      shim.start({ Init: fail, Invoke: fail })`
    writeFileSync(join(shell.folder, 'defect.cjs'), main)
    await shell.result('deploy', '.', '--name', 'defect', '--command', 'node defect.cjs --peer.address {address}')
    expectRefusal(await shell.run('query', 'defect', 'any'), [
      1,
      'any failed: classToPlain is not a function',
      /^fabric-contract-api needs class-transformer 0\.5\.1: .* npm install$/,
    ])
  })

  it('is reported by a command that finds no daemon with exit code 3', async () => {
    for (const words of [['ps'], ['query', 'counter', 'read', 'visits'], ['deploy', counter], ['logs', 'counter']])
      expectRefusal(await shell.run(...words, '--data', 'nowhere'), [
        3,
        `no daemon serves the data folder ${join(shell.folder, 'nowhere')}`,
        'start one with: chaincoded dev DIR (or: chaincoded start), or name its data folder with --data',
      ])
  })
})
