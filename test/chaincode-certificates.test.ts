import { X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { certificateHash } from '../services/chaincode-authority.js'
import { ChaincodeCertificates } from '../src/chaincode-certificates.js'

const HOUR_MS = 60 * 60 * 1000

describe('The certificates of chaincodes', () => {
  let certificates: ChaincodeCertificates
  beforeEach(async () => {
    certificates = await ChaincodeCertificates.create(['localhost', '127.0.0.1', '::1'], 300_000)
  })
  const hashOf = async (ccid: string, holder: number | 'byHand') =>
    certificateHash((await certificates.issue(ccid, holder)).certificate)

  it("come from one authority on P-256, the listener's for its names", () => {
    const root = new X509Certificate(certificates.root)
    const server = new X509Certificate(certificates.server.certificate)
    expect(root.ca).to.equal(true)
    expect(root.publicKey.asymmetricKeyDetails?.namedCurve).to.equal('prime256v1')
    expect(server.publicKey.asymmetricKeyDetails?.namedCurve).to.equal('prime256v1')
    expect(server.verify(root.publicKey)).to.equal(true)
    expect(server.subjectAltName).to.equal('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  })

  it('are known by the hash of what openssl would hash', async () => {
    const { certificate } = await certificates.issue('cc:1.0', 1)
    const { fingerprint256 } = new X509Certificate(certificate)
    expect(certificateHash(certificate)).to.equal(fingerprint256.replaceAll(':', '').toLowerCase())
  })

  it('belong to one chaincode until its launch ends, however long that is [R-41]', async () => {
    const first = await hashOf('cc:1.0', 1)
    const second = await hashOf('cc:1.0', 2)
    expect(certificates.ccidOf(first)).to.equal('cc:1.0')
    certificates.revoke('cc:1.0', 1)
    expect(certificates.ccidOf(first)).to.equal(undefined)
    expect(certificates.ccidOf(second)).to.equal('cc:1.0')
    certificates.revoke('cc:1.0', 2)
    certificates.revoke('cc:1.0', 2)
    expect(certificates.size).to.equal(0)
  })

  it('are valid longer than a start may take, and a day before for clocks that are behind [R-41]', async () => {
    const long = await ChaincodeCertificates.create([], 48 * HOUR_MS)
    const { certificate } = await long.issue('cc:1.0', 1)
    const { validFrom, validTo } = new X509Certificate(certificate)
    expect(Date.parse(validTo)).to.be.greaterThan(Date.now() + 48 * HOUR_MS)
    expect(Date.parse(validFrom)).to.be.lessThan(Date.now() - 23 * HOUR_MS)
  })

  it('that are issued anew for a chaincode which is started by hand take the place of the former', async () => {
    const former = await hashOf('cc:1.0', 'byHand')
    const next = await hashOf('cc:1.0', 'byHand')
    expect([former, next].map((hash) => certificates.ccidOf(hash))).to.deep.equal([undefined, 'cc:1.0'])
  })
})
