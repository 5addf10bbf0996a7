import { createHash, X509Certificate } from 'node:crypto'
import { expect } from 'chai'
import { HeaderType } from '../../proto/gen/common/common.js'
import {
  ChaincodeInput,
  ChaincodeInvocationSpec,
  ChaincodeSpec,
  ChaincodeEvent,
} from '../../proto/gen/peer/chaincode.js'
import {
  ChaincodeAction,
  ChaincodeHeaderExtension,
  ChaincodeProposalPayload,
  Proposal,
  ProposalResponsePayload,
  SignedProposal,
} from '../../proto/gen/peer/proposal.js'
import { Header } from '../../proto/gen/common/common.js'
import { TxReadWriteSet } from '../../proto/gen/ledger/rwset.js'
import { failure } from '../../src/errors.js'
import { createEndorser, type Endorser } from '../../src/gateway/endorser.js'
import { ReceivedProposal } from '../../src/gateway/proposal.js'
import { verifyLowS } from '../../src/gateway/signatures.js'
import { silentLogger } from '../../src/log.js'
import { issueMember, type Member, memberOf } from './members.js'
import { type ProposalParts, signedProposal } from './signed-proposals.js'
import { answer, TestPeer } from './test-peer.js'

describe('endorser', () => {
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

  describe('with a proposal that is right', () => {
    it('hands the executor the input, the signed proposal verbatim and a simulator of the channel', async () => {
      const signed = signedProposal(peer.user, { args: ['put', 'a', '1'], transient: { secret: 's' }, isInit: true })
      await endorser.processProposal(new ReceivedProposal(signed))
      const [invocation] = peer.invocations
      const { channelId, txId, chaincodeName, isInit } = invocation!
      expect({ channelId, txId, chaincodeName, isInit }).to.deep.equal({
        channelId: 'mychannel',
        txId: signed.txId,
        chaincodeName: 'kv',
        isInit: true,
      })
      expect(ChaincodeInput.decode(invocation!.input).args.map(String)).to.deep.equal(['put', 'a', '1'])
      expect(invocation!.signedProposal).to.deep.equal(bytes(SignedProposal.encode(signed)))
      expect(invocation!.simulator!.txId).to.equal(signed.txId)
    })

    it('does not hand on decorations that a client made up', async () => {
      const input = { args: [Buffer.from('get')], decorations: new Map([['faked', Buffer.from('x')]]), isInit: false }
      const spec = ChaincodeSpec.fromPartial({ chaincodeId: { name: 'kv' }, input })
      await propose({ input: bytes(ChaincodeInvocationSpec.encode({ chaincodeSpec: spec })) })
      expect(ChaincodeInput.decode(peer.invocations[0]!.input).decorations.size).to.equal(0)
    })

    it('answers a payload that holds result, event, response and chaincode id, and signs it', async () => {
      const event = bytes(
        ChaincodeEvent.encode({ chaincodeId: 'kv', txId: 't', eventName: 'E', payload: Buffer.from('p') }),
      )
      peer.chaincode = ({ simulator }) => {
        simulator!.setState('kv', 'a', Buffer.from('1'))
        return { ...answer('result', 201, 'created'), event }
      }
      const { proposalResponse, grpcError } = await propose()
      expect(grpcError).to.equal(undefined)
      const { version, response, payload, endorsement, interest } = proposalResponse!
      expect(version).to.equal(1)
      expect(response).to.deep.equal({ status: 201, message: 'created', payload: Buffer.from('result') })
      expect(interest!.chaincodes.map(({ name }) => name)).to.deep.equal(['kv'])
      const action = ChaincodeAction.decode(ProposalResponsePayload.decode(payload).extension)
      expect(TxReadWriteSet.decode(action.results).nsRwset.map(({ namespace }) => namespace)).to.deep.equal(['kv'])
      expect(action.events).to.deep.equal(event)
      expect(action.response).to.deep.equal(response)
      expect(action.chaincodeId).to.deep.equal({ path: '', name: 'kv', version: '1.0' })
      expect(endorsement!.endorser).to.deep.equal(peer.signer.serialized)
      const { publicKey } = new X509Certificate(peer.peer.identity.credentials)
      const message = Buffer.concat([payload, peer.signer.serialized])
      expect(verifyLowS(publicKey, message, endorsement!.signature)).to.equal(true)
    })

    it('hashes the headers verbatim and the payload without transient data', async () => {
      const extension = bytes(ChaincodeHeaderExtension.encode({ chaincodeId: { path: '', name: 'kv', version: '' } }))
      const plain = signedProposal(peer.user, { extension, transient: { secret: 's' } })
      const { header, payload } = Proposal.decode(plain.proposalBytes)
      // An unknown field in a header is signed and hashed as well; a decoder that encoded anew would lose it.
      const { channelHeader, signatureHeader } = Header.decode(header)
      const channelHeaderBytes = Buffer.concat([channelHeader, Buffer.from([0xa2, 0x06, 1, 0x61])])
      const signed = signedProposal(peer.user, { channelHeaderBytes, signatureHeaderBytes: signatureHeader, payload })
      const { proposalResponse } = await endorser.processProposal(new ReceivedProposal(signed))
      const { input } = ChaincodeProposalPayload.decode(payload)
      const inputOnly = bytes(ChaincodeProposalPayload.encode({ input, transientMap: new Map() }))
      const hash = createHash('sha256').update(channelHeaderBytes).update(signatureHeader).update(inputOnly).digest()
      expect(ProposalResponsePayload.decode(proposalResponse!.payload).proposalHash).to.deep.equal(hash)
    })

    it('accepts the header type CONFIG, as Fabric does', async () => {
      const { proposalResponse } = await propose({ channelHeader: { type: HeaderType.CONFIG } })
      expect(proposalResponse!.response!.status).to.equal(200)
    })

    it('accepts an administrator', async () => {
      const { proposalResponse } = await propose({}, peer.admin)
      expect(proposalResponse!.endorsement).not.to.equal(undefined)
    })
  })

  describe('by the status that the chaincode answers', () => {
    for (const status of [0, 99, 199, 200, 399]) {
      it(`endorses ${status}`, async () => {
        peer.chaincode = () => answer('p', status, 'm')
        const { proposalResponse } = await propose()
        expect(proposalResponse!.response).to.deep.equal({ status, message: 'm', payload: Buffer.from('p') })
        expect(proposalResponse!.payload).not.to.have.length(0)
        expect(proposalResponse!.endorsement).not.to.equal(undefined)
      })
    }
    for (const status of [400, 404, 499]) {
      it(`answers ${status} with the response alone`, async () => {
        peer.chaincode = () => answer('p', status, 'm')
        const { proposalResponse } = await propose()
        expect(proposalResponse).to.deep.equal({
          version: 0,
          response: { status, message: 'm', payload: Buffer.from('p') },
          payload: Buffer.alloc(0),
        })
      })
    }
    for (const status of [500, 501]) {
      it(`shows the result of ${status}, without its event and without an endorsement`, async () => {
        peer.chaincode = () => ({ ...answer('p', status, 'm'), event: Buffer.from('event') })
        const { proposalResponse } = await propose()
        const { extension } = ProposalResponsePayload.decode(proposalResponse!.payload)
        expect(ChaincodeAction.decode(extension).response!.status).to.equal(status)
        expect(ChaincodeAction.decode(extension).events).to.have.length(0)
        expect(proposalResponse!.endorsement).to.equal(undefined)
      })
    }
  })

  describe('when the chaincode cannot be executed', () => {
    it('answers 500 with the reason, the last words and the hint', async () => {
      peer.chaincode = ({ txId }) => {
        throw failure('LAUNCH_FAILED', {
          ccid: 'kv:1',
          detail: `failed to execute transaction ${txId}: exit code 1`,
          lastWords: ['Error: Cannot find module', 'Node.js v20'],
          suggestion: 'run npm install',
        })
      }
      const proposed = propose()
      const { proposalResponse, grpcError } = await proposed
      expect(grpcError).to.equal(undefined)
      expect(proposalResponse!.payload).to.have.length(0)
      expect(proposalResponse!.response!.status).to.equal(500)
      expect(proposalResponse!.response!.message.split('\n')).to.deep.equal([
        `error in simulation: could not launch chaincode kv:1: failed to execute transaction ${proposed.txId}: exit code 1`,
        '  | Error: Cannot find module',
        '  | Node.js v20',
        'hint: run npm install',
      ])
    })

    it('is done with the simulator when the caller goes away', async () => {
      const abort = new AbortController()
      peer.chaincode = (_invocation, signal) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener('abort', () => reject(failure('CALL_CANCELLED', {})))
          abort.abort()
        })
      const signed = signedProposal(peer.user)
      const { proposalResponse } = await endorser.processProposal(new ReceivedProposal(signed), {
        signal: abort.signal,
      })
      expect(proposalResponse!.response!.message).to.match(/^error in simulation: the caller went away/)
    })

    it('answers a mistake of ours, too', async () => {
      peer.chaincode = () => {
        throw new TypeError('undefined is not a function')
      }
      const { proposalResponse } = await propose()
      expect(proposalResponse!.response!.message).to.equal('error in simulation: undefined is not a function')
    })

    it('says that a chaincode is not defined', async () => {
      const { proposalResponse } = await propose({ chaincode: 'missing' })
      expect(proposalResponse!.response).to.deep.include({
        status: 500,
        message:
          'make sure the chaincode missing has been successfully defined on channel mychannel and try again: ' +
          'chaincode missing not found',
      })
    })

    it('says that a channel is not known', async () => {
      const { proposalResponse, grpcError } = await propose({ channelId: 'nochan' })
      expect(grpcError).to.equal(undefined)
      expect(proposalResponse!.response).to.deep.include({ status: 500, message: "channel 'nochan' not found" })
    })

    it('says that the empty channel has no chaincode', async () => {
      const { proposalResponse } = await propose({ channelId: '' })
      expect(proposalResponse!.response!.message).to.equal(
        'make sure the chaincode kv has been successfully defined on channel  and try again: ' +
          "could not get channel config for channel ''",
      )
    })
  })

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
      const nonce = Buffer.alloc(24, 7)
      const first = signedProposal(peer.user, { nonce })
      peer.ledger.statuses.set(first.txId, { code: 0, blockNumber: 1n })
      const { grpcError, proposalResponse } = await propose({ nonce })
      expect(grpcError).to.equal(
        `duplicate transaction found [${first.txId}]. Creator [${peer.user.serialized.toString('hex')}]`,
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
