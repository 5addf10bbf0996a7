import { expect } from 'chai'
import fc from 'fast-check'
import { BlockHeader } from '../../proto/gen/common/common.js'
import {
  ChaincodeDeploymentSpec,
  ChaincodeDeploymentSpec_ExecutionEnvironment,
} from '../../proto/gen/peer/chaincode.js'
import { ChaincodeProposalPayload } from '../../proto/gen/peer/proposal.js'
import { camelCase, ours, type FieldFacts, type MessageFacts } from './descriptors.js'
import { codecOf, decodeOurs, encodeOurs, generatedModules } from './generated.js'
import { accessorName, decodeTheirs, differences, encodeTheirs, jspb, published } from './published.js'
import { allNames, isUnpublished, sharedMessages, unpublished } from './unpublished.js'
import { fieldsOf, sample, scalarTypes, type Fields } from './values.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** A message with one field alone, and all others at their defaults. */
function oneField(facts: MessageFacts, field: FieldFacts): Fields {
  return { ...decodeOurs(facts, new Uint8Array()), [field.name]: sample(field) }
}

/** Our bytes of one field with the number in its tag replaced; field numbers below 16 have a tag of one byte. */
function renumbered(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[0] = (15 << 3) | ((bytes[0] ?? 0) & 7)
  return changed
}

describe('The messages of proto/, held against @hyperledger/fabric-protos', () => {
  it('are all published by Fabric, or listed with a reason', () => {
    const missing = ours.messages.filter((facts) => !isUnpublished(facts.fullName) && published(facts) === undefined)
    expect(missing.map((facts) => facts.fullName)).to.deep.equal([])
    expect(sharedMessages.length).to.be.greaterThan(80)
  })

  it('are listed as unpublished only while they exist here and Fabric does not publish them', () => {
    for (const name of Object.keys(unpublished)) {
      expect(
        allNames.some((full) => full === name || full.startsWith(`${name}.`)),
        name,
      ).to.equal(true)
    }
    for (const facts of [...ours.messages, ...ours.enums]) {
      if (isUnpublished(facts.fullName)) expect(published(facts), facts.fullName).to.equal(undefined)
    }
    for (const facts of ours.messages) {
      const theirs = published(facts) as { prototype: object } | undefined
      for (const field of facts.fields) {
        if (theirs === undefined || !isUnpublished(`${facts.fullName}.${field.name}`)) continue
        expect(`get${accessorName(field)}` in theirs.prototype, field.name).to.equal(false)
      }
    }
  })

  it('are exactly those that proto/gen has code for', () => {
    const described = new Set(ours.messages.map((facts) => codecOf(facts)))
    const maps = ours.messages.flatMap((facts) => facts.fields).filter((field) => field.map)
    const entries = maps.map((field) => field.typeName?.split('.').slice(-2).join('_'))
    for (const [file, exported] of generatedModules) {
      for (const [name, value] of Object.entries(exported)) {
        if (typeof value !== 'object' || value === null || !('fromPartial' in value) || entries.includes(name)) continue
        expect(described.has(value as ReturnType<typeof codecOf>), `${name} of ${file}`).to.equal(true)
      }
    }
    for (const facts of ours.messages) {
      const properties = facts.fields.map((field) => (field.oneof ? camelCase(field.oneof) : field.property))
      const generated = Object.keys(codecOf(facts).fromPartial({}))
      expect(generated, facts.fullName).to.have.members([...new Set(properties)])
    }
  })

  it('have the fields, numbers and types that Fabric publishes, and no others', () => {
    expect(sharedMessages.flatMap(differences)).to.deep.equal([])
  })

  for (const facts of sharedMessages) {
    it(`${facts.fullName} crosses in both directions`, () => {
      fc.assert(
        fc.property(fieldsOf(facts), (fields) => {
          expect(decodeTheirs(facts, encodeOurs(facts, fields)), 'ours read by theirs').to.deep.equal(fields)
          expect(decodeOurs(facts, encodeTheirs(facts, fields)), 'theirs read by ours').to.deep.equal(fields)
        }),
        { numRuns: 25 },
      )
      for (const field of facts.fields) {
        const fields = oneField(facts, field)
        expect(decodeTheirs(facts, encodeOurs(facts, fields)), field.name).to.deep.equal(fields)
        expect(hex(encodeOurs(facts, fields)), field.name).to.equal(hex(encodeTheirs(facts, fields)))
      }
    })
  }
})

