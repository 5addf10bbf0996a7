import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  Block,
  ChannelHeader,
  Envelope,
  HeaderType,
  Metadata,
  OrdererBlockMetadata,
  Payload,
  SignatureHeader,
} from '../../proto/gen/common/common.js'
import { commitHash, dataHash, headerBytes, headerHash, makeBlock } from '../../src/ledger/block.js'
import { Bench, CHANNEL, NAMESPACE } from './support.js'

interface Vectors {
  headers: { number: number; prev: string; data: string; asn1: string; hash: string }[]
  blocks: Record<string, string>
}
const vectors = JSON.parse(readFileSync(new URL('fabric-blocks.json', import.meta.url), 'utf8')) as Vectors
const fromHex = (text: string): Buffer => Buffer.from(text, 'hex')

describe('A block', () => {
  it('has the header bytes and the hash that Fabric gives it', () => {
    expect(vectors.headers).to.have.length(6)
    for (const { number, prev, data, asn1, hash } of vectors.headers) {
      const header = { number: BigInt(number), previousHash: fromHex(prev), dataHash: fromHex(data) }
      expect(headerBytes(header).toString('hex')).to.equal(asn1)
      expect(headerHash(header).toString('hex')).to.equal(hash)
    }
  })

  it('writes its number as the shortest signed integer of DER', () => {
    const numberBytes = (number: bigint): string =>
      headerBytes({ number, previousHash: Buffer.alloc(0), dataHash: Buffer.alloc(0) })
        .subarray(2, -4)
        .toString('hex')
    expect([0n, 127n, 128n, 255n, 256n, 32768n, 2n ** 47n].map(numberBytes)).to.deep.equal([
      '020100',
      '02017f',
      '02020080',
      '020200ff',
      '02020100',
      '0203008000',
      '020700800000000000',
    ])
  })

  for (const number of ['13', '21', '40'])
    it(`has the data hash of Fabric's block ${number}, and its bytes where no orderer signs`, () => {
      const block = Block.decode(Buffer.from(vectors.blocks[number]!, 'base64'))
      const envelopes = block.data!.data
      const filter = block.metadata!.metadata[2]!
      const chained = Metadata.decode(block.metadata!.metadata[4]!).value
      expect(dataHash(envelopes)).to.deep.equal(block.header!.dataHash)

      const signatures = Metadata.decode(block.metadata!.metadata[0]!)
      const { lastConfig } = OrdererBlockMetadata.decode(signatures.value)
      block.metadata!.metadata[0] = Buffer.from(
        Metadata.encode({
          value: Buffer.from(
            OrdererBlockMetadata.encode({ lastConfig: { index: 0n }, consenterMetadata: Buffer.alloc(0) }).finish(),
          ),
          signatures: [],
        }).finish(),
      )
      expect(lastConfig, 'what is replaced was there').to.not.equal(undefined)
      const made = makeBlock({
        number: Number(number),
        previousHash: block.header!.previousHash,
        envelopes,
        codes: [...filter],
        commitHash: chained,
      })
      expect(made.bytes).to.deep.equal(Buffer.from(Block.encode(block).finish()))
      expect(made.hash).to.deep.equal(headerHash(block.header!))
    })

  it('chains commit hashes over the filter, what valid transactions did, and the hash before', () => {
    const sha = (text: string): string => createHash('sha256').update(Buffer.from(text, 'hex')).digest('hex')
    expect(commitHash(fromHex('000b'), [fromHex('aa'), fromHex('bb')], fromHex('cc')).toString('hex')).to.equal(
      sha('02000baabbcc'),
    )
    expect(commitHash(Buffer.alloc(300), [], Buffer.alloc(0)).toString('hex')).to.equal(sha(`ac02${'00'.repeat(300)}`))
  })

  describe('of a channel', () => {
    let bench: Bench
    beforeEach(async () => {
      bench = await Bench.start()
    })
    afterEach(() => bench.stop())

    const blockAt = async (number: bigint): Promise<Block> => Block.decode((await bench.ledger.getBlock(number))!)

    it('with number 0 holds an unsigned CONFIG envelope', async () => {
      expect(bench.ledger.height).to.equal(1n)
      const { header, data, metadata } = await blockAt(0n)
      expect(header).to.deep.include({ number: 0n, previousHash: Buffer.alloc(0) })
      expect(data!.data).to.have.length(1)
      const envelope = Envelope.decode(data!.data[0]!)
      expect(envelope.signature).to.have.length(0)
      const payload = Payload.decode(envelope.payload)
      const channelHeader = ChannelHeader.decode(payload.header!.channelHeader)
      const { nonce, creator } = SignatureHeader.decode(payload.header!.signatureHeader)
      expect(channelHeader).to.deep.include({ type: HeaderType.CONFIG, channelId: CHANNEL, epoch: 0n })
      expect([nonce.length, creator.length]).to.deep.equal([24, 0])
      expect(channelHeader.txId).to.equal(createHash('sha256').update(nonce).digest('hex'))
      expect(metadata!.metadata.map((entry) => entry.length)).to.deep.equal([4, 0, 1, 0, 0])
      expect(bench.ledger.statusOf(channelHeader.txId)).to.deep.equal({ code: 0, blockNumber: 0n })
    })

    it('follows on the block before it, and keeps invalid envelopes with their codes', async () => {
      const envelopes = [
        await bench.simulate((simulator) => simulator.setState(NAMESPACE, 'a', Buffer.from('1'))),
        await bench.simulate((simulator) => {
          simulator.getState(NAMESPACE, 'a')
        }),
        await bench.simulate(() => undefined, 'code-10-policy'),
        Buffer.from('garbage'),
      ]
      expect(await bench.block(...envelopes)).to.deep.equal([0, 11, 10, 255])
      await bench.put({ a: '2' })
      const [genesis, first, second] = [await blockAt(0n), await blockAt(1n), await blockAt(2n)]
      expect(first.data!.data).to.deep.equal(envelopes)
      expect([...first.metadata!.metadata[2]!]).to.deep.equal([0, 11, 10, 255])
      expect(first.metadata!.metadata.map((entry) => entry.length)).to.deep.equal([4, 0, 4, 0, 34])
      expect(first.header!.dataHash).to.deep.equal(dataHash(envelopes))
      expect(first.header!.previousHash).to.deep.equal(headerHash(genesis.header!))
      expect(second.header!.previousHash).to.deep.equal(headerHash(first.header!))
      const hashes = [first, second].map((block) => Metadata.decode(block.metadata!.metadata[4]!).value)
      const results = await bench.read((simulator) => {
        simulator.setState(NAMESPACE, 'a', Buffer.from('2'))
        return simulator.getTxSimulationResults()
      })
      expect(hashes[1]).to.deep.equal(commitHash(Buffer.of(0), [results], hashes[0]!))
    })

    it('is undefined beyond the height, and below zero', async () => {
      expect(await bench.ledger.getBlock(1n)).to.equal(undefined)
      expect(await bench.ledger.getBlock(-1n)).to.equal(undefined)
      expect(await bench.ledger.getBlock(2n ** 64n - 1n)).to.equal(undefined)
    })
  })
})
