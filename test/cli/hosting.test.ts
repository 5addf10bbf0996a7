import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { DaemonOptions } from '../../src/control/types.js'
import { failure } from '../../src/errors.js'
import { version } from '../../src/cli/version.js'
import { FakeRunningDaemon } from './fake-daemon.js'
import { FakeIo } from './fake-io.js'

describe('commands that run a daemon', () => {
  let folder: string
  let io: FakeIo
  let daemon: FakeRunningDaemon
  /** Changes the daemon before the command gets it. */
  let prepare: (made: FakeRunningDaemon) => void | Promise<void>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cd-host-'))
    mkdirSync(join(folder, 'cc'))
    io = new FakeIo()
    io.cwd = folder
    prepare = () => undefined
    io.createDaemon = async (options: DaemonOptions) => {
      daemon = new FakeRunningDaemon(options)
      await prepare(daemon)
      return daemon
    }
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** The running command in a list, because a promise in a promise would be awaited. */
  const untilShown = async (words: string, pattern: RegExp): Promise<Promise<number>[]> => {
    const done = io.run(words)
    await Promise.race([
      io.stderr.shows(pattern),
      done.then((code) => Promise.reject(new Error(`exit ${code}: ${io.stderr.text}`))),
    ])
    return [done]
  }

  describe('start', () => {
    it('prints what is up, runs until it is interrupted, and stops the daemon', async () => {
      const [done] = await untilShown('start', /deploy DIR\n/)
      expect(io.stderr.text).to.equal(
        [
          `chaincoded ${version} serves`,
          '  gateway   127.0.0.1:7051, TLS',
          '  listener  127.0.0.1:7052 (for chaincodes)',
          '  data      .chaincoded',
          '  identity  User1 of Org1MSP, .chaincoded/organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp',
          '  deploy    npx chaincoded deploy DIR',
          '',
        ].join('\n'),
      )
      io.interrupt()
      expect(await done).to.equal(0)
      expect(daemon.calls).to.deep.equal(['close'])
      expect(io.stderr.text).to.match(/\nstopping … \(Ctrl-C again kills\)\n$/)
      expect([io.stdout.text, io.isInterruptible]).to.deep.equal(['', false])
    })

    it('prints one line of JSON to stdout when asked', async () => {
      const done = io.run('start --json')
      await io.stdout.shows(/\n/)
      io.interrupt()
      await done
      expect(JSON.parse(io.stdout.text)).to.include({ state: 'serving', gatewayAddress: '127.0.0.1:7051' })
    })

    it('hands file, environment and flags to the daemon as its configuration', async () => {
      writeFileSync(join(folder, 'my.yaml'), 'chaincode: {executetimeout: 7s}\n')
      io.env = { CORE_PEER_ID: 'p9' }
      const flags =
        '--config my.yaml --peer-chaincodedev --gateway 127.0.0.1:8051 --chaincode-listen 127.0.0.1:0 --no-tls'
      const [done] = await untilShown(`start --data d ${flags}`, /--data d\n/)
      io.interrupt()
      await done
      const { config } = daemon.options
      expect(config.chaincode).to.include({ mode: 'dev', executeTimeoutMs: 7000 })
      expect(config.peer).to.include({
        id: 'p9',
        listenAddress: '127.0.0.1:8051',
        address: 'localhost:8051',
        chaincodeListenAddress: '127.0.0.1:0',
        tlsEnabled: false,
      })
      expect(config.chaincoded.dataDir).to.equal(join(folder, 'd'))
      expect(io.stderr.text).to.contain(`settings come from ${join(folder, 'my.yaml')}\n`)
      expect(io.stderr.text).to.contain('gateway   127.0.0.1:7051, no TLS\n')
    })

    it('refuses a bad flag or setting before anything starts, as wrong use', async () => {
      expect(await io.run('start --gateway nowhere')).to.equal(2)
      io.env = { CORE_CHAINCODE_EXECUTETIMEOUT: 'soon' }
      expect(await io.run('start')).to.equal(2)
      expect(io.stderr.text).to.equal(
        'chaincoded: peer.listenAddress is "nowhere" (--gateway), but it has to be HOST:PORT\n' +
          'chaincoded: chaincode.executetimeout is "soon" (environment variable CORE_CHAINCODE_EXECUTETIMEOUT), ' +
          'but it has to be a duration such as 30s or 1m30s (a bare number is nanoseconds)\n',
      )
      expect(io.isInterruptible).to.equal(false)
    })

    it('shows a warning of the configuration, and the log as JSON away from a terminal, as text on one', async () => {
      io.env = { CORE_CHAINCODE_KEEPALIVE: 'x' }
      prepare = (made) => made.options.log.info({ port: 7051 }, 'listening')
      const [done] = await untilShown('start', /deploy DIR\n/)
      io.interrupt()
      await done
      expect(io.stderr.text).to.match(
        /^warning: Invalid keepalive value x .*\n\{"level":30,.*"port":7051,"msg":"listening"\}\n/,
      )
      const terminal = Object.assign(new FakeIo(), { cwd: folder, createDaemon: io.createDaemon })
      terminal.stderr.isTTY = true
      const finished = terminal.run('start')
      await terminal.stderr.shows(/deploy DIR\n/)
      terminal.interrupt()
      await finished
      expect(terminal.stderr.text).to.match(/^\d\d:\d\d:\d\d info {2}listening port=7051\n/)
    })

    it('fails with the reason where the daemon cannot start', async () => {
      prepare = () => Promise.reject(failure('DATA_FOLDER_IN_USE', { path: '/d', pid: 12 }))
      expect(await io.run('start')).to.equal(1)
      expect(io.stderr.text).to.match(/^chaincoded: a daemon \(pid 12\) already uses the data folder \/d\nhint: /)
    })

    it('ends when the daemon stops by itself: with 0 where it was asked to, with 1 where it failed', async () => {
      const [asked] = await untilShown('start', /deploy DIR\n/)
      daemon.end()
      expect(await asked).to.equal(0)
      const other = Object.assign(new FakeIo(), { cwd: folder, createDaemon: io.createDaemon })
      const broken = other.run('start')
      await other.stderr.shows(/deploy DIR\n/)
      daemon.end(new Error('the disk is full'))
      expect(await broken).to.equal(1)
      expect(other.stderr.text).to.contain('chaincoded: the disk is full\n')
    })

    it('stops a daemon that was interrupted while it started', async () => {
      prepare = () => io.interrupt()
      expect(await io.run('start')).to.equal(0)
      expect(daemon.calls).to.deep.equal(['close'])
      expect(io.stderr.text).not.to.contain('serves')
    })

    it('kills at the second interrupt', async () => {
      const [done] = await untilShown('start', /deploy DIR\n/)
      let finish: () => void = () => undefined
      daemon.close = () => new Promise((resolve) => (finish = resolve))
      io.interrupt()
      io.interrupt()
      expect([daemon.calls, io.exits]).to.deep.equal([['kill'], [130]])
      // A real process is gone by now.
      await new Promise((resolve) => setImmediate(resolve))
      finish()
      await done
    })
  })

  describe('dev', () => {
    it('deploys the folder, prints in a few lines what is up, and follows the log with a prefix', async () => {
      const [done] = await untilShown('dev cc', /The log of cc:\n/)
      expect(io.stderr.text.split('\n').slice(3)).to.deep.equal([
        'cc 1.0 is ready on mychannel (pid 815)',
        '  gateway   127.0.0.1:7051, TLS',
        '  listener  127.0.0.1:7052 (for chaincodes)',
        '  data      .chaincoded',
        '  identity  User1 of Org1MSP, .chaincoded/organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp',
        '  invoke    npx chaincoded invoke cc FUNCTION ARG…',
        '  query     npx chaincoded query cc FUNCTION ARG…',
        'Ctrl-C stops everything. The log of cc:',
        '',
      ])
      daemon.say('cc', 'hello')
      daemon.say('cc', 'ended with exit code 1', 'chaincoded')
      await io.stdout.shows(/exit code 1\n/)
      io.interrupt()
      expect(await done).to.equal(0)
      expect(io.stdout.text).to.equal('cc | hello\ncc | -- ended with exit code 1\n')
      expect(daemon.calls).to.deep.equal(['close'])
    })

    it('repeats the data folder where it is not the default one', async () => {
      const [done] = await untilShown('dev cc --data d --name x --channel ch', /The log of x:\n/)
      io.interrupt()
      await done
      expect(io.stderr.text).to.contain('npx chaincoded invoke x FUNCTION ARG… --data d\n')
      expect(daemon.deployed[0]).to.include({ name: 'x', channel: 'ch', path: join(folder, 'cc') })
    })

    it('keeps quiet about what is normal, unless a level is set or --verbose', async () => {
      prepare = (made) => {
        made.options.log.info('normal')
        made.options.log.warn('strange')
      }
      const shown = async (words: string, env = {}) => {
        const other = Object.assign(new FakeIo(), { cwd: folder, createDaemon: io.createDaemon, env })
        const done = other.run(words)
        await other.stderr.shows(/The log of cc/)
        other.interrupt()
        await done
        return ['normal', 'strange'].filter((text) => other.stderr.text.includes(text))
      }
      expect(await shown('dev cc')).to.deep.equal(['strange'])
      expect(await shown('dev cc --verbose')).to.deep.equal(['normal', 'strange'])
      expect(await shown('dev cc', { CORE_CHAINCODED_LOG_LEVEL: 'info' })).to.deep.equal(['normal', 'strange'])
    })

    it('shows why a chaincode does not come up, stops the daemon, and exits with 1', async () => {
      prepare = (made) => {
        made.failWith = failure('LAUNCH_FAILED', { ccid: 'cc:1.0', detail: 'exit code 1', lastWords: ['boom'] })
      }
      expect(await io.run('dev cc')).to.equal(1)
      expect(io.stderr.text).to.match(/chaincoded: could not launch chaincode cc:1\.0: exit code 1\n {2}\| boom\n$/)
      expect(daemon.calls).to.deep.equal(['close'])
    })

    it('stops at once when it is interrupted during the deployment', async () => {
      prepare = (made) => {
        made.deploy = () => new Promise(() => io.interrupt())
      }
      expect(await io.run('dev cc')).to.equal(0)
      expect(daemon.calls).to.deep.equal(['close'])
    })

    it('refuses a folder that is not there before a daemon starts', async () => {
      io.createDaemon = () => Promise.reject(new Error('it started'))
      expect(await io.run('dev nowhere')).to.equal(2)
    })

    const byHand: [string, Record<string, string>, string][] = [
      [
        'a Node chaincode',
        { 'package.json': '{"scripts":{"start":"x"}}' },
        'npm start -- --peer.address 127.0.0.1:7052',
      ],
      [
        'a Node chaincode without a start script',
        { 'package.json': '{}' },
        'npx fabric-chaincode-node start --peer.address 127.0.0.1:7052',
      ],
      ['a Go chaincode', { 'go.mod': '' }, 'go run . -peer.address 127.0.0.1:7052'],
      ['any other', {}, 'YOUR-CHAINCODE --peer.address 127.0.0.1:7052'],
    ]
    for (const [what, files, command] of byHand) {
      it(`in dev mode prints the exact environment and command to start ${what} by hand`, async () => {
        for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'cc', name), content)
        const [done] = await untilShown('dev cc --peer-chaincodedev', /waits for the chaincode to register/)
        io.interrupt()
        await done
        expect(io.stderr.text).to.contain('cc 1.0 on mychannel is yours to start (chaincode.mode dev)\n')
        expect(io.stderr.text).to.contain(
          [
            'start it in another terminal, or in a debugger:',
            '  cd cc',
            '  export CORE_CHAINCODE_ID_NAME=cc:1.0',
            '  export CORE_PEER_ADDRESS=127.0.0.1:7052',
            '  export CORE_PEER_LOCALMSPID=Org1MSP',
            '  export CORE_PEER_TLS_ENABLED=false',
            `  ${command}`,
            '',
          ].join('\n'),
        )
      })
    }

    it('in dev mode repeats a command of your own, quoted for the shell', async () => {
      const done = io.run(['dev', 'cc', '--peer-chaincodedev', '--command', `node "it's here.js"`])
      await io.stderr.shows(/to register/)
      io.interrupt()
      await done
      expect(io.stderr.text).to.contain(`  node 'it'\\''s here.js'\n`)
    })
  })
})
