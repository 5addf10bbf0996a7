import { expect } from 'chai'
import { FakePeer, type FakeStream } from '../fixtures/fake-peer.js'
import { example, TestProcesses } from '../fixtures/start-chaincode.js'

describe('the example asset-transfer', () => {
  const processes = new TestProcesses()
  let peer: FakePeer
  let stream: FakeStream

  before(async () => {
    peer = await FakePeer.start()
    await processes.startChaincode(example('asset-transfer'), peer.address)
    stream = await peer.ready()
  })
  after(async () => {
    peer.close()
    await processes.end()
  })

  const call = async (...args: string[]) => {
    const { status, payload, message } = await peer.execute(stream, ...args)
    expect(message).to.equal('')
    expect(status).to.equal(200)
    return payload === '' ? undefined : (JSON.parse(payload) as unknown)
  }
  const failure = async (...args: string[]) => {
    const { status, message } = await peer.execute(stream, ...args)
    expect(status).to.equal(500)
    return message
  }

  const blue = { id: 'a1', color: 'blue', size: 5, owner: 'Tomoko', value: 300 }

  it('creates an asset, returns it, and reads it again', async () => {
    expect(await call('CreateAsset', 'a1', 'blue', '5', 'Tomoko', '300')).to.deep.equal(blue)
    expect(await call('ReadAsset', 'a1')).to.deep.equal(blue)
    expect(await call('AssetExists', 'a1')).to.equal(true)
    expect(await call('AssetExists', 'a2')).to.equal(false)
  })

  it('refuses a second asset of the same id and one without an id', async () => {
    expect(await failure('CreateAsset', 'a1', 'red', '1', 'Max', '1')).to.equal('asset a1 already exists')
    expect(await failure('CreateAsset', '', 'red', '1', 'Max', '1')).to.equal('an asset needs an id')
  })

  it('says which argument is no number', async () => {
    expect(await failure('CreateAsset', 'a9', 'red', 'big', 'Max', '1')).to.equal(
      'size has to be a whole number, not "big"',
    )
    expect(await failure('UpdateAsset', 'a1', 'red', '1', 'Max', '-1')).to.equal(
      'value has to be a whole number, not "-1"',
    )
  })

  for (const args of [
    ['ReadAsset'],
    ['UpdateAsset', 'red', '1', 'Max', '1'],
    ['TransferAsset', 'Max'],
    ['DeleteAsset'],
  ])
    it(`says in ${args[0]} that an asset does not exist`, async () => {
      const [name, ...rest] = args as [string, ...string[]]
      expect(await failure(name, 'nobody', ...rest)).to.equal('asset nobody does not exist')
    })

  it('updates an asset', async () => {
    const red = { id: 'a1', color: 'red', size: 6, owner: 'Max', value: 7 }
    expect(await call('UpdateAsset', 'a1', 'red', '6', 'Max', '7')).to.deep.equal(red)
    expect(await call('ReadAsset', 'a1')).to.deep.equal(red)
  })

  it('transfers an asset, answers the old owner, and sets an event', async () => {
    const outcome = await peer.execute(stream, 'TransferAsset', 'a1', 'Brad')
    expect(outcome.payload).to.equal('Max')
    expect(outcome.event?.name).to.equal('AssetTransferred')
    expect(JSON.parse(outcome.event!.payload)).to.deep.equal({ id: 'a1', from: 'Max', to: 'Brad' })
    expect(await call('ReadAsset', 'a1')).to.include({ owner: 'Brad', color: 'red' })
  })

  it('lists all assets in the order of their ids', async () => {
    await call('CreateAsset', 'a0', 'green', '1', 'Jin', '2')
    const all = (await call('GetAllAssets')) as { id: string }[]
    expect(all.map(({ id }) => id)).to.deep.equal(['a0', 'a1'])
  })

  it('shows the history of an asset, newest first, with its deletion', async () => {
    expect(await call('DeleteAsset', 'a0')).to.equal(undefined)
    const history = (await call('GetAssetHistory', 'a0')) as Record<string, unknown>[]
    expect(history.map(({ isDelete }) => isDelete)).to.deep.equal([true, false])
    expect(history[0]!['asset']).to.equal(null)
    expect(history[1]!['asset']).to.include({ id: 'a0', owner: 'Jin' })
    expect(Date.parse(history[0]!['timestamp'] as string)).to.be.greaterThan(Date.parse('2020-01-01'))
  })

  it('says which function does not exist', async () => {
    expect(await failure('StealAsset', 'a1')).to.match(/function that does not exist: StealAsset/)
  })
})