describe('The comparison of messages', () => {
  const everyField = sharedMessages.flatMap((facts) => facts.fields.map((field) => ({ facts, field })))

  function withField(facts: MessageFacts, field: FieldFacts, change: Partial<FieldFacts>): MessageFacts {
    return { ...facts, fields: facts.fields.map((one) => (one === field ? { ...one, ...change } : one)) }
  }

  it('notices a wrong number on any field', () => {
    for (const { facts, field } of everyField) {
      const wrong = withField(facts, field, { number: field.number + 1 })
      expect(differences(wrong), `${facts.fullName}.${field.name}`).to.have.lengthOf(1)
    }
  })

  it('notices a wrong type on any field', () => {
    for (const { facts, field } of everyField) {
      const { map } = field
      for (const type of scalarTypes) {
        if (type === (map?.value ?? field).type) continue
        const wrong = withField(facts, field, map ? { map: { key: map.key, value: { ...map.value, type } } } : { type })
        expect(differences(wrong), `${facts.fullName}.${field.name} as ${type}`).to.have.lengthOf(1)
      }
    }
  })

  it('notices a field that is missing or too many on either side', () => {
    for (const { facts, field } of everyField) {
      const without = { ...facts, fields: facts.fields.filter((one) => one !== field) }
      expect(differences(without)).to.deep.equal([`${facts.fullName}: fabric-protos also has ${accessorName(field)}`])
      const renamed = withField(facts, field, { name: `${field.name}_x` })
      expect(differences(renamed)).to.include(`${facts.fullName}.${field.name}_x: fabric-protos has no such field`)
    }
  })

  it('notices generated code that writes or reads another number', () => {
    for (const { facts, field } of everyField) {
      const fields = oneField(facts, field)
      const name = `${facts.fullName}.${field.name}`
      expect(decodeTheirs(facts, renumbered(encodeOurs(facts, fields))), name).to.not.deep.equal(fields)
      expect(decodeOurs(facts, renumbered(encodeTheirs(facts, fields))), name).to.not.deep.equal(fields)
    }
  })
})

describe('Values that google-protobuf cannot hold', () => {
  it('cross as 64-bit integers of the whole range', () => {
    for (const number of [0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const writer = new jspb.BinaryWriter()
      writer.writeUint64String(1, number.toString())
      expect(BlockHeader.decode(writer.getResultBuffer()).number).to.equal(number)

      const reader = new jspb.BinaryReader(BlockHeader.encode(BlockHeader.fromPartial({ number })).finish())
      const written = reader.nextField() ? reader.readUint64String() : '0'
      expect(written).to.equal(number.toString())
    }
  })

  it('survive as keys of a map, whatever they are called', () => {
    const transientMap = new Map(['__proto__', 'constructor', ''].map((key) => [key, Buffer.from(`of ${key}`)]))
    const bytes = ChaincodeProposalPayload.encode({ input: Buffer.alloc(0), transientMap }).finish()
    expect(ChaincodeProposalPayload.decode(bytes).transientMap).to.deep.equal(transientMap)
  })

  it('keep their numbers where only Fabric 1.1 knows the field', () => {
    const spec = ChaincodeDeploymentSpec.fromPartial({
      effectiveDate: { seconds: 1n },
      execEnv: ChaincodeDeploymentSpec_ExecutionEnvironment.SYSTEM,
    })
    expect(hex(ChaincodeDeploymentSpec.encode(spec).finish())).to.equal('120208012001')
    expect(ChaincodeDeploymentSpec.decode(Buffer.from('120208012001', 'hex'))).to.deep.equal(spec)
  })
})
