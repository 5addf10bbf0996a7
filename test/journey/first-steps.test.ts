import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EndorseError } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { build } from '../fixtures/built-program.js'
import { anyPorts, Shell, type Started } from '../fixtures/shell.js'
import { example } from '../fixtures/start-chaincode.js'
import { connectSampleClient } from './sample-client.js'

describe('A newcomer with the example asset-transfer', function () {
  this.timeout(30_000)
  const shell = new Shell()
  const asset = { id: 'a1', color: 'blue', size: 5, owner: 'Tomoko', value: 300 }
  let dev: Started

  before(build)
  before(async () => {
    dev = await shell.dev(example('asset-transfer'))
  })
  after(() => shell.close())

  it('is told in a few lines what is up and how to call it', () => {
    const { gatewayAddress, chaincodeAddress } = shell.facts()
    const user = 'organizations/peerOrganizations/org1.example.com/users/User1@org1.example.com/msp'
    expect(dev.stderr.replace(/pid \d+/, 'pid N').split('\n')).to.deep.equal([
      `deploying asset-transfer from ${example('asset-transfer')}`,
      'found Node package (fabric-chaincode-node start)',
      'starting asset-transfer:1.0',
      'asset-transfer 1.0 is ready on mychannel (pid N)',
      `  gateway   ${gatewayAddress}, TLS`,
      `  listener  ${chaincodeAddress} (for chaincodes)`,
      '  data      .chaincoded',
      `  identity  User1 of Org1MSP, .chaincoded/${user}`,
      '  invoke    npx chaincoded invoke asset-transfer FUNCTION ARG…',
      '  query     npx chaincoded query asset-transfer FUNCTION ARG…',
      'Ctrl-C stops everything. The log of asset-transfer:',
      '',
    ])
  })

  it('invokes a function: the result on stdout as it is, the block on stderr', async () => {
    const { exitCode, stdout, stderr } = await shell.run(
      ...['invoke', 'asset-transfer', 'CreateAsset', 'a1', 'blue', '5', 'Tomoko', '300'],
    )
    expect(exitCode, stderr).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal(asset)
    expect(stderr).to.match(/^committed in block 1, transaction [0-9a-f]{64}\n$/)
  })

  it('queries it, with the arguments as words or as JSON', async () => {
    expect(JSON.parse(await shell.result('query', 'asset-transfer', 'ReadAsset', 'a1'))).to.deep.equal(asset)
    expect(JSON.parse(await shell.result('query', 'asset-transfer', '["ReadAsset","a1"]'))).to.deep.equal(asset)
  })

  it('sees the chaincode in ps, the daemon in status, and the output in logs', async () => {
    expect(await shell.result('ps')).to.match(
      /^NAME +VERSION +STATE +.*PID +CHANNELS .*\nasset-transfer +1\.0 +ready +.*\d+ +mychannel .*\n$/,
    )
    const status = await shell.result('status')
    expect(status).to.match(new RegExp(`^state +serving for \\d+s, pid ${dev.pid}, chaincoded `))
    expect(status).to.match(/^channels +mychannel \(2 blocks\)$/m)
    const logs = await shell.result('logs', 'asset-transfer')
    expect(logs).to.contain('Successfully established communication with peer node')
    expect((await shell.result('logs', 'asset-transfer', '--tail', '1')).split('\n')).to.have.length(2)
    await dev.shows(/^asset-transfer \| .*Invoke\(\) succeeded/m)
  })

  it('calls it from an application that reads the same files as those of the samples', async () => {
    const { contract, close } = connectSampleClient(
      join(shell.folder, '.chaincoded'),
      shell.facts().gatewayAddress,
      'asset-transfer',
    )
    try {
      const created = await contract.submitTransaction('CreateAsset', 'a2', 'red', '1', 'Max', '7')
      expect(JSON.parse(Buffer.from(created).toString())).to.include({ id: 'a2', owner: 'Max' })
      const commit = await contract.submitAsync('TransferAsset', { arguments: ['a2', 'Brad'] })
      expect(Buffer.from(commit.getResult()).toString()).to.equal('Max')
      expect(await commit.getStatus()).to.include({ successful: true, blockNumber: 3n })
      const read = await contract.evaluateTransaction('ReadAsset', 'a2')
      expect(JSON.parse(Buffer.from(read).toString())).to.include({ owner: 'Brad' })
      const refused = await contract.submitTransaction('DeleteAsset', 'a3').catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(EndorseError)
      expect((refused as EndorseError).details.map(({ message }) => message)).to.deep.equal([
        'chaincode response 500, asset a3 does not exist',
      ])
    } finally {
      close()
    }
  })

  it('stops everything with Ctrl-C, which ends with 0 and leaves no process and no trace of a daemon', async () => {
    expect(shell.living()).to.include(dev.pid).and.have.length(2)
    const { exitCode, stderr } = await dev.stop()
    expect(exitCode).to.equal(0)
    expect(stderr).to.match(/\nstopping … \(Ctrl-C again kills\)\n$/)
    expect(shell.living()).to.deep.equal([])
    for (const name of ['daemon.json', 'control.sock'])
      expect(existsSync(join(shell.folder, '.chaincoded', name)), name).to.equal(false)
    expect((await shell.run('status')).exitCode).to.equal(3)
  })

  it('starts again in the same folder, and finds ledger and identities as they were', async () => {
    dev = await shell.dev(example('asset-transfer'))
    expect(JSON.parse(await shell.result('query', 'asset-transfer', 'ReadAsset', 'a1'))).to.deep.equal(asset)
    const history = await shell.result('query', 'asset-transfer', 'GetAssetHistory', 'a2')
    expect(JSON.parse(history) as unknown[]).to.have.length(2)
    expect(await shell.result('status')).to.match(/^channels +mychannel \(4 blocks\)$/m)
    expect((await dev.stop('SIGTERM')).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })
})

describe('Ctrl-C', function () {
  this.timeout(30_000)
  const shell = new Shell()
  before(build)
  after(() => shell.close())

  const ignoresSigterm = new URL('../fixtures/chaincodes/ignores-sigterm', import.meta.url).pathname

  it('counts once where npm sends it on to a daemon that the terminal has sent it to as well', async () => {
    shell.env = { CORE_CHAINCODED_TERMGRACE: '500ms' }
    const dev = await shell.dev(ignoresSigterm)
    dev.child.kill('SIGINT')
    expect((await dev.stop('SIGINT')).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })

  it('kills what takes too long when it comes again', async () => {
    shell.env = { CORE_CHAINCODED_TERMGRACE: '20s', CORE_CHAINCODED_SHUTDOWNTIMEOUT: '20s' }
    const dev = await shell.dev(ignoresSigterm)
    dev.child.kill('SIGINT')
    await dev.shows(/stopping/)
    // Less than a hand needs, more than npm does.
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect((await dev.stop('SIGINT')).exitCode).to.equal(130)
    expect(shell.living()).to.deep.equal([])
  })

  it('stops a daemon that has nothing deployed', async () => {
    const start = shell.chaincoded('start', ...anyPorts)
    await start.shows(/deploy {4}npx chaincoded deploy DIR\n/)
    expect((await start.stop()).exitCode).to.equal(0)
  })
})
