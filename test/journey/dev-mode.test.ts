import { expect } from 'chai'
import { build } from '../fixtures/built-program.js'
import { refusalOf, Shell, type Started } from '../fixtures/shell.js'
import { example } from '../fixtures/start-chaincode.js'

const counter = example('counter')

describe('A developer in dev mode', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let daemon: Started
  /** The lines to start the chaincode with, as they were printed. */
  let printed: string[]
  before(build)
  before(async () => {
    daemon = await shell.dev(counter, '--peer-chaincodedev')
    const lines = daemon.stderr.split('\n')
    const begin = lines.indexOf('start it in another terminal, or in a debugger:') + 1
    printed = lines.slice(begin).filter((line) => line.startsWith('  '))
  })
  after(() => shell.close())

  it('is shown the exact environment and command to start the chaincode with', () => {
    const { chaincodeAddress } = shell.facts()
    expect(daemon.stderr).to.contain('counter 1.0 on mychannel is yours to start (chaincode.mode dev)\n')
    expect(printed).to.deep.equal([
      `  cd ${counter}`,
      '  export CORE_CHAINCODE_ID_NAME=counter:1.0',
      `  export CORE_PEER_ADDRESS=${chaincodeAddress}`,
      '  export CORE_PEER_LOCALMSPID=Org1MSP',
      '  export CORE_PEER_TLS_ENABLED=false',
      `  npm start -- --peer.address ${chaincodeAddress}`,
    ])
  })

  it('is told, when a call comes before the chaincode does, that it has to be started and how', async () => {
    const { chaincodeAddress } = shell.facts()
    expect(refusalOf(await shell.run('query', 'counter', 'read', 'visits'))).to.deep.include({
      exitCode: 1,
      message: 'read failed: could not launch chaincode counter:1.0: handler not found for chaincode counter:1.0',
      hint:
        'in dev mode you start the chaincode: with CORE_CHAINCODE_ID_NAME=counter:1.0 in its environment and ' +
        `--peer.address ${chaincodeAddress} as its arguments`,
    })
  })

  it('is told, when a wrong id registers, which was expected and which came', async () => {
    const chaincode = shell.start('sh', ['-c', printed.join('\n').replace('=counter:1.0', '=conter:1.0')])
    await daemon.shows(/chaincode registered as conter:1\.0, but the id that is awaited is counter:1\.0/)
    await chaincode.ended
  })

  it('calls the chaincode that it started with the printed lines, stops it, and starts it again', async () => {
    for (const expected of ['1', '2']) {
      const chaincode = shell.start('sh', ['-c', printed.join('\n').replace('npm start --', 'exec node counter.js')])
      await chaincode.shows(/Successfully established communication/)
      expect(await shell.result('invoke', 'counter', 'increment', 'visits')).to.equal(expected)
      expect(await shell.result('ps')).to.match(/^counter +1\.0 +ready .* - +mychannel /m)
      await chaincode.stop('SIGKILL')
    }
  })

  it('starts it with the very command that was printed', async () => {
    const chaincode = shell.start('sh', ['-c', printed.join('\n')])
    await chaincode.shows(/Successfully established communication/)
    expect(await shell.result('query', 'counter', 'read', 'visits')).to.equal('2')
    // With its stream the chaincode ends, and npm with it.
    expect((await daemon.stop()).exitCode).to.equal(0)
    await chaincode.ended
    expect(shell.living()).to.deep.equal([])
  })
})

describe('A chaincode that registers unasked outside dev mode', function () {
  this.timeout(30_000)
  const shell = new Shell()
  before(build)
  after(() => shell.close())

  it('is refused in the words of Fabric, and the chaincode that is up goes on', async () => {
    const daemon = await shell.dev(counter)
    const { chaincodeAddress } = shell.facts()
    const env = { CORE_CHAINCODE_ID_NAME: 'stranger:1.0' }
    const stranger = shell.start('node', [`${counter}/counter.js`, '--peer.address', chaincodeAddress], { env })
    await daemon.shows(/peer will not accept external chaincode connection stranger:1\.0 \(except in dev mode\)/)
    await stranger.ended
    expect(await shell.result('query', 'counter', 'read', 'visits')).to.equal('0')
    expect((await daemon.stop()).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })
})
