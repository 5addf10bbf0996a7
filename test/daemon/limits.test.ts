import { expect } from 'chai'
import { TestDaemons, rejection } from '../fixtures/embedded-daemon.js'
import { fixture } from '../fixtures/start-chaincode.js'

const daemons = new TestDaemons()

describe('A daemon that knows as many chaincodes as it may', () => {
  afterEach(() => daemons.closeAll())

  it('refuses one more with the limit and its key, and keeps nothing of it; one that it knows may come again', async () => {
    const daemon = await daemons.start({ 'chaincode.mode': 'dev', 'chaincoded.limits.chaincodes': 1 })
    await daemon.deployFixture('kv', { name: 'first' })
    const error = await rejection(daemon.deploy({ path: fixture('kv'), name: 'second' }))
    expect(error.message).to.equal('chaincode second:1.0 is one too many: 1 are known (chaincoded.limits.chaincodes)')
    await daemon.deployFixture('kv', { name: 'first' })
    expect((await daemon.list()).map(({ ccid }) => ccid)).to.deep.equal(['first:1.0'])
  })
})
