import { generateKeyPairSync } from 'node:crypto'
import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { createMembership } from '../../src/gateway/membership.js'
import { signLowS } from '../../src/gateway/signatures.js'
import type { IdentityCheck } from '../../src/gateway/types.js'
import { caNotAfter, caNotBefore, issue, makeAuthority, makeMspFolder, serialize } from './certificates.js'

const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'
const now = Date.parse('2026-06-01T00:00:00Z')

describe('Membership', () => {
  const folders: string[] = []
  const mspFolder = (...pems: Parameters<typeof makeMspFolder>): string => {
    const folder = makeMspFolder(...pems)
    folders.push(folder)
    return folder
  }
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

  const ca = makeAuthority('ca.org1.example.com')
  const client = issue(ca, ['client'])
  const membership = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([ca.pem]) }], { now: () => now })
  const check = (pem: string | Buffer, mspId = 'Org1MSP'): IdentityCheck => membership.check(serialize(mspId, pem))

  function expectMember(found: IdentityCheck, role = 'client', expired = false): void {
    expect(found).to.deep.include({ ok: true, mspId: 'Org1MSP', role, expired })
  }

  function expectRefusal(found: IdentityCheck, reason: 'malformed' | 'invalid', detail: string | RegExp): void {
    expect(found).to.deep.include({ ok: false, reason })
    expect((found as IdentityCheck & { ok: false }).detail).to.match(new RegExp(detail))
  }

  it('names its organizations', () => {
    expect(membership.mspIds).to.deep.equal(['Org1MSP'])
  })

  describe('accepts', () => {
    for (const role of ['client', 'peer', 'admin', 'orderer']) {
      it(`the role ${role} from the organizational unit`, () => expectMember(check(issue(ca, [role]).pem), role))
    }
    it('a role unit next to foreign units', () => expectMember(check(issue(ca, ['sales', 'client', 'emea']).pem)))
    it('a P-384 key', () => expectMember(check(issue(ca, ['client'], { curve: 'secp384r1' }).pem)))
    it('key usages of any kind', () =>
      expectMember(check(issue(ca, ['client'], { keyUsage: ['keyEncipherment'] }).pem)))
    it('an extended key usage with serverAuth', () =>
      expectMember(check(issue(ca, ['client'], { extendedKeyUsage: [clientAuth, serverAuth] }).pem)))
    it('an extended key usage for any purpose', () =>
      expectMember(check(issue(ca, ['client'], { extendedKeyUsage: [anyPurpose] }).pem)))
    it('a certificate that is not valid yet', () =>
      expectMember(check(issue(ca, ['client'], { notBefore: new Date('2030-01-01T00:00:00Z') }).pem)))
    it('an expired certificate, and says that it is expired', () => {
      const { pem } = issue(ca, ['client'], { notAfter: new Date('2026-01-01T00:00:00Z') })
      expectMember(check(pem), 'client', true)
      expectMember(check(pem), 'client', true)
    })
    it('CRLF line ends', () => expectMember(check(client.pem.replaceAll('\n', '\r\n'))))
    it('text before the certificate', () => expectMember(check(`subject=CN = somebody\n\n${client.pem}`)))
    it('further certificates behind the first', () => expectMember(check(client.pem + ca.pem)))
    it('a missing last newline', () => expectMember(check(client.pem.trimEnd())))
  })

  describe('takes for malformed', () => {
    it('bytes that are no SerializedIdentity', () =>
      expectRefusal(membership.check(Buffer.from([0x0a, 0xff])), 'malformed', 'no certificate'))
    it('bytes behind the message', () =>
      expectRefusal(
        membership.check(Buffer.concat([serialize('Org1MSP', client.pem), Buffer.from([0])])),
        'malformed',
        'no certificate',
      ))
    it('an empty identity', () => expectRefusal(membership.check(Buffer.alloc(0)), 'malformed', 'no PEM block'))
    it('text that is no PEM', () => expectRefusal(check('garbage'), 'malformed', 'no PEM block'))
    it('a certificate without its PEM armour', () => {
      const der = Buffer.from(client.pem.replace(/-----.*-----/g, ''), 'base64')
      expectRefusal(check(der), 'malformed', 'no PEM block')
    })
    it('a PEM block with garbage in it', () =>
      expectRefusal(check('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), 'malformed', 'no cert'))
    it('a PEM block that holds more than the certificate', () => {
      const der = Buffer.from(client.pem.replace(/-----.*-----/g, ''), 'base64')
      const base64 = Buffer.concat([der, Buffer.from([5, 0])]).toString('base64')
      const pem = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
      expectRefusal(check(pem), 'malformed', 'bytes after the certificate')
    })
    it('a first PEM block of another kind, whatever follows', () => {
      const key = client.privateKey.export({ type: 'pkcs8', format: 'pem' })
      expectRefusal(check(key + client.pem), 'malformed', 'no certificate')
    })
    it('a certificate with any byte changed, some of which OpenSSL cannot read', () => {
      const der = Buffer.from(client.pem.replace(/-----.*-----/g, ''), 'base64')
      for (let at = 0; at < der.length; at++) {
        const changed = Buffer.from(der)
        changed[at]! ^= 0x01
        const found = check(`-----BEGIN CERTIFICATE-----\n${changed.toString('base64')}\n-----END CERTIFICATE-----\n`)
        expect(found, `byte ${at}`).to.deep.include({ ok: false, reason: 'malformed' })
      }
    })
    it('an unknown MSP id', () => expectRefusal(check(client.pem, 'Org2MSP'), 'malformed', 'Org2MSP is unknown'))
    it('a certificate of another CA', () =>
      expectRefusal(check(issue(makeAuthority('other'), ['client']).pem), 'malformed', '0 chains'))
    it('a certificate of another CA with the same name', () =>
      expectRefusal(check(issue(makeAuthority('ca.org1.example.com'), ['client']).pem), 'malformed', '0 chains'))
    it('a certificate that names another issuer than the CA that signed it', () =>
      expectRefusal(check(issue({ ...ca, subject: [['CN', 'x']] }, ['client']).pem), 'malformed', '0 chains'))
    it('a certificate whose life begins before that of its CA', () => {
      const notBefore = new Date(caNotBefore.getTime() - 60_000)
      expectRefusal(
        check(issue(ca, ['client'], { notBefore }).pem),
        'malformed',
        'is not valid a second after Dec 31 23:59:00 2024',
      )
    })
    it('a certificate whose life begins after that of its CA ended', () => {
      const [notBefore, notAfter] = [caNotAfter, new Date('2040-01-01T00:00:00Z')]
      expectRefusal(
        check(issue(ca, ['client'], { notBefore, notAfter }).pem),
        'malformed',
        'is not valid a second after Jan  1 00:00:00 2035',
      )
    })
    it('an extended key usage of clientAuth alone', () =>
      expectRefusal(check(issue(ca, ['client'], { extendedKeyUsage: [clientAuth] }).pem), 'malformed', 'serverAuth'))
    it('a key on another curve', () =>
      expectRefusal(check(issue(ca, ['client'], { curve: 'secp521r1' }).pem), 'malformed', 'P-256 or P-384'))
  })

  describe('takes for invalid', () => {
    it('a certificate without a unit', () => expectRefusal(check(issue(ca, []).pem), 'invalid', 'exactly one'))
    it('a certificate with foreign units only', () =>
      expectRefusal(check(issue(ca, ['sales']).pem), 'invalid', 'exactly one'))
    it('a unit that differs from a role in its case', () =>
      expectRefusal(check(issue(ca, ['Client']).pem), 'invalid', 'exactly one'))
    it('a certificate with two role units', () =>
      expectRefusal(check(issue(ca, ['client', 'admin']).pem), 'invalid', 'exactly one'))
    it('the same role unit twice', () =>
      expectRefusal(check(issue(ca, ['client', 'client']).pem), 'invalid', 'exactly one'))
    it('the certificate of the CA itself', () => expectRefusal(check(ca.pem), 'invalid', 'no identity'))
  })

  it('verifies signatures of the identity over the bytes given, and refuses others', () => {
    const found = check(client.pem)
    if (!found.ok) throw new Error(found.detail)
    const message = Buffer.from('bytes as received')
    expect(found.verify(message, signLowS(client.privateKey, message))).to.equal(true)
    expect(found.verify(Buffer.from('others'), signLowS(client.privateKey, message))).to.equal(false)
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
    expect(found.verify(message, signLowS(other, message))).to.equal(false)
  })

  it('tells the expiry of a remembered identity by the clock of the moment', () => {
    let time = caNotAfter.getTime()
    const own = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([ca.pem]) }], { now: () => time })
    expectMember(own.check(serialize('Org1MSP', client.pem)))
    time += 1
    expectMember(own.check(serialize('Org1MSP', client.pem)), 'client', true)
  })

  it('remembers as many identities as it may, the latest used, and no refused ones', () => {
    const own = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([ca.pem]) }], {
      now: () => now,
      cacheLimit: 2,
    })
    const [first, second, third] = ['client', 'peer', 'admin'].map((unit) =>
      serialize('Org1MSP', issue(ca, [unit]).pem),
    )
    const remembered = own.check(first!)
    own.check(second!)
    expect(own.check(first!), 'kept').to.equal(remembered)
    own.check(third!)
    expect(own.check(first!), 'kept, since used after the second').to.equal(remembered)
    for (let index = 0; index < 3; index++) own.check(Buffer.from(`garbage ${index}`))
    own.check(serialize('Org1MSP', ca.pem))
    expect(own.check(first!), 'kept, since refused identities take no room').to.equal(remembered)
    own.check(second!)
    own.check(third!)
    expect(own.check(first!), 'forgotten').to.not.equal(remembered)
  })

  it('takes an identity of any length, but remembers no very long one', () => {
    const long = serialize('Org1MSP', `${'#'.repeat(20_000)}\n${client.pem}`)
    expectMember(membership.check(long))
    expect(membership.check(long)).to.not.equal(membership.check(long))
  })
})
