import { status } from '@grpc/grpc-js'
import { CommitError, CommitStatusError, type Contract, type Gateway } from '@hyperledger/fabric-gateway'
import { expect } from 'chai'
import { Payload } from '../../proto/gen/common/common.js'
import { PreparedTransaction } from '../../proto/gen/gateway/gateway.js'
import { ChaincodeAction, ProposalResponsePayload } from '../../proto/gen/peer/proposal.js'
import { ChaincodeActionPayload, type ChaincodeEndorsedAction, Transaction } from '../../proto/gen/peer/transaction.js'
import { failure } from '../../src/errors.js'
import type { RunningGateway } from '../../src/gateway/serve-gateway.js'
import { signHighS } from './members.js'
import { answer, detail, increments, rejectionOf, TestPeer } from './test-peer.js'

describe('submit, asked by the published SDK', () => {
  let peer: TestPeer
  let running: RunningGateway
  let gateway: Gateway
  let contract: Contract

  before(async () => {
    peer = await TestPeer.create()
    running = await peer.serve()
    gateway = peer.connect(peer.client(running))
    contract = gateway.getNetwork('mychannel').getContract('kv')
  })
  after(() => peer.close())
  beforeEach(() => peer.reset())
  afterEach('every simulator is done', () => expect(peer.ledger.openSimulators).to.equal(0))

  describe('Submit and CommitStatus', () => {
    it('commit what the chaincode wrote', async () => {
      peer.chaincode = increments
      const before = Number(await contract.evaluateTransaction('inc'))
      await contract.submitTransaction('inc')
      expect(Number(await contract.evaluateTransaction('inc'))).to.equal(before + 1)
    })

    it('commit a transaction that only reads', async () => {
      peer.chaincode = ({ simulator }) => {
        simulator!.getState('kv', 'counter')
        return answer('read')
      }
      const submitted = await contract.submitAsync('read')
      expect(await submitted.getStatus()).to.deep.include({ code: 0, successful: true })
    })

    it('commit a result of status 399', async () => {
      peer.chaincode = () => answer('odd', 399)
      expect(Buffer.from(await contract.submitTransaction('f')).toString()).to.equal('odd')
    })

    it('name the block', async () => {
      const { height } = peer.ledger
      const submitted = await contract.submitAsync('f')
      expect((await submitted.getStatus()).blockNumber).to.equal(height)
    })

    it('report a read conflict as CommitError 11', async () => {
      let overtaken = false
      peer.chaincode = async (invocation) => {
        const result = increments(invocation)
        if (!overtaken) {
          overtaken = true
          await contract.submitTransaction('inc')
        }
        return result
      }
      const error: unknown = await rejectionOf(contract.submitTransaction('inc'))
      expect(error).to.be.instanceOf(CommitError)
      expect(error).to.deep.include({ code: 11 })
      expect((error as CommitError).message).to.match(/failed to commit with status code 11 \(MVCC_READ_CONFLICT\)$/)
    })

    it('answer Submit while the commit is still to come, and CommitStatus when it came', async () => {
      let open!: () => void
      peer.ledger.mayCommit = new Promise((resolve) => (open = resolve))
      const submitted = await contract.submitAsync('f')
      let answered = false
      const status = submitted.getStatus().finally(() => (answered = true))
      await contract.evaluateTransaction('f')
      expect(answered).to.equal(false)
      open()
      expect((await status).successful).to.equal(true)
    })

    it('keep the first verdict when a transaction is submitted twice', async () => {
      const transaction = await contract.newProposal('f').endorse()
      const first = await (await transaction.submit()).getStatus()
      const second = await (await transaction.submit()).getStatus()
      expect(first.code).to.equal(0)
      expect(second).to.deep.equal(first)
    })

    it('let CommitStatus wait no longer than its deadline', async () => {
      peer.ledger.mayCommit = new Promise(() => {})
      const submitted = await contract.submitAsync('f')
      const error = await rejectionOf(submitted.getStatus({ deadline: Date.now() + 100 }))
      expect(error).to.be.instanceOf(CommitStatusError)
      expect(error.code).to.equal(status.DEADLINE_EXCEEDED)
    })
  })

  describe('a transaction that was changed after its endorsement', () => {
    const commitOf = async (change: (action: ChaincodeEndorsedAction) => ChaincodeEndorsedAction) => {
      const prepared = PreparedTransaction.decode((await contract.newProposal('f').endorse()).getBytes())
      const payload = Payload.decode(prepared.envelope!.payload)
      const transaction = Transaction.decode(payload.data)
      const action = ChaincodeActionPayload.decode(transaction.actions[0]!.payload)
      action.action = change(action.action!)
      transaction.actions[0]!.payload = bytes(ChaincodeActionPayload.encode(action))
      payload.data = bytes(Transaction.encode(transaction))
      prepared.envelope = { payload: bytes(Payload.encode(payload)), signature: Buffer.alloc(0) }
      const submitted = await gateway.newTransaction(bytes(PreparedTransaction.encode(prepared))).submit()
      return (await submitted.getStatus()).code
    }
    const bytes = (encoded: { finish(): Uint8Array }) => Buffer.from(encoded.finish())

    it('is valid where nothing was changed', async () => {
      expect(await commitOf((action) => action)).to.equal(0)
    })

    it('is invalid (5) with another proposal hash', async () => {
      const code = await commitOf((action) => {
        const payload = ProposalResponsePayload.decode(action.proposalResponsePayload)
        payload.proposalHash = Buffer.alloc(32)
        return { ...action, proposalResponsePayload: bytes(ProposalResponsePayload.encode(payload)) }
      })
      expect(code).to.equal(5)
    })

    it('is invalid (10) with another result', async () => {
      const code = await commitOf((action) => {
        const payload = ProposalResponsePayload.decode(action.proposalResponsePayload)
        const changed = ChaincodeAction.decode(payload.extension)
        changed.response!.payload = Buffer.from('a million')
        payload.extension = bytes(ChaincodeAction.encode(changed))
        return { ...action, proposalResponsePayload: bytes(ProposalResponsePayload.encode(payload)) }
      })
      expect(code).to.equal(10)
    })
  })

  describe('Submit', () => {
    const forbidden =
      'received unsuccessful response from orderer: status=FORBIDDEN, info=implicit policy evaluation failed - ' +
      "0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be satisfied: permission denied"

    it('refuses what somebody else signed', async () => {
      const prepared = (await contract.newProposal('f').endorse()).getBytes()
      const theirs = peer.connect(peer.client(running), peer.admin).newTransaction(prepared)
      const error = await rejectionOf(theirs.submit())
      expect(error.name).to.equal('SubmitError')
      expect(error.code).to.equal(status.ABORTED)
      expect(error.cause.details).to.equal(forbidden)
      expect(error.details).to.deep.equal([])
    })

    it('refuses a signature with a high s', async () => {
      const prepared = (await contract.newProposal('f').endorse()).getBytes()
      const { payload } = PreparedTransaction.decode(prepared).envelope!
      const error = await rejectionOf(
        gateway.newSignedTransaction(prepared, signHighS(peer.user.privateKey, payload)).submit(),
      )
      expect([error.code, error.cause.details]).to.deep.equal([status.ABORTED, forbidden])
    })

    it('tells who waits, and who asks later, that the ledger failed after it had accepted', async () => {
      let fail!: (error: Error) => void
      peer.ledger.mayCommit = new Promise((_resolve, reject) => (fail = reject))
      const submitted = await contract.submitAsync('f')
      const waiting = rejectionOf(submitted.getStatus())
      await contract.evaluateTransaction('f')
      fail(failure('LEDGER_WRITE_FAILED', { folder: 'ledger', detail: 'disk full' }))
      const text =
        `transaction ${submitted.getTransactionId()} could not be committed: ` +
        'cannot write to the ledger in ledger: disk full'
      for (const error of [await waiting, await rejectionOf(submitted.getStatus())]) {
        expect([error.code, error.cause.details]).to.deep.equal([status.ABORTED, text])
      }
    })

    it('reports a ledger that takes nothing any more', async () => {
      peer.ledger.refusal = failure('LEDGER_CLOSED', {})
      const error = await rejectionOf(contract.submitTransaction('f'))
      expect(error.name).to.equal('SubmitError')
      expect(error.code).to.equal(status.UNAVAILABLE)
      expect(error.cause.details).to.equal('no orderers could successfully process transaction')
      expect(error.details).to.deep.equal(detail('the ledger is closed'))
    })

    it('forgets that a transaction was lost when it is submitted again', async () => {
      const transaction = await contract.newProposal('f').endorse()
      let fail!: (error: Error) => void
      peer.ledger.mayCommit = new Promise((_resolve, reject) => (fail = reject))
      const lost = (await transaction.submit()).getStatus()
      fail(failure('COMMIT_QUEUE_FULL', { channelId: 'mychannel', limit: 1 }))
      await rejectionOf(lost)
      let open!: () => void
      peer.ledger.mayCommit = new Promise((resolve) => (open = resolve))
      const committed = (await transaction.submit()).getStatus()
      await contract.evaluateTransaction('f')
      open()
      expect((await committed).successful).to.equal(true)
    })
  })
})
