import { expect } from 'chai'
import { HeaderType } from '../../proto/gen/common/common.js'
import { ChaincodeInvocationSpec, ChaincodeSpec } from '../../proto/gen/peer/chaincode.js'
import { createEndorser, type Endorser } from '../../src/gateway/endorser.js'
import { ReceivedProposal } from '../../src/gateway/proposal.js'
import type { Ledger } from '../../src/ledger/types.js'
import { silentLogger } from '../../src/log.js'
import { issueMember, type Member, memberOf } from './members.js'
import { type ProposalParts, signedProposal } from './signed-proposals.js'
import { answer, TestPeer } from './test-peer.js'

describe('proposal checks', () => {
  let peer: TestPeer
  let endorser: Endorser

  before(async () => {
    peer = await TestPeer.create()
    const { ledgers, executor, membership, signer } = peer
    endorser = createEndorser({ ledgers, executor, membership, signer, log: silentLogger() })
  })
  after(() => peer.close())
  beforeEach(() => {
    peer.chaincode = () => answer('done')
    peer.invocations.length = 0
  })
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  const propose = (parts: ProposalParts = {}, member: Member = peer.user) => {
    const signed = signedProposal(member, parts)
    return Object.assign(endorser.processProposal(new ReceivedProposal(signed)), { txId: signed.txId })
  }
  const bytes = (encoded: { finish(): Uint8Array }) => Buffer.from(encoded.finish())

  describe('refuses', () => {
    const junk = Buffer.from([0xff, 0xff])
    const cut = Buffer.from([0x0a, 0x05, 0x01])
    const denied = 'error validating proposal: access denied: channel [mychannel] creator org'
    const rows: [string, () => ProposalParts, string | RegExp, (() => Member)?][] = [
      [
        'a proposal that is cut short',
        () => ({ proposal: cut }),
        'failed parsing proposal: error unmarshalling Proposal: unexpected EOF',
      ],
      [
        'a header that is no message',
        () => ({ header: Buffer.from([0x04, 0x01]) }),
        'failed parsing header: error unmarshalling Header: proto: cannot parse invalid wire-format data',
      ],
      [
        'a signature header that is cut short',
        () => ({ signatureHeaderBytes: cut }),
        'failed parsing signature header: error unmarshalling SignatureHeader: unexpected EOF',
      ],
      [
        'a channel header that is cut short',
        () => ({ channelHeaderBytes: junk }),
        'failed parsing channel header: error unmarshalling ChannelHeader: unexpected EOF',
      ],
      [
        'a header extension that is cut short',
        () => ({ extension: cut }),
        'error unmarshalling ChaincodeHeaderExtension: unexpected EOF',
      ],
      [
        'a header extension without chaincode',
        () => ({ extension: Buffer.alloc(0) }),
        'ChaincodeHeaderExtension.ChaincodeId is nil',
      ],
      ['an empty chaincode name', () => ({ chaincode: '' }), 'ChaincodeHeaderExtension.ChaincodeId.Name is empty'],
      [
        'a payload that is cut short',
        () => ({ payload: cut }),
        'error unmarshalling ChaincodeProposalPayload: unexpected EOF',
      ],
      [
        'an invocation that is cut short',
        () => ({ input: cut }),
        'error unmarshalling ChaincodeInvocationSpec: unexpected EOF',
      ],
      [
        'an invocation without chaincode',
        () => ({ input: Buffer.alloc(0) }),
        'chaincode invocation spec did not contain chaincode spec',
      ],
      [
        'an invocation without input',
        () => ({ input: bytes(ChaincodeInvocationSpec.encode({ chaincodeSpec: ChaincodeSpec.fromPartial({}) })) }),
        'chaincode input did not contain any input',
      ],
      [
        'another header type',
        () => ({ channelHeader: { type: HeaderType.CONFIG_UPDATE } }),
        'error validating proposal: invalid header type CONFIG_UPDATE',
      ],
      [
        'a header type without a name',
        () => ({ channelHeader: { type: 77 } }),
        'error validating proposal: invalid header type 77',
      ],
      ['an epoch', () => ({ channelHeader: { epoch: 1n } }), 'error validating proposal: epoch is non-zero'],
      [
        'an empty nonce',
        () => ({ signatureHeader: { nonce: Buffer.alloc(0) } }),
        'error validating proposal: nonce is empty',
      ],
      [
        'an empty creator',
        () => ({ signatureHeader: { creator: Buffer.alloc(0) } }),
        'error validating proposal: creator is empty',
      ],
      [
        'a transaction id that is not that of nonce and creator',
        () => ({ channelHeader: { txId: 'a' } }),
        /^error validating proposal: incorrectly computed txid 'a' -- expected '[0-9a-f]{64}'$/,
      ],
      [
        'an empty signature',
        () => ({ signature: Buffer.alloc(0) }),
        'error validating proposal: empty signature bytes',
      ],
      ['a signature that is none', () => ({ signature: junk }), `${denied} [Org1MSP]`],
      [
        'the key of somebody else',
        () => ({}),
        `${denied} [Org1MSP]`,
        () => ({ ...peer.user, privateKey: peer.admin.privateKey }),
      ],
      [
        'garbage instead of an identity',
        () => ({ signatureHeader: { creator: junk } }),
        `${denied} unknown, creator is malformed`,
      ],
      [
        'garbage instead of a certificate',
        () => ({}),
        `${denied} unknown, creator is malformed`,
        () => memberOf('Org1MSP', 'no certificate', peer.user.privateKey),
      ],
      [
        'an unknown organization',
        () => ({}),
        `${denied} unknown, creator is malformed`,
        () => memberOf('Org9MSP', Buffer.from(peer.user.identity.credentials), peer.user.privateKey),
      ],
      [
        'an identity without a role',
        () => ({}),
        `${denied} [Org1MSP]`,
        () => issueMember(peer.organization, { unit: 'sales' }),
      ],
      [
        'a peer, who is no Writer',
        () => ({}),
        'Failed evaluating policy on signed data during check policy on channel [mychannel] with policy ' +
          '[/Channel/Application/Writers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, ' +
          "but this policy requires 1 of the 'Writers' sub-policies to be satisfied]",
        () => peer.peer,
      ],
    ]
    for (const [what, parts, text, member] of rows) {
      it(`${what}`, async () => {
        const { grpcError } = await propose(parts(), member?.())
        if (typeof text === 'string') expect(grpcError).to.equal(text)
        else expect(grpcError).to.match(text)
        expect(peer.invocations).to.deep.equal([])
      })
    }

    it('a transaction id that is on the ledger', async () => {
      const signed = signedProposal(peer.user)
      const committed = Object.create(peer.ledger, {
        statusOf: { value: (txId: string) => (txId === signed.txId ? { code: 0, blockNumber: 1n } : undefined) },
      }) as Ledger
      const { executor, membership, signer } = peer
      const ledgers = { get: () => committed }
      const elsewhere = createEndorser({ ledgers, executor, membership, signer, log: silentLogger() })
      const { grpcError, proposalResponse } = await elsewhere.processProposal(new ReceivedProposal(signed))
      expect(grpcError).to.equal(
        `duplicate transaction found [${signed.txId}]. Creator [${peer.user.serialized.toString('hex')}]`,
      )
      expect(proposalResponse!.response).to.deep.include({ status: 500, message: grpcError })
    })
  })

  describe('in front of it', () => {
    const nowMs = Date.UTC(2030, 0, 2, 3, 4, 5, 678)
    const at = (ms: number) => {
      const { ledgers, executor, membership, signer } = peer
      const elsewhere = createEndorser({ ledgers, executor, membership, signer, log: silentLogger(), now: () => nowMs })
      const timestamp = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 }
      const signed = signedProposal(peer.user, { channelHeader: { timestamp } })
      return elsewhere.processProposal(new ReceivedProposal(signed))
    }
    const minutes = 60_000

    for (const offset of [-15 * minutes, 0, 15 * minutes]) {
      it(`lets a clock pass that is ${offset / minutes} minutes off`, async () => {
        expect((await at(nowMs + offset)).grpcError).to.equal(undefined)
      })
    }

    it('stops a clock that is slow', async () => {
      const outcome = await at(nowMs - 15 * minutes - 1)
      expect(outcome).to.deep.equal({
        grpcError:
          'request unauthorized due to incorrect timestamp 2030-01-02T02:49:05Z, ' +
          'peer time 2030-01-02T03:04:05Z, peer.authentication.timewindow 15m0s',
      })
    })

    it('stops a clock that is fast', async () => {
      expect((await at(nowMs + 15 * minutes + 1)).grpcError).to.match(/incorrect timestamp 2030-01-02T03:19:05Z/)
    })

    it('takes no timestamp for the epoch', async () => {
      const { grpcError } = await propose({ channelHeader: { timestamp: undefined } })
      expect(grpcError).to.match(/incorrect timestamp 1970-01-01T00:00:00Z/)
    })

    it('stops a timestamp that no calendar has', async () => {
      const timestamp = { seconds: 2n ** 63n - 1n, nanos: 0 }
      const { grpcError } = await propose({ channelHeader: { timestamp } })
      expect(grpcError).to.match(/^request unauthorized due to incorrect timestamp 9223372036854776000 s, peer time/)
    })

    it('stops an expired certificate, without a response', async () => {
      const notBefore = new Date(Date.now() - 4 * minutes)
      const expired = issueMember(peer.organization, { notBefore, notAfter: new Date(Date.now() - minutes) })
      expect(await propose({}, expired)).to.deep.equal({ grpcError: 'proposal client identity expired' })
    })
  })
})
