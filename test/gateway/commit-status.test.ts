import { once } from 'node:events'
import { type ClientUnaryCall, status } from '@grpc/grpc-js'
import { CommitStatusError, type Contract, type Gateway } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { CommitStatusRequest, SignedCommitStatusRequest } from '../../proto/gen/gateway/gateway.js'
import { signLowS } from '../../services/sign-low-s.js'
import type { RunningGateway } from '../../src/gateway/serve-gateway.js'
import { issueMember, type Member, memberOf } from './members.js'
import { answer, rejectionOf, TestPeer } from './test-peer.js'

describe('commit status, asked by the published SDK', () => {
  let peer: TestPeer
  let other: TestPeer
  let running: RunningGateway
  let gateway: Gateway
  let contract: Contract

  before(async () => {
    peer = await TestPeer.create()
    other = await TestPeer.create()
    running = await peer.serve()
    gateway = peer.connect(peer.client(running))
    contract = gateway.getNetwork('mychannel').getContract('kv')
  })
  after(async () => {
    await peer.close()
    await other.close()
  })
  beforeEach(() => peer.reset())
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  describe('CommitStatus', () => {
    const unreadable =
      'Failed evaluating policy on signed data during check policy on channel [mychannel] with policy ' +
      '[/Channel/Application/Readers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, ' +
      "but this policy requires 1 of the 'Readers' sub-policies to be satisfied]"
    let commitBytes: Uint8Array

    before(async () => {
      peer.chaincode = () => answer()
      peer.ledger.refusal = undefined
      commitBytes = (await contract.submitAsync('f')).getBytes()
    })

    /** Asks for the committed transaction, as `member`. */
    const ask = (member: Member, channelId = 'mychannel') => {
      const signed = SignedCommitStatusRequest.decode(commitBytes)
      const request = { ...CommitStatusRequest.decode(signed.request), channelId, identity: member.serialized }
      signed.request = Buffer.from(CommitStatusRequest.encode(request).finish())
      const bytes = SignedCommitStatusRequest.encode(signed).finish()
      return peer.connect(peer.client(running), member).newCommit(bytes).getStatus()
    }

    it('answers any Reader, also a peer', async () => {
      for (const member of [peer.user, peer.admin, peer.peer]) {
        expect((await ask(member)).successful).to.equal(true)
      }
    })

    for (const [what, member] of [
      ['an orderer, who is no Reader', () => issueMember(peer.organization, { unit: 'orderer' })],
      ['a wrong key', () => ({ ...peer.user, signer: peer.admin.signer })],
      ['a foreign certificate', () => other.user],
      ['a certificate that is none', () => memberOf('Org1MSP', 'garbage', peer.user.privateKey)],
    ] as [string, () => Member][]) {
      it(`refuses ${what}`, async () => {
        const error = await rejectionOf(ask(member()))
        expect(error).to.be.instanceOf(CommitStatusError)
        expect(error.code).to.equal(status.PERMISSION_DENIED)
        expect(error.cause.details).to.equal(unreadable)
      })
    }

    it('refuses an unknown channel', async () => {
      const error = await rejectionOf(ask(peer.user, 'nochan'))
      expect(error.code).to.equal(status.PERMISSION_DENIED)
      expect(error.cause.details).to.equal('Failed to get policy manager for channel [nochan]')
    })

    it('stops waiting when the client cancels', async () => {
      let arrive!: (signal: AbortSignal) => void
      const arrived = new Promise<AbortSignal>((resolve) => (arrive = resolve))
      peer.ledger.whenCommitted = (_txId, signal) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener('abort', () => reject(signal!.reason))
          arrive(signal!)
        })
      const signedRequest = SignedCommitStatusRequest.decode(commitBytes)
      signedRequest.signature = signLowS(peer.user.privateKey, signedRequest.request)
      const client = peer.client(running)
      let call!: ClientUnaryCall
      const ended = new Promise<number>((resolve) => {
        call = client.commitStatus(signedRequest, (error) => resolve(error!.code))
      })
      const signal = await arrived
      const aborted = once(signal, 'abort')
      call.cancel()
      expect(await ended).to.equal(status.CANCELLED)
      await aborted
    })
  })
})
