import { expect } from 'chai'
import { ChannelHeader, Header, HeaderType, Payload, SignatureHeader } from '../../proto/gen/common/common.js'
import { GatewayService, type SubmitRequest } from '../../proto/gen/gateway/gateway.js'
import { issueMember, type Member } from './members.js'
import { signedEnvelope } from './signed-proposals.js'
import { TestPeer } from './test-peer.js'
import { computeTxId } from '../../src/gateway/validate-envelope.js'
import { TxValidationCode } from '../../proto/gen/peer/transaction.js'

describe('submit, asked without an SDK', () => {
  let peer: TestPeer

  before(async () => {
    peer = await TestPeer.create()
    await peer.serve()
  })
  after(() => peer.close())

  const cut = Buffer.from([0x0a, 0x05, 0x01])
  const refused = (request: Partial<SubmitRequest>) =>
    peer.refusalOf(GatewayService.submit, { transactionId: '', channelId: 'mychannel', ...request })
  const envelope = (
    { member = peer.user, ...header }: Partial<ChannelHeader> & { member?: Member } = {},
    signatureHeader = Buffer.from(
      SignatureHeader.encode({ creator: member.serialized, nonce: Buffer.from('n') }).finish(),
    ),
  ) => {
    const type = HeaderType.ENDORSER_TRANSACTION
    const channelHeader = ChannelHeader.fromPartial({ type, channelId: 'mychannel', ...header })
    const headers = Header.fromPartial({
      channelHeader: Buffer.from(ChannelHeader.encode(channelHeader).finish()),
      signatureHeader,
    })
    const payload = Payload.encode({ header: headers, data: Buffer.alloc(0) }).finish()
    return signedEnvelope(member, Buffer.from(payload))
  }
  const orderer = 'ABORTED received unsuccessful response from orderer: status='

  it('refuses a request without a transaction', async () => {
    expect(await refused({})).to.equal('INVALID_ARGUMENT a prepared transaction is required')
  })

  it('refuses a transaction without a signature', async () => {
    const unsigned = { ...envelope(), signature: Buffer.alloc(0) }
    expect(await refused({ preparedTransaction: unsigned })).to.equal(
      'INVALID_ARGUMENT prepared transaction must be signed',
    )
  })

  it('refuses an unknown channel', async () => {
    expect(await refused({ channelId: 'nochan', preparedTransaction: envelope() })).to.equal(
      'FAILED_PRECONDITION failed to get config for channel [nochan]: could not get last config for channel nochan',
    )
  })

  it('refuses an unknown channel inside the envelope', async () => {
    expect(await refused({ preparedTransaction: envelope({ channelId: 'nochan' }) })).to.equal(
      `${orderer}BAD_REQUEST, info=channel does not exist`,
    )
  })

  for (const [what, payload, info] of [
    ['a payload that is cut short', cut, 'could not determine channel ID: error unmarshalling Payload: unexpected EOF'],
    ['a payload without a header', Buffer.from([0x12, 0]), 'could not determine channel ID: header not set'],
    ['an empty header', Buffer.from([0x0a, 0]), 'could not determine channel ID: channel header not set'],
    [
      'a channel header that is cut short',
      Buffer.from([0x0a, 4, 0x0a, 2, 0x0a, 5]),
      'could not determine channel ID: error unmarshalling ChannelHeader: unexpected EOF',
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await refused({ preparedTransaction: signedEnvelope(peer.user, payload) })).to.equal(
        `${orderer}BAD_REQUEST, info=${info}`,
      )
    })
  }

  it('refuses a signature header that is cut short', async () => {
    expect(await refused({ preparedTransaction: envelope({}, cut) })).to.equal(
      `${orderer}BAD_REQUEST, info=could not convert message to signedData: ` +
        'error unmarshalling SignatureHeader: unexpected EOF',
    )
  })

  for (const [type, info] of [
    [HeaderType.CONFIG, 'message is of type that cannot be processed directly'],
    [HeaderType.CONFIG_UPDATE, 'error applying config update: the configuration of this network is fixed'],
    [HeaderType.ORDERER_TRANSACTION, 'message is of type that is no longer supported'],
  ] as const) {
    it(`refuses the message type ${HeaderType[type]}`, async () => {
      expect(await refused({ preparedTransaction: envelope({ type }) })).to.equal(`${orderer}BAD_REQUEST, info=${info}`)
    })
  }

  it('refuses a peer, who is no Writer', async () => {
    expect(await refused({ preparedTransaction: envelope({ member: peer.peer }) })).to.equal(
      `${orderer}FORBIDDEN, info=implicit policy evaluation failed - 0 sub-policies were satisfied, ` +
        "but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied",
    )
  })

  it('refuses an expired certificate', async () => {
    const minute = 60_000
    const member = issueMember(peer.organization, {
      notBefore: new Date(Date.now() - 3 * minute),
      notAfter: new Date(Date.now() - minute),
    })
    expect(await refused({ preparedTransaction: envelope({ member }) })).to.equal(
      `${orderer}BAD_REQUEST, info=broadcast client identity expired`,
    )
  })

  it('takes a well-signed envelope whose content is nonsense, as an orderer does; its commit tells', async () => {
    const txId = computeTxId(Buffer.from('n'), peer.user.serialized)
    expect(await refused({ preparedTransaction: envelope({ txId }) })).to.equal(undefined)
    const { code } = await peer.ledger.whenCommitted(txId)
    expect(code).to.equal(TxValidationCode.INVALID_ENDORSER_TRANSACTION)
  })
})
