import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { certificateHash } from '../../services/chaincode-authority.js'
import type { ChaincodeIdentity } from '../../services/identity-files.js'
import { ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import { TestDaemons, type TestDaemon, rejection } from '../fixtures/embedded-daemon.js'
import { needs } from '../fixtures/needs.js'
import { ScriptedChaincode } from '../fixtures/scripted-chaincode.js'
import { example } from '../fixtures/start-chaincode.js'

const UNKNOWN = 2
const daemons = new TestDaemons()
const scripted: ScriptedChaincode[] = []

const connect = (daemon: TestDaemon, identity?: ChaincodeIdentity): ScriptedChaincode => {
  const chaincode = new ScriptedChaincode(daemon.chaincodeAddress, identity)
  scripted.push(chaincode)
  return chaincode
}
const foldersOf = (daemon: TestDaemon): string[] => {
  const folder = join(daemon.dataDir, 'tls')
  return existsSync(folder) ? readdirSync(folder) : []
}
/** What a launched chaincode was given, as it lies on the disk. */
const identityOf = (daemon: TestDaemon, launch: string): ChaincodeIdentity => {
  const read = (name: string) => readFileSync(join(daemon.dataDir, 'tls', launch, name), 'utf8')
  return { key: read('client_pem.key'), certificate: read('client_pem.crt'), root: read('peer.crt') }
}
const decimal = (pem: string) => `[${[...Buffer.from(certificateHash(pem), 'hex')].join(' ')}]`

for (const transport of ['http2', 'grpc-js'] as const)
  describe(`A daemon with TLS for chaincodes, over ${transport},`, function () {
    this.timeout(60_000)
    const settings = { 'chaincoded.chaincodeTls': true, 'chaincoded.transport': transport }
    afterEach(async () => {
      for (const chaincode of scripted.splice(0)) chaincode.drop()
      await daemons.closeAll()
    })

    it('runs a chaincode of the Node shim, whose key only its owner can read, and leaves nothing of it', async () => {
      const daemon = await daemons.start(settings)
      await daemon.deploy({ path: example('counter'), name: 'cc' })
      expect(foldersOf(daemon)).to.deep.equal(['cc:1.0-1'])
      const folder = join(daemon.dataDir, 'tls', 'cc:1.0-1')
      expect(statSync(folder).mode & 0o777).to.equal(0o700)
      const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777])
      expect(Object.fromEntries(modes)).to.deep.equal(
        Object.fromEntries(
          ['client.crt', 'client.key', 'client_pem.crt', 'client_pem.key', 'peer.crt'].map((name) => [name, 0o600]),
        ),
      )
      const { key } = identityOf(daemon, 'cc:1.0-1')
      expect(Buffer.from(readFileSync(join(folder, 'client.key'), 'latin1'), 'base64').toString()).to.equal(key)
      expect((await daemon.invoke({ chaincode: 'cc', args: ['increment', 'a'] })).transactionId).to.have.length(64)

      const { pid } = await daemon.stop('cc')
      expect(pid).to.equal(0)
      expect(foldersOf(daemon)).to.deep.equal([])
      await daemon.restart('cc')
      expect(foldersOf(daemon)).to.deep.equal(['cc:1.0-2'])
      await daemon.close()
      expect(foldersOf(daemon)).to.deep.equal([])
    })

    it("refuses in the original's words whoever has no certificate for that chaincode", async () => {
      const daemon = await daemons.start(settings)
      await daemon.deployFixture('kv', { name: 'one' })
      await daemon.deployFixture('kv', { name: 'two' })
      const one = identityOf(daemon, 'one:1.0-1')

      const other = connect(daemon, one)
      other.register('two:1.0')
      expect(await other.ended()).to.deep.equal({
        code: UNKNOWN,
        details: `Chaincode two:1.0 with given certificate hash ${decimal(one.certificate)} belongs to a different chaincode`,
      })

      const second = connect(daemon, one)
      second.register('one:1.0')
      expect(await second.ended()).to.deep.equal({ code: UNKNOWN, details: 'duplicate chaincodeID: one:1.0' })

      const hasty = connect(daemon, one)
      hasty.send({ type: Type.KEEPALIVE })
      expect(await hasty.ended()).to.deep.equal({ code: UNKNOWN, details: 'First message needs to be a register' })

      await daemon.restart('one')
      const revoked = connect(daemon, one)
      revoked.register('one:1.0')
      expect(await revoked.ended()).to.deep.equal({
        code: UNKNOWN,
        details: `Chaincode one:1.0 with given certificate hash ${decimal(one.certificate)} not found in registry`,
      })
      expect((await connect(daemon).ended()).code).to.equal(14)
      expect((await daemon.evaluate({ chaincode: 'one', args: ['caller'] })).length).to.be.greaterThan(0)
    })
  })

describe('A daemon with TLS for chaincodes', function () {
  this.timeout(60_000)
  afterEach(() => daemons.closeAll())

  it('takes the files of a launch away that failed', async () => {
    const daemon = await daemons.start({ 'chaincoded.chaincodeTls': true })
    await rejection(daemon.deployFixture('exits-before-register'))
    await daemon.stop('cc')
    expect(foldersOf(daemon)).to.deep.equal([])
  })
})

describe('A daemon with TLS for chaincodes and Go', function () {
  this.timeout(180_000)
  let folder: string
  before(needs('go'))
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    const source = new URL('../bench/chaincode-go', import.meta.url).pathname
    execFileSync('go', ['build', '-o', join(folder, 'chaincode'), '.'], { cwd: source, stdio: 'pipe' })
  })
  afterEach(() => daemons.closeAll())
  after(() => {
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  it('runs a chaincode of the Go shim', async () => {
    const daemon = await daemons.start({ 'chaincoded.chaincodeTls': true })
    await daemon.deploy({ path: folder, name: 'cc' })
    expect((await daemon.invoke({ chaincode: 'cc', args: ['getput', '1'] })).transactionId).to.have.length(64)
  })
})
