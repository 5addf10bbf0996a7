import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { IdentityFileError } from '../../services/identity-layout.js'
import { issueIdentities, type OrganizationIdentities } from '../../services/issue-identities.js'
import { admin, layout, listFiles, org, peer, user } from './identity-files.js'

describe('Identities that are there already', () => {
  let folder: string
  const root = (): string => join(folder, 'peerOrganizations', org)
  const pathOf = (path: string): string => join(root(), path)
  const again = (gatewayPort = 7051, options = {}): Promise<OrganizationIdentities> =>
    issueIdentities(folder, { gatewayPort, ...options })

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'identities-'))
    await again()
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are used again as they are', async () => {
    const contents = () =>
      layout.filter((path) => !path.endsWith('/')).map((path) => readFileSync(pathOf(path), 'utf8'))
    const before = contents()
    const identities = await again()
    expect(identities.issued).to.equal(false)
    expect(contents()).to.deep.equal(before)
    expect(identities.tls.key).to.deep.equal(readFileSync(pathOf(`${peer}/tls/server.key`)))
  })

  it('get new connection profiles when the port changes, at the start or later', async () => {
    const portOf = (): string => /localhost:(\d+)"/.exec(readFileSync(pathOf('connection-org1.json'), 'utf8'))![1]!
    const identities = await again(7151)
    expect(portOf()).to.equal('7151')
    await identities.writeConnectionProfiles(7251)
    expect(portOf()).to.equal('7251')
    expect(readFileSync(pathOf('connection-org1.yaml'), 'utf8')).to.include('grpcs://localhost:7251\n')
    expect(listFiles(root())).to.deep.equal(layout)
  })

  it('get new connection profiles when those are gone', async () => {
    for (const name of ['json', 'yaml']) rmSync(pathOf(`connection-org1.${name}`))
    await again()
    expect(listFiles(root())).to.deep.equal(layout)
  })

  async function expectProblem(path: string, problem: string, options = {}): Promise<void> {
    const error = await again(7051, options).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(IdentityFileError)
    expect((error as IdentityFileError).file).to.equal(pathOf(path))
    expect((error as IdentityFileError).problem).to.include(problem)
    expect((error as Error).message).to.equal(`${pathOf(path)}: ${(error as IdentityFileError).problem}`)
  }

  for (const path of layout.filter((name) => !/connection-|\/$/.test(name))) {
    it(`are refused without ${path}`, async () => {
      rmSync(pathOf(path))
      await expectProblem(path, 'is missing')
    })
  }

  it('are refused with a file that cannot be read', async () => {
    rmSync(pathOf('ca/priv_sk'))
    mkdirSync(pathOf('ca/priv_sk'))
    await expectProblem('ca/priv_sk', 'cannot be read: EISDIR')
  })

  it('are refused with a certificate or key cut short', async () => {
    const cut = (path: string): void => writeFileSync(pathOf(path), readFileSync(pathOf(path)).subarray(0, 100))
    cut(`${peer}/tls/server.key`)
    await expectProblem(`${peer}/tls/server.key`, 'holds no private key')
    cut(`${peer}/tls/server.crt`)
    await expectProblem(`${peer}/tls/server.crt`, 'holds no certificate')
  })

  it('are refused with copies that differ', async () => {
    writeFileSync(pathOf(`${user}/msp/signcerts/cert.pem`), readFileSync(pathOf(`${admin}/msp/signcerts/cert.pem`)))
    await expectProblem(`${user}/msp/signcerts/cert.pem`, `differs from ${user}/msp/signcerts/User1@${org}-cert.pem`)
  })

  it('are refused with a key that belongs to another certificate', async () => {
    writeFileSync(pathOf(`${peer}/tls/server.key`), readFileSync(pathOf(`${user}/tls/client.key`)))
    await expectProblem(`${peer}/tls/server.key`, `does not fit ${pathOf(`${peer}/tls/server.crt`)}`)
  })

  it('are refused with a certificate of another CA', async () => {
    writeFileSync(pathOf(`${peer}/tls/server.crt`), readFileSync(pathOf(`${peer}/msp/signcerts/cert.pem`)))
    await expectProblem(`${peer}/tls/server.crt`, 'was not issued by the key of tlsca/')
  })

  it('are refused when the server certificate lacks a name that is asked for', async () => {
    await expectProblem(`${peer}/tls/server.crt`, 'not valid for the name peer.test', {
      tlsNames: ['localhost', 'peer.test'],
    })
    await expectProblem(`${peer}/tls/server.crt`, 'not valid for the name 10.0.0.1', { tlsNames: ['10.0.0.1'] })
  })
})
