import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { isFailure } from '../../src/errors.js'
import { createMembership } from '../../src/gateway/membership.js'
import type { IdentityCheck } from '../../src/gateway/types.js'
import { issue, makeAuthority, makeMspFolder, serialize } from './certificates.js'

const clientAuth = '1.3.6.1.5.5.7.3.2'

describe('The certificate authorities of a membership', () => {
  const folders: string[] = []
  const mspFolder = (...pems: Parameters<typeof makeMspFolder>): string => {
    const folder = makeMspFolder(...pems)
    folders.push(folder)
    return folder
  }
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

  const ca = makeAuthority('ca.org1.example.com')
  const client = issue(ca, ['client'])

  function expectRefusal(found: IdentityCheck, reason: 'malformed' | 'invalid', detail: string): void {
    expect(found).to.deep.include({ ok: false, reason })
    expect((found as IdentityCheck & { ok: false }).detail).to.include(detail)
  }

  describe('with intermediate CAs', () => {
    const root = makeAuthority('root')
    const intermediate = makeAuthority('intermediate', root)
    const own = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([root.pem], [intermediate.pem]) }])
    const at = (pem: string): IdentityCheck => own.check(serialize('Org1MSP', pem))

    it('accepts a certificate of the lowest CA', () => {
      expect(at(issue(intermediate, ['peer']).pem)).to.deep.include({ ok: true, role: 'peer' })
    })
    it('refuses a certificate of a CA that has another one below', () =>
      expectRefusal(at(issue(root, ['peer']).pem), 'invalid', 'only issues to other CAs'))
    it('refuses the certificates of both CAs', () => {
      for (const { pem } of [root, intermediate]) expectRefusal(at(pem), 'invalid', 'no identity')
    })
    it('refuses a certificate whose chain is not complete', () => {
      const stranger = makeAuthority('stranger', root)
      expectRefusal(at(issue(stranger, ['peer']).pem), 'malformed', '0 chains')
    })
    it('refuses a certificate with two chains', () => {
      const twice = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([root.pem, root.pem]) }])
      expectRefusal(twice.check(serialize('Org1MSP', issue(root, ['peer']).pem)), 'malformed', '2 chains')
    })
    it('refuses what a CA issued that may not serve', () => {
      const limited = makeAuthority('limited', undefined, { extendedKeyUsage: [clientAuth] })
      const other = createMembership([{ mspId: 'Org1MSP', mspFolder: mspFolder([limited.pem]) }])
      expectRefusal(other.check(serialize('Org1MSP', issue(limited, ['peer']).pem)), 'malformed', 'serverAuth')
    })
  })

  describe('refuses to start, naming the file,', () => {
    const create = (folder: string) => () => createMembership([{ mspId: 'Org1MSP', mspFolder: folder }])

    function expectFailure(run: () => unknown, ...parts: string[]): void {
      try {
        run()
      } catch (error) {
        expect(isFailure(error, 'IDENTITY_FILE'), String(error)).to.equal(true)
        for (const part of parts) expect((error as Error).message).to.include(part)
        return
      }
      expect.fail('nothing was thrown')
    }

    it('without a folder', () => {
      const folder = mspFolder([])
      expectFailure(create(join(folder, 'none')), join(folder, 'none', 'cacerts'), 'ENOENT')
    })
    it('without a CA certificate', () => {
      const folder = mspFolder([])
      expectFailure(create(folder), join(folder, 'cacerts'), 'holds no CA certificate')
    })
    it('with a file that holds no certificate', () => {
      const folder = mspFolder([ca.pem])
      writeFileSync(join(folder, 'cacerts', 'notes.txt'), 'not a certificate')
      expectFailure(create(folder), 'notes.txt', 'holds no certificate')
    })
    it('with a certificate that is not that of a CA', () => {
      expectFailure(create(mspFolder([client.pem])), '0-cert.pem', 'is not the certificate of a CA')
    })
    it('with a folder in the place of a certificate', () => {
      const folder = mspFolder([ca.pem])
      mkdirSync(join(folder, 'cacerts', 'old'))
      expectFailure(create(folder), join('cacerts', 'old'), 'EISDIR')
    })
  })
})
