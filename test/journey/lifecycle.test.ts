import { expect } from 'chai'
import type { ChaincodeInfo } from '../../src/control/types.js'
import { build } from '../fixtures/built-program.js'
import { anyPorts, refusalOf, Shell, type Started } from '../fixtures/shell.js'
import { example, fixture } from '../fixtures/start-chaincode.js'

const counter = example('counter')

describe('A user who keeps a daemon and its chaincodes', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let daemon: Started

  const startDaemon = async () => {
    daemon = shell.chaincoded('start', ...anyPorts)
    await daemon.shows(/ {2}deploy /)
  }
  const list = async () => JSON.parse(await shell.result('ps', '--json')) as ChaincodeInfo[]
  const visits = () => shell.result('query', 'counter', 'read', 'visits')

  before(build)
  before(startDaemon)
  after(() => shell.close())

  it('is told by ps that nothing is deployed, and how to deploy', async () => {
    expect(await shell.run('ps')).to.deep.equal({
      exitCode: 0,
      stdout: '',
      stderr: 'no chaincode is deployed; deploy one with: chaincoded deploy DIR\n',
    })
  })

  it('deploys a folder, and sees its steps', async () => {
    const { exitCode, stdout, stderr } = await shell.run('deploy', counter)
    expect(stdout).to.match(/^counter 1\.0 is ready on mychannel \(pid \d+\)\n$/)
    expect(stderr).to.equal(
      `deploying counter from ${counter}\nfound Node package (node counter.js)\nstarting counter:1.0\n`,
    )
    expect(exitCode).to.equal(0)
    expect(await shell.result('invoke', 'counter', 'increment', 'visits', '41')).to.equal('41')
  })

  it('restarts it: another process, the same state', async () => {
    const [before] = await list()
    expect(await shell.result('restart', 'counter')).to.match(/^counter is ready \(pid \d+\)\n$/)
    const [after] = await list()
    expect(after?.pid).not.to.equal(before?.pid)
    expect(shell.living().sort()).to.deep.equal([daemon.pid, after?.pid].sort())
    expect(await visits()).to.equal('41')
  })

  it('stops it: no process, and the next call starts it', async () => {
    expect(await shell.result('stop', 'counter')).to.equal('counter is stopped\n')
    expect(shell.living()).to.deep.equal([daemon.pid])
    expect(await shell.result('ps')).to.match(/^counter +1\.0 +stopped +.*- +mychannel /m)
    expect(await visits()).to.equal('41')
    expect(await shell.result('ps')).to.match(/^counter +1\.0 +ready +.*\d+ +mychannel /m)
  })

  it('deploys it again, which starts it anew from its files', async () => {
    const [before] = await list()
    await shell.result('deploy', counter)
    const after = await list()
    expect(after).to.have.length(1)
    expect(after[0]).to.include({ version: '1.0', state: 'ready' })
    expect(after[0]?.pid).not.to.equal(before?.pid)
    expect(shell.living()).to.have.length(2)
    expect(await visits()).to.equal('41')
  })

  it('deploys another version, which takes the place of the former one', async () => {
    await shell.result('deploy', counter, '--version', '2.0')
    const after = await list()
    expect(after.map(({ ccid, state }) => [ccid, state])).to.deep.equal([['counter:2.0', 'ready']])
    expect(shell.living()).to.have.length(2)
    expect(await visits()).to.equal('41')
  })

  it('deploys it under a second name on a second channel, with a state of its own', async () => {
    await shell.result('deploy', counter, '--name', 'second', '--channel', 'other')
    const read = ['query', 'second', 'read', 'visits', '--channel', 'other']
    expect(await shell.result(...read)).to.equal('0')
    await shell.result('invoke', 'second', 'increment', 'visits', '--channel', 'other')
    expect(await shell.result(...read)).to.equal('1')
    expect(await shell.result('status')).to.match(/^channels +mychannel \(\d+ blocks\), other \(2 blocks\)$/m)
  })

  it('follows a log with logs -f, and ends that with Ctrl-C', async () => {
    const follow = shell.chaincoded('logs', '-f', 'counter')
    await shell.result('restart', 'counter')
    await follow.shows(/^-- .* → ready$/m)
    await follow.shows(/Successfully established communication/)
    expect((await follow.stop()).exitCode).to.equal(0)
  })

  it('finds the chaincodes deployed in the next daemon of the folder; a call starts one', async () => {
    expect((await daemon.stop('SIGTERM')).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
    await startDaemon()
    expect((await list()).map(({ name, state }) => [name, state])).to.deep.equal([
      ['counter', 'stopped'],
      ['second', 'stopped'],
    ])
    expect(await visits()).to.equal('41')
  })

  it('removes it: its name is unknown, its state is kept for the day when it is deployed again', async () => {
    expect(await shell.result('rm', 'counter')).to.equal('counter is removed; its state is kept\n')
    expect(shell.living()).to.deep.equal([daemon.pid])
    const refusal = refusalOf(await shell.run('query', 'counter', 'read', 'visits'))
    expect(refusal).to.include({
      exitCode: 1,
      message: 'there is no chaincode "counter"',
      hint: 'there is only second',
    })
    await shell.result('deploy', counter)
    expect(await visits()).to.equal('41')
    expect((await daemon.stop()).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })
})

describe('A daemon that is killed with SIGKILL', function () {
  this.timeout(30_000)
  const shell = new Shell()
  before(build)
  after(() => shell.close())

  it('leaves a folder that commands know to be without a daemon, and that the next daemon goes on with', async () => {
    const first = await shell.dev(counter)
    for (const value of ['1', '2', '3'])
      expect(await shell.result('invoke', 'counter', 'increment', 'visits')).to.equal(value)
    expect((await first.stop('SIGKILL')).exitCode).to.equal(null)

    expect(refusalOf(await shell.run('query', 'counter', 'read', 'visits'))).to.include({
      exitCode: 3,
      message: `no daemon serves the data folder ${shell.folder}/.chaincoded`,
    })
    const second = await shell.dev(counter)
    expect(await shell.result('query', 'counter', 'read', 'visits')).to.equal('3')
    expect(await shell.result('invoke', 'counter', 'increment', 'visits')).to.equal('4')
    expect(await shell.result('status')).to.match(/^channels +mychannel \(5 blocks\)$/m)
    expect((await second.stop()).exitCode).to.equal(0)
    // Fabric's shim ends with its stream, so nothing is left of the first chaincode either.
    expect(shell.living()).to.deep.equal([])
  })

  it('leaves a chaincode that outlives its stream, which the next daemon of the folder ends', async () => {
    const outliving = fixture('ignores-sigterm')
    const first = await shell.dev(outliving, '--name', 'cc', '--data', 'd')
    await first.stop('SIGKILL')
    const [left, ...others] = shell.living()
    expect(others).to.deep.equal([])
    const second = shell.chaincoded('start', '--data', 'd', ...anyPorts)
    await second.shows(/ {2}deploy /)
    expect(left).to.be.a('number').and.not.to.be.oneOf(shell.living())
    expect((await second.stop()).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })
})
