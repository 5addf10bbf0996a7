import { spawnSync } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { AsnConvert } from '@peculiar/asn1-schema'
import { AuthorityKeyIdentifier, Certificate, KeyUsage, SubjectKeyIdentifier } from '@peculiar/asn1-x509'
import { expect } from 'chai'
import { issueIdentities, type OrganizationIdentities } from '../../services/issue-identities.js'
import { admin, org, peer, user } from './identity-files.js'

describe('The certificates of an organization', () => {
  let folder: string
  let identities: OrganizationIdentities
  const pathOf = (path: string): string => join(folder, 'peerOrganizations', org, path)
  const certificateOf = (path: string): X509Certificate => new X509Certificate(readFileSync(pathOf(path)))

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'identities-'))
    identities = await issueIdentities(folder, { gatewayPort: 7051 })
  })
  after(() => rmSync(folder, { recursive: true }))

  const [ca, tlsca] = ['ca', 'tlsca'].map((name) => `${name}/${name}.${org}-cert.pem`) as [string, string]
  const place = 'C=US\nST=California\nL=San Francisco\n'
  const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']
  const tlsUsages = ['digitalSignature', 'keyEncipherment']
  const table = [
    {
      path: ca,
      key: 'ca/priv_sk',
      issuer: ca,
      subject: `${place}O=${org}\nCN=ca.${org}`,
      isCa: true,
      usages: [...tlsUsages, 'keyCertSign', 'crlSign'],
      tls: true,
    },
    {
      path: tlsca,
      key: 'tlsca/priv_sk',
      issuer: tlsca,
      subject: `${place}O=${org}\nCN=tlsca.${org}`,
      isCa: true,
      usages: [...tlsUsages, 'keyCertSign', 'crlSign'],
      tls: true,
    },
    ...(
      [
        [peer, `peer0.${org}`, 'peer', 'server'],
        [user, `User1@${org}`, 'client', 'client'],
        [admin, `Admin@${org}`, 'admin', 'client'],
      ] as const
    ).flatMap(([member, name, unit, tls]) => [
      {
        path: `${member}/msp/signcerts/cert.pem`,
        key: `${member}/msp/keystore/priv_sk`,
        issuer: ca,
        subject: `${place}OU=${unit}\nCN=${name}`,
        isCa: false,
        usages: ['digitalSignature'],
        tls: false,
      },
      {
        path: `${member}/tls/${tls}.crt`,
        key: `${member}/tls/${tls}.key`,
        issuer: tlsca,
        subject: `${place}CN=${name}`,
        isCa: false,
        usages: tlsUsages,
        tls: true,
      },
    ]),
  ]

  for (const { path, key, issuer, subject, isCa, usages, tls } of table) {
    it(`${path} as Fabric wants it`, () => {
      const certificate = certificateOf(path)
      const authority = certificateOf(issuer)
      expect(certificate.subject).to.equal(subject)
      expect(certificate.checkIssued(authority)).to.equal(true)
      expect(certificate.verify(authority.publicKey)).to.equal(true)
      expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(pathOf(key))))).to.equal(true)
      expect(readFileSync(pathOf(key), 'utf8')).to.match(/^-----BEGIN PRIVATE KEY-----\n/)
      expect(certificate.publicKey.asymmetricKeyDetails).to.deep.equal({ namedCurve: 'prime256v1' })
      expect(certificate.ca).to.equal(isCa)
      expect(certificate.keyUsage, 'extended key usage').to.deep.equal(tls ? [serverAuth, clientAuth] : undefined)

      const { extensions, version } = AsnConvert.parse(certificate.raw, Certificate).tbsCertificate
      expect(version).to.equal(2)
      const valueOf = (oid: string) => extensions!.find(({ extnID }) => extnID === oid)?.extnValue.buffer
      expect(AsnConvert.parse(valueOf('2.5.29.15')!, KeyUsage).toJSON()).to.have.members(usages)
      const critical = extensions!.filter((extension) => extension.critical).map(({ extnID }) => extnID)
      expect(critical, 'basic constraints and key usage').to.have.members(['2.5.29.19', '2.5.29.15'])
      const point = authority.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
      const identifier = createHash('sha256').update(point).digest('hex')
      const hex = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString('hex')
      if (isCa) {
        expect(hex(AsnConvert.parse(valueOf('2.5.29.14')!, SubjectKeyIdentifier).buffer)).to.equal(identifier)
      } else {
        const found = AsnConvert.parse(valueOf('2.5.29.35')!, AuthorityKeyIdentifier)
        expect(hex(found.keyIdentifier!.buffer)).to.equal(identifier)
      }
    })
  }

  it('for ten years from five minutes ago, no member before its CA', () => {
    const caNotBefore = Date.parse(certificateOf(ca).validFrom)
    expect(Date.now() - caNotBefore).to.be.within(5 * 60_000, 10 * 60_000)
    for (const { path } of table) {
      const { validFrom, validTo } = certificateOf(path)
      expect(Date.parse(validFrom), path).to.be.at.least(caNotBefore)
      const end = new Date(validFrom)
      end.setUTCFullYear(end.getUTCFullYear() + 10)
      expect(new Date(validTo), path).to.deep.equal(end)
    }
  })

  it('what OpenSSL verifies, for a server under its names too', function () {
    if (spawnSync('openssl', ['version']).status !== 0) this.skip()
    const verify = (authority: string, ...rest: string[]) =>
      spawnSync('openssl', ['verify', '-CAfile', pathOf(authority), ...rest], { encoding: 'utf8' })
    for (const { path, issuer } of table) {
      expect(verify(issuer, pathOf(path)), path).to.include({ status: 0, stdout: `${pathOf(path)}: OK\n` })
    }
    const server = pathOf(`${peer}/tls/server.crt`)
    for (const name of [`peer0.${org}`, 'peer0', 'localhost']) {
      const run = verify(tlsca, '-purpose', 'sslserver', '-verify_hostname', name, server)
      expect(run.status, run.stderr).to.equal(0)
    }
    const byAddress = verify(tlsca, '-purpose', 'sslserver', '-verify_ip', '127.0.0.1', server)
    expect(byAddress.status, byAddress.stderr).to.equal(0)
    expect(verify(tlsca, '-verify_hostname', 'elsewhere', server).status).to.not.equal(0)
  })

  it('a certificate that TLS clients of the peer accept by name and address', async () => {
    const { ca: tlsCa, certificate, key } = identities.tls
    const server = createServer({ cert: certificate, key }, (socket) => socket.end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as { port: number }
      for (const servername of [`peer0.${org}`, 'localhost', undefined]) {
        const socket = connect({ host: '127.0.0.1', port, ca: tlsCa, servername })
        await once(socket, 'secureConnect')
        expect(socket.authorized).to.equal(true)
        socket.destroy()
      }
    } finally {
      server.close()
      await once(server, 'close')
    }
  })
})
