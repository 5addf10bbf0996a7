import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { createMembership } from '../../src/gateway/membership.js'
import { loadSigningIdentity, readMspFolder } from '../../src/gateway/signing-identity.js'
import { issue, makeAuthority, makeMspFolder, serialize } from './certificates.js'

describe('A signing identity', () => {
  const ca = makeAuthority('ca.org1.example.com')
  const peer = issue(ca, ['peer'])
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  let folder: string

  const writeKey = (name: string, key = peer.privateKey): void =>
    writeFileSync(join(folder, 'keystore', name), key.export({ type: 'pkcs8', format: 'pem' }))

  function expectFailure(...parts: string[]): void {
    try {
      loadSigningIdentity(folder, 'Org1MSP')
    } catch (error) {
      expect(isFailure(error, 'IDENTITY_FILE'), String(error)).to.equal(true)
      for (const part of parts) expect((error as Error).message).to.include(part)
      return
    }
    expect.fail('nothing was thrown')
  }

  beforeEach(() => {
    folder = makeMspFolder([ca.pem])
    for (const name of ['signcerts', 'keystore']) mkdirSync(join(folder, name))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is the certificate byte for byte, and signs so that the membership verifies it', () => {
    const pem = peer.pem.replaceAll('\n', '\r\n')
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), pem)
    writeKey('priv_sk')
    const identity = loadSigningIdentity(folder, 'Org1MSP')
    expect(identity.mspId).to.equal('Org1MSP')
    expect(identity.serialized).to.deep.equal(serialize('Org1MSP', pem))
    const found = createMembership([{ mspId: 'Org1MSP', mspFolder: folder }]).check(identity.serialized)
    const message = Buffer.from('a message')
    expect(found.ok && found.verify(message, identity.sign(message))).to.equal(true)
  })

  it('takes the key that fits from several', () => {
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), peer.pem)
    writeKey('a_sk', otherKey)
    writeKey('b_sk')
    expect(readMspFolder(folder).privateKey.equals(peer.privateKey)).to.equal(true)
  })

  it('is refused without a certificate', () => expectFailure(join(folder, 'signcerts'), 'holds no certificate'))

  it('is refused without the folder of certificates', () => {
    rmSync(join(folder, 'signcerts'), { recursive: true })
    expectFailure(join(folder, 'signcerts'), 'ENOENT')
  })

  it('is refused with a file that is no certificate', () => {
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), 'garbage')
    expectFailure(join('signcerts', 'cert.pem'), 'holds no certificate')
  })

  it('is refused with a key on a curve that Fabric does not take', () => {
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), issue(ca, ['peer'], { curve: 'secp521r1' }).pem)
    expectFailure(join('signcerts', 'cert.pem'), 'P-256 or P-384')
  })

  it('is refused with a file that is no key', () => {
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), peer.pem)
    writeFileSync(join(folder, 'keystore', 'priv_sk'), 'garbage')
    expectFailure(join('keystore', 'priv_sk'), 'holds no private key')
  })

  it('is refused with the key of somebody else', () => {
    writeFileSync(join(folder, 'signcerts', 'cert.pem'), peer.pem)
    writeKey('priv_sk', otherKey)
    expectFailure(join(folder, 'keystore'), 'no key that fits')
  })
})
