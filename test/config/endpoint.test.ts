import { expect } from 'chai'
import { chaincodeEndpoint, resolveConfig, type Overrides } from '../../src/config.js'

const endpoint = async (overrides: Overrides, boundPort?: number) =>
  chaincodeEndpoint((await resolveConfig({ dataDir: '.', overrides })).config, boundPort)

describe('the address that chaincodes are given', () => {
  const rows: [string, Overrides, string][] = [
    ['the listen address by default', {}, '127.0.0.1:7052'],
    ['peer.chaincodeAddress where it is set', { 'peer.chaincodeAddress': 'peer0:9052' }, 'peer0:9052'],
    ['a specific listen address', { 'peer.chaincodeListenAddress': '10.0.0.2:9052' }, '10.0.0.2:9052'],
    [
      "the peer's host in place of an unspecified listen host",
      { 'peer.chaincodeListenAddress': '0.0.0.0:9052', 'peer.address': 'peer0:7051' },
      'peer0:9052',
    ],
    [
      "the peer's host in place of an unspecified IPv6 host",
      { 'peer.chaincodeListenAddress': '[::]:9052', 'peer.address': '[fe80::1]:7051' },
      '[fe80::1]:9052',
    ],
  ]
  for (const [what, overrides, address] of rows) {
    it(`is ${what}`, async () => {
      expect(await endpoint(overrides)).to.deep.equal({ address })
    })
  }

  it('has the real port where the listener took a free one', async () => {
    expect(await endpoint({ 'peer.chaincodeListenAddress': '127.0.0.1:0' }, 4711)).to.deep.equal({
      address: '127.0.0.1:4711',
    })
  })

  const wrong: [Overrides, string][] = [
    [{ 'peer.chaincodeAddress': '0.0.0.0:7052' }, 'invalid endpoint for chaincode to connect'],
    [{ 'peer.chaincodeAddress': 'peer0' }, 'address peer0: missing port in address'],
    [
      { 'peer.chaincodeListenAddress': '0.0.0.0:7052', 'peer.address': '0.0.0.0:7051' },
      'invalid endpoint for chaincode to connect',
    ],
  ]
  for (const [overrides, message] of wrong) {
    it(`cannot be made of ${JSON.stringify(overrides)}, except in dev mode with a warning`, async () => {
      let thrown: unknown
      await endpoint(overrides).catch((error: unknown) => (thrown = error))
      expect(thrown).to.include({ code: 'CHAINCODE_ENDPOINT_INVALID', message })
      expect(await endpoint({ ...overrides, 'chaincode.mode': 'dev' })).to.deep.equal({
        address: '0.0.0.0:7052',
        warning: `use 0.0.0.0:7052 as chaincode endpoint because of error in computeChaincodeEndpoint: ${message}`,
      })
    })
  }
})
