import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { findConnectionInfo, plainConnection, readConnectionInfo } from '../src/connection-info.js'
import { ChaincodedError } from '../src/errors.js'
import { authority } from './fixtures/service-certificates.js'

const ca = authority('authority')
const client = ca.issue([])
const other = ca.issue([])
const tls = { address: 'cc.example.com:9999', tls_required: true, root_cert: ca.certificate }
const mutual = { ...tls, client_auth_required: true, client_cert: client.certificate, client_key: client.key }

describe('connection.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
  const file = join(folder, 'connection.json')
  after(() => rmSync(folder, { recursive: true, force: true }))

  const read = (content: unknown) => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return readConnectionInfo(file)
  }
  const errorOf = (content: unknown): ChaincodedError => {
    try {
      read(content)
    } catch (error) {
      if (error instanceof ChaincodedError) return error
      throw error
    }
    throw new Error('it was accepted')
  }

  it('needs an address only: no TLS, and three seconds to dial', () => {
    expect(read({ address: 'localhost:9999' })).to.deep.equal({
      address: 'localhost:9999',
      host: 'localhost',
      port: 9999,
      authority: 'localhost:9999',
      dialTimeoutMs: 3000,
    })
  })

  it('takes the domain for the name in the certificate with TLS and with mutual TLS, and for the authority without', () => {
    expect(read({ ...tls, domain: 'cc' })).to.deep.include({
      authority: 'cc',
      tls: { rootCert: ca.certificate, serverName: 'cc' },
    })
    expect(read({ ...mutual, domain: 'cc' }).tls).to.deep.equal({
      rootCert: ca.certificate,
      clientCert: client.certificate,
      clientKey: client.key,
      serverName: 'cc',
    })
    const plain = read({ address: 'localhost:9999', domain: 'cc' })
    expect(plain.authority).to.equal('cc')
    expect(plain).to.not.have.property('tls')
  })

  it('takes the host of the address for the name where there is no domain', () => {
    expect(read(tls).tls?.serverName).to.equal('cc.example.com')
    expect(read({ ...tls, address: '[::1]:9999' })).to.deep.include({ host: '::1', port: 9999 })
  })

  it('reads no TLS field where TLS is not asked for, and no client field where clients are not', () => {
    const rubbish = { root_cert: 'x', client_cert: 'x', client_key: 'x' }
    expect(read({ ...rubbish, address: 'a:1', client_auth_required: true })).to.not.have.property('tls')
    expect(read({ ...tls, client_cert: 'x', client_key: 'x' }).tls).to.not.have.property('clientKey')
  })

  it('reads keys as Go does: in any case, null as nothing, and others not at all', () => {
    const info = read({ Address: 'a:1', DOMAIN: 'd', dial_timeout: null, tls_required: null, more: [1] })
    expect(info).to.deep.include({ address: 'a:1', authority: 'd', dialTimeoutMs: 3000 })
  })

  it('takes the local host where the address has none, and gRPC names of resolvers', () => {
    expect(read({ address: ':9999' })).to.include({ host: 'localhost', port: 9999 })
    expect(read({ address: 'dns:///cc:9999' })).to.include({ host: 'cc', port: 9999 })
  })

  for (const [given, ms] of [
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5s', 1500],
    ['300ms', 300],
    ['1us', 1],
    ['0', 3000],
    ['0s', 3000],
    [0, 3000],
    [2_000_000_000, 2000],
    [1, 1],
    ['1000h', 2 ** 31 - 1],
  ] as const)
    it(`takes ${JSON.stringify(given)} for a dial timeout of ${ms} ms`, () => {
      expect(read({ address: 'a:1', dial_timeout: given }).dialTimeoutMs).to.equal(ms)
    })

  for (const [name, content, text] of [
    ['no JSON', '{"address": ', /^malformed chaincode info at '.*connection\.json': .*JSON/],
    ['no object', '["a:1"]', /: it has to be one JSON object$/],
    [
      'a quoted boolean',
      { address: 'a:1', tls_required: 'true' },
      /: tls_required is "true" in quotes, but it has to be true or false, without quotes$/,
    ],
    ['a boolean that is a number', { address: 'a:1', client_auth_required: 1 }, /: client_auth_required is 1, but/],
    ['an address that is a number', { address: 9999 }, /: address is 9999, but it has to be text in quotes$/],
    ['a duration with no unit', { address: 'a:1', dial_timeout: '10' }, /time: missing unit in duration "10"/],
    ['a duration that is none', { address: 'a:1', dial_timeout: 'soon' }, /time: invalid duration "soon"/],
    ['an empty duration', { address: 'a:1', dial_timeout: '' }, /time: invalid duration ""/],
    ['a duration of another type', { address: 'a:1', dial_timeout: true }, /dial_timeout: invalid duration$/],
    ['a negative duration', { address: 'a:1', dial_timeout: '-1s' }, /dial_timeout: -1s is less than nothing$/],
  ] as const)
    it(`is malformed with ${name}, and says so`, () => {
      const error = errorOf(content)
      expect(error.code).to.equal('CONNECTION_INFO_MALFORMED')
      expect(error.message).to.match(text)
    })

  for (const [name, content, text, hint] of [
    ['no address', {}, 'chaincode address not provided', /"address": "host:port"/],
    ['an empty address', { address: '' }, 'chaincode address not provided', /host:port/],
    ['an address without a port', { address: 'cc' }, 'address cc: missing port in address', /host:port/],
    ['an IPv6 address without brackets', { address: '::1:9999' }, 'too many colons in address', /brackets/],
    ['a port that is too large', { address: 'cc:70000' }, 'invalid port', /host:port/],
    ['port 0', { address: 'cc:0' }, 'port 0 cannot be dialled', /host:port/],
    ['no root certificate', { ...tls, root_cert: '' }, 'chaincode tls root cert not provided', /"root_cert"/],
    ['no client key', { ...mutual, client_key: undefined }, 'chaincode tls key not provided', /"client_key"/],
    ['no client certificate', { ...mutual, client_cert: '' }, 'chaincode tls cert not provided', /"client_cert"/],
    [
      'the path of a certificate',
      { ...tls, root_cert: '/etc/tls/ca.pem' },
      'root_cert is no PEM: it looks like the path of a file, "/etc/tls/ca.pem"',
      /PEM texts themselves/,
    ],
    [
      'base64 for a key',
      { ...mutual, client_key: Buffer.from('key material').toString('base64') },
      'client_key is no PEM: it looks like base64 without the BEGIN and END lines',
      /PEM texts themselves/,
    ],
    ['text for a key', { ...mutual, client_key: 'a key, please' }, 'client_key is no PEM: it has no BEGIN line', /PEM/],
    [
      'a damaged certificate',
      { ...tls, root_cert: ca.certificate.replace(/\n.{20}/, '\n') },
      'root_cert cannot be used: ',
      /valid certificate/,
    ],
    [
      'a key for a root certificate',
      { ...tls, root_cert: client.key },
      'root_cert holds no certificate: it begins with -----BEGIN PRIVATE KEY-----',
      undefined,
    ],
    [
      'an expired root certificate',
      { ...tls, root_cert: authority('old', { validForDays: -1 }).certificate },
      'root_cert cannot be used: it has expired: valid until ',
      /valid certificate/,
    ],
    [
      'an expired client certificate',
      (() => {
        const old = ca.issue([], -1)
        return { ...mutual, client_cert: old.certificate, client_key: old.key }
      })(),
      'client_cert cannot be used: it has expired',
      /valid certificate/,
    ],
    [
      'a key that does not fit the certificate',
      { ...mutual, client_key: other.key },
      'client_key does not belong to client_cert',
      /issued for/,
    ],
    [
      'a certificate for a key',
      { ...mutual, client_key: client.certificate },
      'client_key holds a certificate, not a private key',
      undefined,
    ],
    [
      'an encrypted key',
      {
        ...mutual,
        client_key: generateKeyPairSync('ec', {
          namedCurve: 'prime256v1',
          publicKeyEncoding: { type: 'spki', format: 'pem' },
          privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
        }).privateKey,
      },
      'client_key is encrypted with a passphrase',
      /openssl pkey/,
    ],
    [
      'a damaged key',
      { ...mutual, client_key: client.key.replace(/\n.{20}/, '\n') },
      'client_key is no private key: ',
      /PEM texts themselves/,
    ],
  ] as const)
    it(`cannot be dialled with ${name}, and says so before anything is dialled`, () => {
      const error = errorOf(content)
      expect(error.code).to.equal('CONNECTION_INFO_INVALID')
      expect(error.message).to.contain(text).and.to.contain(file)
      if (hint) expect(error.hint).to.match(hint)
    })

  it('is read from where it is, and says why it cannot be', () => {
    expect(() => readConnectionInfo(join(folder, 'none.json'))).to.throw(
      /^could not read '.*none\.json' for chaincode info: ENOENT/,
    )
  })

  it('never shows a private key in an error', () => {
    for (const content of [
      { ...mutual, client_key: other.key },
      { ...mutual, client_key: client.key.replace(/\n.{20}/, '\n') },
      { ...mutual, client_cert: 'x' },
    ]) {
      const secret = content.client_key.split('\n')[1] as string
      expect(JSON.stringify([errorOf(content).explain(), errorOf(content).facts])).to.not.contain(secret)
    }
  })

  it('is found in a chaincode folder and in what an external builder has released', () => {
    const released = join(folder, 'release')
    mkdirSync(join(released, 'chaincode', 'server'), { recursive: true })
    expect(findConnectionInfo(released)).to.equal(undefined)
    writeFileSync(join(released, 'chaincode', 'server', 'connection.json'), '{}')
    expect(findConnectionInfo(released)).to.equal(join(released, 'chaincode', 'server', 'connection.json'))
    writeFileSync(file, '{}')
    expect(findConnectionInfo(folder)).to.equal(file)
  })

  it('is made of an address alone for --address', () => {
    expect(plainConnection('127.0.0.1:9999')).to.include({ host: '127.0.0.1', port: 9999 })
    expect(() => plainConnection('9999')).to.throw(/the address cannot be dialled: .*\(--address\)/)
  })
})
