import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { failure } from '../../src/errors.js'
import { chaincodeInfo, daemonStatus } from './fake-daemon.js'
import { FakeIo } from './fake-io.js'
import { ServedDaemon } from './served-daemon.js'

describe('commands that ask the daemon', () => {
  let served: ServedDaemon
  let io: FakeIo
  beforeEach(async () => {
    served = new ServedDaemon()
    await served.start()
    io = new FakeIo()
    io.cwd = served.folder
    io.env = { CHAINCODED_DATA: served.folder }
  })
  afterEach(() => served.end())

  describe('ps', () => {
    it('prints an aligned table, and the reason below a failed chaincode', async () => {
      const secondsAgo = (seconds: number) => Date.now() - seconds * 1000
      served.daemon.chaincodes = [
        chaincodeInfo('asset-transfer', { sinceMs: secondsAgo(130), inFlight: 3 }),
        chaincodeInfo('cc', {
          state: 'failed',
          pid: 0,
          channels: ['a', 'b'],
          sinceMs: secondsAgo(7300),
          reason: 'exit code 1 before REGISTER\n  | Error: boom',
        }),
      ]
      expect(await io.run('ps')).to.equal(0)
      expect(io.stdout.text).to.equal(
        [
          'NAME            VERSION  STATE   RUNTIME  PID  CHANNELS   IN-FLIGHT  SINCE',
          'asset-transfer  1.0      ready   process  815  mychannel  3          2m',
          'cc              1.0      failed  process  -    a,b        0          2h',
          '  exit code 1 before REGISTER',
          '    | Error: boom',
          '',
        ].join('\n'),
      )
      expect(io.stderr.text).to.equal('')
    })

    it('prints where a service is dialled, and when it is dialled again', async () => {
      const away = { runtime: 'service', address: 'cc:9999', pid: 0, state: 'backoff', nextStartInMs: 3400 }
      served.daemon.chaincodes = [chaincodeInfo('cc', { ...away, reason: 'connection refused' })]
      await io.run('ps')
      expect(io.stdout.text.split('\n').slice(1, 3)).to.deep.equal([
        io.stdout.text.split('\n')[1]!.match(/^cc +1\.0 +backoff, again in 3s +service cc:9999 +- .*/)![0],
        '  connection refused',
      ])
    })

    it('prints the same as JSON', async () => {
      served.daemon.chaincodes = [chaincodeInfo('a')]
      expect(await io.run('ps --json')).to.equal(0)
      expect(JSON.parse(io.stdout.text)).to.deep.equal([chaincodeInfo('a')])
    })

    it('says how to deploy where nothing is deployed, and keeps stdout empty; in JSON that is an empty list', async () => {
      expect(await io.run('ps')).to.equal(0)
      expect([io.stdout.text, io.stderr.text]).to.deep.equal([
        '',
        'no chaincode is deployed; deploy one with: chaincoded deploy DIR\n',
      ])
      expect(await io.run('ps --json')).to.equal(0)
      expect(io.stdout.text).to.equal('[]\n')
    })
  })

  describe('status', () => {
    it('prints what the daemon is, and exits with 0 while it serves', async () => {
      expect(await io.run('status')).to.equal(0)
      expect(io.stdout.text).to.match(
        /^state {7}serving for \d+d, pid 4711, chaincoded 0\.1\.0\ngateway {5}127\.0\.0\.1:7051, TLS\nlistener {4}127\.0\.0\.1:7052 \(chaincode\.mode net\)\ndata {8}\/home\/dev\/\.chaincoded\nchannels {4}mychannel \(12 blocks\)\nchaincodes {2}1\n$/,
      )
    })

    it('exits with 1 while it does not serve, and prints the same as JSON', async () => {
      served.daemon.state = { ...daemonStatus, state: 'draining' }
      expect(await io.run('status --json')).to.equal(1)
      expect(JSON.parse(io.stdout.text)).to.deep.equal(served.daemon.state)
    })
  })

  describe('stop, restart and rm', () => {
    beforeEach(() => {
      served.daemon.chaincodes = [chaincodeInfo('asset-transfer'), chaincodeInfo('counter')]
    })

    it('say what became of the chaincode', async () => {
      for (const words of ['stop counter', 'restart counter', 'rm counter']) expect(await io.run(words)).to.equal(0)
      expect(io.stdout.text).to.equal(
        'counter is stopped\ncounter is ready (pid 815)\ncounter is removed; its state is kept\n',
      )
      expect(served.daemon.calls).to.deep.equal(['stop counter', 'restart counter', 'remove counter'])
    })

    it('say it in JSON too', async () => {
      await io.run('stop counter --json')
      expect(JSON.parse(io.stdout.text)).to.include({ name: 'counter', state: 'stopped', pid: 0 })
    })

    it('propose the nearest name for one that is not deployed', async () => {
      for (const words of ['stop conter', 'restart asset-transfe', 'rm Counter', 'logs countr']) {
        expect(await io.run(words), words).to.equal(1)
      }
      expect(io.stderr.text.match(/hint: .*/g)).to.deep.equal([
        'hint: did you mean "counter"?',
        'hint: did you mean "asset-transfer"?',
        'hint: did you mean "counter"?',
        'hint: did you mean "counter"?',
      ])
    })

    it('list what there is where no name is near', async () => {
      expect(await io.run('stop x')).to.equal(1)
      expect(io.stderr.text).to.equal(
        'chaincoded: there is no chaincode "x"\nhint: there are asset-transfer, counter\n',
      )
    })

    it("show the daemon's error with the last words of the process and one hint", async () => {
      served.daemon.failWith = failure('LAUNCH_FAILED', {
        ccid: 'counter:1.0',
        detail: 'it ended with exit code 1',
        lastWords: ["Error: Cannot find module 'fabric-shim'"],
        suggestion: 'run npm install in its folder',
      })
      expect(await io.run('restart counter')).to.equal(1)
      expect(io.stderr.text).to.equal(
        'chaincoded: could not launch chaincode counter:1.0: it ended with exit code 1\n' +
          "  | Error: Cannot find module 'fabric-shim'\n" +
          'hint: run npm install in its folder\n',
      )
    })

    it('show a stack trace of an unexpected error only when asked', async () => {
      served.daemon.failWith = new TypeError('x is not a function')
      expect(await io.run('stop counter')).to.equal(1)
      expect(io.stderr.text).to.equal('chaincoded: x is not a function\nhint: --verbose shows where this comes from\n')
      expect(await io.run('stop counter --verbose')).to.equal(1)
      expect(io.stderr.text).to.match(/\n {4}at /)
    })
  })

  describe('logs', () => {
    beforeEach(() => {
      served.daemon.chaincodes = [chaincodeInfo('a')]
      served.daemon.say('a', 'one')
      served.daemon.say('a', 'two', 'stderr')
      served.daemon.say('a', 'ready', 'chaincoded')
    })

    it('prints the lines; those of the daemon stand out', async () => {
      expect(await io.run('logs a')).to.equal(0)
      expect(io.stdout.text).to.equal('one\ntwo\n-- ready\n')
    })

    it('prints the last lines, and each line as JSON', async () => {
      expect(await io.run('logs a --tail 2 --json')).to.equal(0)
      expect(
        io.stdout.text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).to.deep.equal([
        { time: '2023-11-14T22:13:20.001Z', source: 'stderr', text: 'two' },
        { time: '2023-11-14T22:13:20.002Z', source: 'chaincoded', text: 'ready' },
      ])
    })

    it('follows until it is interrupted, which is no error', async () => {
      const done = io.run('logs -f a')
      await io.stdout.shows(/ready/)
      served.daemon.say('a', 'three')
      await io.stdout.shows(/three/)
      io.interrupt()
      expect(await done).to.equal(0)
      expect(io.isInterruptible).to.equal(false)
    })

    it('takes no other number of lines than whole ones from 1', async () => {
      for (const lines of ['0', '-1', 'all', '1.5']) expect(await io.run(['logs', 'a', '--tail', lines])).to.equal(2)
    })
  })

  describe('deploy', () => {
    const folderWith = (name: string, manifest?: object): string => {
      const folder = join(served.folder, name)
      mkdirSync(folder, { recursive: true })
      if (manifest) writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
      return folder
    }

    it('sends what a container is made of, and needs a name for an image alone', async () => {
      const path = folderWith('cc')
      expect(await io.run(['deploy', 'cc', '--runtime', 'docker', '--lang', 'node'])).to.equal(0)
      expect(served.daemon.deployed[0]).to.include({ path, runtime: 'docker', language: 'node', image: '' })
      expect(await io.run(['deploy', '--image', 'cc:1', '--name', 'basic'])).to.equal(0)
      expect(served.daemon.deployed[1]).to.include({ path: '', name: 'basic', image: 'cc:1' })
      expect(await io.run(['deploy', '--image', 'cc:1'])).to.equal(2)
      expect(io.stderr.text).to.contain('chaincoded deploy --image cc:1 --name NAME')
    })

    it('sends the folder and the options, shows plain progress, and reports the chaincode', async () => {
      const path = folderWith('cc')
      const words = ['deploy', 'cc', '--name', 'basic', '--channel', 'ch', '--version', '2.1', '--init-required']
      expect(await io.run([...words, '--label', 'l', '--command', 'node "my main.js" -v'])).to.equal(0)
      expect(served.daemon.deployed).to.deep.equal([
        {
          path,
          name: 'basic',
          version: '2.1',
          channel: 'ch',
          label: 'l',
          initRequired: true,
          address: '',
          ccid: '',
          command: ['node', 'my main.js', '-v'],
          runtime: '',
          image: '',
          language: '',
          package: '',
        },
      ])
      expect(io.stderr.text).to.equal(`deploying basic from ${path}\nstarting basic\nwaiting for basic to register\n`)
      expect(io.stdout.text).to.equal('basic 2.1 is ready on ch (pid 815)\n')
    })

    it('sends the address of a service in place of a folder, and the id that it registers with', async () => {
      expect(await io.run('deploy --address cc:9999 --name basic --ccid basic_1.0:0123')).to.equal(0)
      expect(served.daemon.deployed[0]).to.deep.include({
        path: '',
        name: 'basic',
        version: '1.0',
        address: 'cc:9999',
        ccid: 'basic_1.0:0123',
      })
      expect(io.stderr.text).to.match(/^deploying basic from cc:9999\n/)
    })

    for (const [words, text] of [
      ['deploy', 'chaincoded: a chaincode is deployed either from a folder or'],
      ['deploy cc --address cc:9999', '--address HOST:PORT'],
      ['deploy --address cc:9999', 'chaincoded: a service that is deployed by its address needs a name'],
    ] as const)
      it(`exits with 2 for '${words}', and says what is wanted`, async () => {
        expect(await io.run(words)).to.equal(2)
        expect(io.stderr.text).to.contain(text)
        expect(served.daemon.deployed).to.deep.equal([])
      })

    it('keeps progress in one line on a terminal, and leaves nothing of it', async () => {
      folderWith('cc')
      io.stderr.isTTY = true
      expect(await io.run('deploy cc')).to.equal(0)
      expect(io.stderr.text).to.match(/^(\r\x1b\[2K[^\n]+ …)+\r\x1b\[2K$/)
    })

    const names: [string, object | undefined, string][] = [
      ['the package', { name: '@acme/asset-transfer' }, 'asset-transfer'],
      ['the folder where there is no package', undefined, 'my-cc'],
      ['the folder where the package has no usable name', { name: '@acme/…' }, 'my-cc'],
    ]
    for (const [what, manifest, name] of names) {
      it(`names the chaincode after ${what}`, async () => {
        folderWith('my.cc_', manifest)
        expect(await io.run('deploy my.cc_ --json')).to.equal(0)
        expect(JSON.parse(io.stdout.text)).to.include({ name, ccid: `${name}:1.0` })
      })
    }

    const refusals: [string, string[], string][] = [
      ['an illegal name', ['--name', 'my cc!'], 'hint: "my-cc" would do'],
      ['an illegal version', ['--version', '1:0'], '[A-Za-z0-9_.+-]+'],
      ['an illegal channel', ['--channel', 'MyChannel'], '[a-z][a-z0-9.-]*'],
      ['a command without its last quote', ['--command', 'node "x'], 'a quote without its end: "x'],
      ['an empty command', ['--command', ' '], '--command is empty'],
    ]
    for (const [what, words, text] of refusals) {
      it(`refuses ${what} as wrong use, with the rule`, async () => {
        folderWith('cc')
        expect(await io.run(['deploy', 'cc', ...words])).to.equal(2)
        expect(io.stderr.text).to.contain(text)
        expect(served.daemon.deployed).to.deep.equal([])
      })
    }

    it('refuses a folder that is not there, and a file', async () => {
      writeFileSync(join(served.folder, 'file'), '')
      expect(await io.run('deploy nowhere')).to.equal(2)
      expect(await io.run('deploy file')).to.equal(2)
      expect(io.stderr.text).to.contain(`cannot deploy ${join(served.folder, 'nowhere')}: there is no such folder`)
      expect(io.stderr.text).to.contain(`cannot deploy ${join(served.folder, 'file')}: it is a file, not a folder`)
    })
  })

  it('exit with 3 where no daemon serves, and say how to start one', async () => {
    io.env = {}
    mkdirSync(join(served.folder, 'empty'))
    for (const words of [
      'ps',
      'status',
      'stop a',
      'restart a',
      'rm a',
      'logs a',
      'deploy empty',
      'invoke a f',
      'query a f',
    ]) {
      const other = new FakeIo()
      other.cwd = served.folder
      expect(await other.run([...words.split(' '), '--data', 'empty']), words).to.equal(3)
      expect(other.stdout.text).to.equal('')
      expect(other.stderr.text).to.equal(
        `chaincoded: no daemon serves the data folder ${join(served.folder, 'empty')}\n` +
          'hint: start one with: chaincoded dev DIR (or: chaincoded start), or name its data folder with --data\n',
      )
    }
  })
})
