import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Block } from '../../proto/gen/common/common.js'
import { SerializedIdentity } from '../../proto/gen/msp/identities.js'
import { TxValidationCode as Code } from '../../proto/gen/peer/transaction.js'
import { readCertificate } from '../../src/gateway/read-certificate.js'
import { verifyLowS } from '../../src/gateway/signatures.js'
import type { MembershipProvider, Role } from '../../src/gateway/types.js'
import { createEnvelopeValidator } from '../../src/gateway/validate-envelope.js'

describe('The validation of an envelope', () => {
  it('passes every transaction of a block that Fabric 2.4.9 made', () => {
    // The CA of that network is not at hand, so its certificates are taken as they are; the rest is Fabric's own.
    const trusting: MembershipProvider = {
      mspIds: ['Org1MSP', 'Org2MSP'],
      check(serialized) {
        const { mspid, idBytes } = SerializedIdentity.decode(serialized)
        const { certificate, publicKey } = readCertificate(idBytes.toString())
        const role = (certificate.toLegacyObject().subject as unknown as { OU: Role }).OU
        const verify = (message: Buffer, signature: Buffer): boolean => verifyLowS(publicKey, message, signature)
        return { ok: true, mspId: mspid, role, expired: false, verify }
      },
    }
    const fixture = new URL('../fixtures/fabric-block.json', import.meta.url)
    const { block } = JSON.parse(readFileSync(fixture, 'utf8')) as { block: string }
    const envelopes = Block.decode(Buffer.from(block, 'base64')).data!.data
    const verdict = createEnvelopeValidator(trusting, {
      isDefined: (channel, name) => `${channel} ${name}` === 'mychannel kv',
    })
    expect(envelopes).to.have.length(1)
    const { code, txId } = verdict('mychannel', envelopes[0]!)
    expect({ code, txId }).to.deep.equal({
      code: Code.VALID,
      txId: '654265696b600e1fd6cd67fbc5af2d432b2caf85e99667faaeb215e870872fae',
    })
  })
})
