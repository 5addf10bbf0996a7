import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { issueIdentities, type OrganizationIdentities } from '../../services/issue-identities.js'
import { admin, layout, listFiles, org, peer, user } from './identity-files.js'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

describe('Issuing identities', () => {
  let folder: string
  let identities: OrganizationIdentities
  const pathOf = (path: string): string => join(folder, 'peerOrganizations', org, path)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'identities-'))
    identities = await issueIdentities(folder, { gatewayPort: 7051 })
  })
  after(() => rmSync(folder, { recursive: true }))

  describe('writes', () => {
    it("cryptogen's layout, whole and with nothing beside it", () => {
      expect(identities.issued).to.equal(true)
      expect(listFiles(pathOf(''))).to.deep.equal(layout)
      expect(readdirSync(join(folder, 'peerOrganizations'))).to.deep.equal([org])
    })

    it('the same content under the names of cryptogen and of fabric-ca', () => {
      for (const [member, name] of [
        [peer, `peer0.${org}`],
        [user, `User1@${org}`],
        [admin, `Admin@${org}`],
      ] as const) {
        const read = (path: string): string => readFileSync(pathOf(`${member}/msp/${path}`), 'utf8')
        expect(read('signcerts/cert.pem')).to.equal(read(`signcerts/${name}-cert.pem`))
        expect(read('keystore/key.pem')).to.equal(read('keystore/priv_sk'))
      }
    })

    it('private keys for the owner only, in folders for the owner only', () => {
      const keys = layout.filter((path) => /(priv_sk|key\.pem|\.key)$/.test(path))
      expect(keys).to.have.length(11)
      for (const key of keys) {
        expect(modeOf(pathOf(key)), key).to.equal('600')
        expect(modeOf(join(pathOf(key), '..')), `folder of ${key}`).to.equal('700')
      }
    })

    it('NodeOUs, so that the unit of a certificate gives its role', () => {
      const expected = Object.fromEntries(
        ['Client', 'Peer', 'Admin', 'Orderer'].map((role) => [
          `${role}OUIdentifier`,
          { Certificate: `cacerts/ca.${org}-cert.pem`, OrganizationalUnitIdentifier: role.toLowerCase() },
        ]),
      )
      for (const msp of ['msp', `${peer}/msp`, `${user}/msp`, `${admin}/msp`]) {
        const { NodeOUs } = parse(readFileSync(pathOf(`${msp}/config.yaml`), 'utf8')) as { NodeOUs: object }
        expect(NodeOUs).to.deep.equal({ Enable: true, ...expected })
      }
    })

    it('connection profiles that lead to the gateway', () => {
      const profile = JSON.parse(readFileSync(pathOf('connection-org1.json'), 'utf8')) as Record<string, unknown>
      expect(parse(readFileSync(pathOf('connection-org1.yaml'), 'utf8'))).to.deep.equal(profile)
      const name = `peer0.${org}`
      expect(profile).to.deep.include({
        organizations: { Org1: { mspid: 'Org1MSP', peers: [name], certificateAuthorities: [`ca.${org}`] } },
        peers: {
          [name]: {
            url: 'grpcs://localhost:7051',
            tlsCACerts: { pem: readFileSync(pathOf(`${peer}/tls/ca.crt`), 'utf8') },
            grpcOptions: { 'ssl-target-name-override': name, hostnameOverride: name },
          },
        },
      })
      expect(profile).to.have.nested.property('client.organization', 'Org1')
    })
  })

  it('tells where everything is', () => {
    const { mspFolder, peerMspFolder, userMspFolders, tls, ...rest } = identities
    expect(rest).to.deep.include({
      mspId: 'Org1MSP',
      orgDomain: org,
      peerName: `peer0.${org}`,
      folder: pathOf('').replace(/\/$/, ''),
    })
    expect(mspFolder).to.equal(pathOf('msp'))
    expect(peerMspFolder).to.equal(pathOf(`${peer}/msp`))
    expect(userMspFolders).to.deep.equal({ User1: pathOf(`${user}/msp`), Admin: pathOf(`${admin}/msp`) })
    expect(tls.caFile).to.equal(pathOf(`${peer}/tls/ca.crt`))
    expect(tls.ca).to.deep.equal(readFileSync(tls.caFile))
  })

  it('issues another organization where asked to', async () => {
    const own = mkdtempSync(join(tmpdir(), 'identities-'))
    try {
      const options = { gatewayPort: 9051, orgDomain: 'org2.example.com', mspId: 'Org2MSP', tlsNames: ['two.test'] }
      const second = await issueIdentities(own, { ...options, tlsEnabled: false })
      expect(second.folder).to.equal(join(own, 'peerOrganizations/org2.example.com'))
      expect(new X509Certificate(second.tls.certificate).subjectAltName).to.equal('DNS:two.test')
      const profile = JSON.parse(readFileSync(join(second.folder, 'connection-org2.json'), 'utf8')) as { peers: object }
      expect(profile.peers).to.deep.equal({ 'peer0.org2.example.com': { url: 'grpc://localhost:9051' } })
    } finally {
      rmSync(own, { recursive: true })
    }
  })

  it('refuses names that could lead out of the folder', async () => {
    for (const options of [{ orgDomain: '../x' }, { orgDomain: 'a..b' }, { orgDomain: '' }, { mspId: 'a/b' }]) {
      const error = await issueIdentities(folder, { gatewayPort: 7051, ...options }).catch((reason: unknown) => reason)
      expect(error, JSON.stringify(options)).to.be.instanceOf(RangeError)
    }
  })
})

describe('Issuing identities, disturbed', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'identities-'))
    mkdirSync(join(folder, 'peerOrganizations'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const names = (): string[] => readdirSync(join(folder, 'peerOrganizations'))

  it('twice at once issues once', async () => {
    const both = await Promise.all([7051, 7051].map((gatewayPort) => issueIdentities(folder, { gatewayPort })))
    expect(both.map(({ issued }) => issued).sort()).to.deep.equal([false, true])
    expect(both[0]!.tls).to.deep.equal(both[1]!.tls)
    expect(names()).to.deep.equal([org])
  })

  it('by a kill leaves nothing or everything, and the next start cleans up', async () => {
    const module = new URL('../../services/issue-identities.ts', import.meta.url).href
    const script = `import(${JSON.stringify(module)}).then((m) => m.issueIdentities(process.argv[1], { gatewayPort: 7051 })).then(() => setInterval(() => {}, 1000))`
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', script, folder], { stdio: 'ignore' })
    const watcher = watch(join(folder, 'peerOrganizations'), () => child.kill('SIGKILL'))
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    watcher.close()
    expect(signal, 'the child was killed').to.equal('SIGKILL')
    const isThere = names().includes(org)
    const identities = await issueIdentities(folder, { gatewayPort: 7051 })
    expect(identities.issued).to.equal(!isThere)
    expect(listFiles(identities.folder)).to.deep.equal(layout)
    expect(names()).to.deep.equal([org])
  })

  it('leaves the work of a living process and foreign folders alone', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid
    const others = [`.${org}.${process.pid}.0a1b2c3d.tmp`, `.${org}.notes`, '.another.example.com.1.0a.tmp']
    for (const name of [...others, `.${org}.${gone}.0a1b2c3d.tmp`]) mkdirSync(join(folder, 'peerOrganizations', name))
    await issueIdentities(folder, { gatewayPort: 7051 })
    expect(names()).to.have.members([...others, org])
  })

  it('leaves no trace when nothing can be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    const error = await issueIdentities(join(folder, 'file'), { gatewayPort: 7051 }).catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'ENOTDIR')
  })
})
