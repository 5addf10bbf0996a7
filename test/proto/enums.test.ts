import { expect } from 'chai'
import { ours, type EnumFacts } from './descriptors.js'
import { generatedModules } from './generated.js'
import { published } from './published.js'
import { isUnpublished } from './unpublished.js'

const shared = ours.enums.filter((facts) => !isUnpublished(facts.fullName))

/** Names and numbers of an enum in proto/gen, without the reverse entries and the one that ts-proto adds. */
function generated(facts: EnumFacts): Record<string, number> {
  const exported = generatedModules.get(facts.file)?.[facts.name.replaceAll('.', '_')] as Record<string, unknown>
  const entries = Object.entries(exported).filter(
    ([name, value]) => typeof value === 'number' && name !== 'UNRECOGNIZED',
  )
  return Object.fromEntries(entries) as Record<string, number>
}

describe('The enums of proto/, held against @hyperledger/fabric-protos', () => {
  it('are all compared', () => {
    expect(shared.map((facts) => facts.fullName)).to.include.members([
      'protos.ChaincodeMessage.Type',
      'protos.TxValidationCode',
      'common.Status',
    ])
    const missing = shared.filter((facts) => published(facts) === undefined)
    expect(missing.map((facts) => facts.fullName)).to.deep.equal([])
  })

  for (const facts of shared) {
    it(`${facts.fullName} has the names and numbers that Fabric publishes`, () => {
      expect(generated(facts)).to.deep.equal(published(facts))
      expect(facts.numbers).to.deep.equal(published(facts))
    })
  }
})

describe('The enums that Fabric does not publish', () => {
  const unshared = ours.enums.filter((facts) => isUnpublished(facts.fullName))

  it('have the numbers of Fabric 1.1 and of the health service of gRPC', () => {
    expect(Object.fromEntries(unshared.map((facts) => [facts.fullName, generated(facts)]))).to.deep.equal({
      'protos.ChaincodeDeploymentSpec.ExecutionEnvironment': { DOCKER: 0, SYSTEM: 1 },
      'grpc.health.v1.HealthCheckResponse.ServingStatus': {
        UNKNOWN: 0,
        SERVING: 1,
        NOT_SERVING: 2,
        SERVICE_UNKNOWN: 3,
      },
    })
  })
})
