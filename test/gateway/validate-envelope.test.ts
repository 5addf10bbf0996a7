import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { Envelope, HeaderType } from '../../proto/gen/common/common.js'
import { HashedRWSet } from '../../proto/gen/ledger/kv-rwset.js'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import { ChaincodeEvent } from '../../proto/gen/peer/chaincode.js'
import { ChaincodeHeaderExtension } from '../../proto/gen/peer/proposal.js'
import { TxValidationCode as Code } from '../../proto/gen/peer/transaction.js'
import { createMembership } from '../../src/gateway/membership.js'
import { createEnvelopeValidator } from '../../src/gateway/validate-envelope.js'
import { makeMspFolder, serialize } from './certificates.js'
import {
  bytes,
  ca,
  client,
  keyValueSet,
  namespaces,
  peer,
  readOnly,
  signatory,
  stranger,
  timestamp,
  transaction,
  undecodable,
  type Wrong,
  writing,
} from './transactions.js'

describe('The validation of an envelope', () => {
  const mspFolder = makeMspFolder([ca.pem])
  after(() => rmSync(mspFolder, { recursive: true }))
  const membership = createMembership([{ mspId: 'Org1MSP', mspFolder }])
  const validate = createEnvelopeValidator(membership, {
    isDefined: (channelId, name) => channelId === 'mychannel' && ['kv', 'other'].includes(name),
  })
  const codeOf = (wrong: Wrong): string => Code[validate('mychannel', transaction(wrong).envelope).code]!

  describe('leaves to MVCC', () => {
    it('a right one, with its id, read-write set and timestamp', () => {
      const { envelope, txId, results } = transaction()
      expect(validate('mychannel', envelope)).to.deep.equal({ code: Code.VALID, txId, results, timestamp })
    })

    it('a read-only one', () => {
      expect(codeOf({ results: namespaces({ namespace: 'kv', rwset: readOnly }) })).to.equal('VALID')
    })

    it('one without any namespace', () => expect(codeOf({ results: Buffer.alloc(0) })).to.equal('VALID'))

    it('one that reads in a namespace without a definition, and writes in a defined one', () => {
      const results = namespaces({ namespace: '_lifecycle', rwset: readOnly }, { namespace: 'other', rwset: writing })
      expect(codeOf({ results })).to.equal('VALID')
    })

    it('one with an event of the invoked chaincode', () => {
      const event = { chaincodeId: 'kv', txId: '', eventName: 'made', payload: Buffer.alloc(0) }
      expect(codeOf({ events: bytes(ChaincodeEvent.encode(event)) })).to.equal('VALID')
    })

    it('one that several signed, a peer of the organization among them', () => {
      expect(codeOf({ endorsers: [stranger, client, peer] })).to.equal('VALID')
    })

    it('one whose creator has expired, or is a peer, since nothing of that counts at commit', () => {
      expect(codeOf({ creator: signatory('client', { notAfter: new Date('2025-02-01T00:00:00Z') }) })).to.equal('VALID')
      expect(codeOf({ creator: peer })).to.equal('VALID')
    })
  })

  const highS = (): Buffer => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const signature = client.sign(Envelope.decode(transaction().envelope).payload)
    const at = 4 + signature[3]!
    const s = (order - BigInt(`0x${signature.subarray(at + 2).toString('hex')}`)).toString(16).padStart(64, '0')
    const r = signature.subarray(2, at)
    // s of a low-S signature lies in the lower half, so its counterpart has the high bit set (or 7fff…, never met).
    const body = Buffer.concat([r, Buffer.from([2, 33, 0]), Buffer.from(s, 'hex')])
    return Buffer.concat([Buffer.from([0x30, body.length]), body])
  }
  const extensionOf = (name: string): Buffer =>
    bytes(ChaincodeHeaderExtension.encode({ chaincodeId: { name, path: '', version: '' } }))
  const eventOf = (chaincodeId: string): Buffer =>
    bytes(ChaincodeEvent.encode({ chaincodeId, txId: '', eventName: '', payload: Buffer.alloc(0) }))
  const hashedSet = (parts: Parameters<typeof HashedRWSet.fromPartial>[0]): Buffer =>
    bytes(HashedRWSet.encode(HashedRWSet.fromPartial(parts)))

  const refusals: [keyof typeof Code, string, () => Wrong][] = [
    ['NIL_ENVELOPE', 'no envelope', () => ({ envelope: Buffer.alloc(0) })],
    ['INVALID_OTHER_REASON', 'an undecodable envelope', () => ({ envelope: undecodable })],
    ['BAD_PAYLOAD', 'an undecodable payload', () => ({ payload: undecodable })],
    ['BAD_COMMON_HEADER', 'an empty payload', () => ({ payload: Buffer.alloc(0) })],
    ['BAD_COMMON_HEADER', 'no header', () => ({ noHeader: true })],
    ['BAD_COMMON_HEADER', 'an undecodable channel header', () => ({ channelHeader: undecodable })],
    ['BAD_COMMON_HEADER', 'an undecodable signature header', () => ({ signatureHeader: undecodable })],
    ['BAD_COMMON_HEADER', 'a header of type MESSAGE', () => ({ channelHeader: { type: HeaderType.MESSAGE } })],
    [
      'BAD_COMMON_HEADER',
      'a header of type ORDERER_TRANSACTION',
      () => ({ channelHeader: { type: HeaderType.ORDERER_TRANSACTION } }),
    ],
    ['BAD_COMMON_HEADER', 'an epoch', () => ({ channelHeader: { epoch: 1n } })],
    ['BAD_COMMON_HEADER', 'no nonce', () => ({ signatureHeader: { nonce: Buffer.alloc(0) } })],
    ['BAD_COMMON_HEADER', 'no creator', () => ({ signatureHeader: { creator: Buffer.alloc(0) } })],
    ['BAD_CREATOR_SIGNATURE', 'a creator of an unknown CA', () => ({ creator: stranger })],
    ['BAD_CREATOR_SIGNATURE', 'a creator without a role', () => ({ creator: signatory('sales') })],
    ['BAD_CREATOR_SIGNATURE', 'the signature of somebody else', () => ({ creator: { ...client, sign: peer.sign } })],
    ['BAD_CREATOR_SIGNATURE', 'no signature', () => ({ signature: Buffer.alloc(0) })],
    ['BAD_CREATOR_SIGNATURE', 'a high-S signature', () => ({ signature: highS() })],
    ['BAD_PROPOSAL_TXID', 'another transaction id', () => ({ channelHeader: { txId: 'ab'.repeat(32) } })],
    ['INVALID_ENDORSER_TRANSACTION', 'an undecodable transaction', () => ({ data: undecodable })],
    ['INVALID_ENDORSER_TRANSACTION', 'no action', () => ({ actions: 0 })],
    ['INVALID_ENDORSER_TRANSACTION', 'two actions', () => ({ actions: 2 })],
    ['INVALID_ENDORSER_TRANSACTION', 'an unreadable action header', () => ({ actionHeader: undecodable })],
    ['INVALID_ENDORSER_TRANSACTION', 'an empty action header', () => ({ actionHeader: Buffer.alloc(0) })],
    ['INVALID_ENDORSER_TRANSACTION', 'an undecodable action payload', () => ({ actionPayload: undecodable })],
    ['INVALID_ENDORSER_TRANSACTION', 'no endorsed action', () => ({ noAction: true })],
    ['INVALID_ENDORSER_TRANSACTION', 'an undecodable response', () => ({ proposalResponsePayload: undecodable })],
    ['INVALID_ENDORSER_TRANSACTION', 'another proposal hash', () => ({ proposalHash: Buffer.alloc(32) })],
    [
      'INVALID_CONFIG_TRANSACTION',
      'a configuration from a client',
      () => ({ channelHeader: { type: HeaderType.CONFIG } }),
    ],
    ['UNSUPPORTED_TX_PAYLOAD', 'a configuration update', () => ({ channelHeader: { type: HeaderType.CONFIG_UPDATE } })],
    ['TARGET_CHAIN_NOT_FOUND', 'the id of another channel', () => ({ channelHeader: { channelId: 'yours' } })],
    ['BAD_HEADER_EXTENSION', 'an undecodable header extension', () => ({ extension: undecodable })],
    ['BAD_RESPONSE_PAYLOAD', 'no chaincode action', () => ({ chaincodeAction: Buffer.alloc(0) })],
    ['BAD_RESPONSE_PAYLOAD', 'an undecodable chaincode action', () => ({ chaincodeAction: undecodable })],
    ['BAD_RWSET', 'undecodable results', () => ({ results: undecodable })],
    [
      'BAD_RWSET',
      'an undecodable set of a namespace',
      () => ({ results: namespaces({ namespace: 'kv', rwset: undecodable }) }),
    ],
    [
      'BAD_RWSET',
      'an undecodable set of a collection',
      () => ({ results: namespaces({ namespace: 'kv', hashed: undecodable }) }),
    ],
    ['INVALID_OTHER_REASON', 'no chaincode id in the extension', () => ({ extension: Buffer.alloc(0) })],
    ['INVALID_OTHER_REASON', 'no chaincode id in the action', () => ({ executed: undefined })],
    [
      'INVALID_CHAINCODE',
      'an empty chaincode name',
      () => ({ extension: extensionOf(''), executed: { name: '', version: '1' } }),
    ],
    [
      'INVALID_CHAINCODE',
      'another chaincode name in the action',
      () => ({ executed: { name: 'other', version: '1' } }),
    ],
    ['INVALID_CHAINCODE', 'an empty version', () => ({ executed: { name: 'kv', version: '' } })],
    ['INVALID_OTHER_REASON', 'an undecodable event', () => ({ events: undecodable })],
    ['INVALID_OTHER_REASON', 'an event of another chaincode', () => ({ events: eventOf('other') })],
    [
      'ILLEGAL_WRITESET',
      'the same namespace twice',
      () => ({ results: namespaces({ namespace: 'kv' }, { namespace: 'kv' }) }),
    ],
    [
      'INVALID_CHAINCODE',
      'an invoked chaincode without a definition',
      () => ({ extension: extensionOf('gone'), executed: { name: 'gone', version: '1' }, results: Buffer.alloc(0) }),
    ],
    [
      'INVALID_CHAINCODE',
      'a write to a namespace without a definition',
      () => ({ results: namespaces({ namespace: 'gone', rwset: writing }) }),
    ],
    [
      'INVALID_CHAINCODE',
      'a metadata write to a namespace without a definition',
      () => ({ results: namespaces({ namespace: 'gone', rwset: keyValueSet({ metadataWrites: [{ key: 'a' }] }) }) }),
    ],
    [
      'INVALID_CHAINCODE',
      'a private write to a namespace without a definition',
      () => ({ results: namespaces({ namespace: 'gone', hashed: hashedSet({ hashedWrites: [{ isDelete: true }] }) }) }),
    ],
    [
      'INVALID_CHAINCODE',
      'a private metadata write to a namespace without a definition',
      () => ({ results: namespaces({ namespace: 'gone', hashed: hashedSet({ metadataWrites: [{}] }) }) }),
    ],
    ['ENDORSEMENT_POLICY_FAILURE', 'no endorsement', () => ({ endorsers: [] })],
    ['ENDORSEMENT_POLICY_FAILURE', 'the endorsement of a client', () => ({ endorsers: [client] })],
    ['ENDORSEMENT_POLICY_FAILURE', 'the endorsement of an administrator', () => ({ endorsers: [signatory('admin')] })],
    [
      'ENDORSEMENT_POLICY_FAILURE',
      'the endorsement of a peer of an unknown organization',
      () => ({
        endorsers: [{ ...peer, serialized: serialize('Org9MSP', SerializedIdentity.decode(peer.serialized).idBytes) }],
      }),
    ],
    [
      'ENDORSEMENT_POLICY_FAILURE',
      "a peer's signature over something else",
      () => ({ endorsers: [{ ...peer, sign: () => peer.sign(Buffer.from('something else')) }] }),
    ],
    [
      'ENDORSEMENT_POLICY_FAILURE',
      'an endorser that is no identity',
      () => ({ endorsers: [{ ...peer, serialized: undecodable }] }),
    ],
  ]

  for (const [code, what, wrong] of refusals) {
    it(`refuses ${what} with ${code}`, () => expect(codeOf(wrong())).to.equal(code))
  }

  it('tells the id of a refused transaction, and nothing of its results', () => {
    const { envelope, txId } = transaction({ endorsers: [] })
    const code = Code.ENDORSEMENT_POLICY_FAILURE
    expect(validate('mychannel', envelope)).to.deep.equal({ code, txId, timestamp })
  })

  it('tells no id where the channel header cannot be read', () => {
    const { envelope } = transaction({ channelHeader: undecodable })
    expect(validate('mychannel', envelope)).to.deep.equal({ code: Code.BAD_COMMON_HEADER, txId: '' })
  })

  it('refuses a change of any byte after the creator signed', () => {
    const { envelope } = transaction()
    for (let at = 0; at < envelope.length; at += 29) {
      const changed = Buffer.from(envelope)
      changed[at]! ^= 0x01
      expect(validate('mychannel', changed).code, `byte ${at}`).to.not.equal(Code.VALID)
    }
  })

  it('lets an error of the program through', () => {
    const broken = createEnvelopeValidator(membership, {
      isDefined: () => {
        throw new Error('no definitions')
      },
    })
    expect(() => broken('mychannel', transaction().envelope)).to.throw('no definitions')
  })
})
