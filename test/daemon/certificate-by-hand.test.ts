import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FakeIo } from '../cli/fake-io.js'
import { TestDaemons } from '../fixtures/embedded-daemon.js'
import { ScriptedChaincode } from '../fixtures/scripted-chaincode.js'
import { TestProcesses, example } from '../fixtures/start-chaincode.js'

const daemons = new TestDaemons()
const processes = new TestProcesses()
const dev = { 'chaincode.mode': 'dev', 'chaincoded.chaincodeTls': true } as const

/** Runs `chaincoded cert`, and gives what it printed. */
async function cert(dataDir: string, ...words: string[]) {
  const io = new FakeIo()
  const exitCode = await io.run(['cert', ...words, '--data', dataDir].join(' '))
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text }
}
const variablesOf = (stdout: string): Record<string, string> =>
  Object.fromEntries([...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]))

describe('chaincoded cert', function () {
  this.timeout(30_000)
  const folders: string[] = []
  afterEach(async () => {
    await processes.end()
    await daemons.closeAll()
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  it('prints all that a chaincode of the Node shim needs to be started by hand, and no key', async () => {
    const daemon = await daemons.start(dev)
    const ready = daemon.until(({ to }) => to === 'ready')
    const { exitCode, stdout, stderr } = await cert(daemon.dataDir, 'counter')
    expect(exitCode).to.equal(0)
    expect(stdout + stderr).to.not.contain('PRIVATE KEY')
    const env = variablesOf(stdout)
    expect(env).to.include({ CORE_CHAINCODE_ID_NAME: 'counter:1.0', CORE_PEER_TLS_ENABLED: 'true' })
    expect(statSync(env['CORE_TLS_CLIENT_KEY_FILE']!).mode & 0o777).to.equal(0o600)
    await processes.startChaincode(example('counter'), env['CORE_PEER_ADDRESS']!, { ccid: 'counter:1.0', env })
    expect((await ready).ccid).to.equal('counter:1.0')
    expect((await daemon.evaluate({ chaincode: 'counter', args: ['read', 'a'] })).toString()).to.equal('0')
  })

  it('writes where it is told, and makes void what it issued before', async () => {
    const daemon = await daemons.start(dev)
    const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    folders.push(folder)
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    await cert(daemon.dataDir, 'cc', '-o', folder)
    const former = { key: read('client_pem.key'), certificate: read('client_pem.crt'), root: read('peer.crt') }
    const { stdout } = await cert(daemon.dataDir, 'cc', '-o', folder, '--json')
    expect(JSON.parse(stdout)).to.include({ CORE_PEER_TLS_ROOTCERT_FILE: join(folder, 'peer.crt') })
    const chaincode = new ScriptedChaincode(daemon.chaincodeAddress, former)
    chaincode.register('cc:1.0')
    expect((await chaincode.ended()).details).to.match(/^Chaincode cc:1\.0 with given .* not found in registry$/)
    chaincode.drop()
  })

  it('says when none is needed', async () => {
    const daemon = await daemons.start({ 'chaincode.mode': 'dev' })
    const { exitCode, stderr } = await cert(daemon.dataDir, 'cc')
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain('chaincode cc needs no certificate: chaincodes connect without TLS')
  })

  it('issues none for a chaincode that the daemon starts, and none for one that is unknown', async () => {
    const daemon = await daemons.start({ 'chaincoded.chaincodeTls': true })
    await daemon.deployFixture('kv')
    expect((await cert(daemon.dataDir, 'cc')).stderr).to.contain('chaincode cc is started by the daemon')
    expect((await cert(daemon.dataDir, 'dd')).stderr).to.contain('there is no chaincode "dd"')
  })
})
