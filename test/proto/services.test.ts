import type { ServiceDefinition } from '@grpc/grpc-js'
import { expect } from 'chai'
import { ControlService } from '../../proto/gen/chaincoded/control.js'
import { HealthCheckResponse_ServingStatus, HealthService } from '../../proto/gen/grpc/health.js'
import { messageFacts, ours, type ServiceFacts } from './descriptors.js'
import { encodeOurs, generatedModules } from './generated.js'
import { published, theirClass } from './published.js'
import { isUnpublished } from './unpublished.js'
import { sampleOf } from './values.js'

const shared = ours.services.filter((facts) => !isUnpublished(facts.fullName))

type TheirDefinition = Record<string, ServiceDefinition[string] & { requestType: unknown; responseType: unknown }>

function generated(facts: ServiceFacts): ServiceDefinition {
  return generatedModules.get(facts.file)?.[`${facts.name}Service`] as ServiceDefinition
}

/** What makes two definitions the same on the wire. */
function shape(definition: ServiceDefinition) {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [
      name,
      { path: method.path, requestStream: method.requestStream, responseStream: method.responseStream },
    ]),
  )
}

describe('The services of proto/, held against @hyperledger/fabric-protos', () => {
  it('are all compared', () => {
    expect(shared.map((facts) => facts.fullName)).to.have.members([
      'gateway.Gateway',
      'protos.Chaincode',
      'protos.ChaincodeSupport',
      'protos.Deliver',
      'protos.Endorser',
    ])
  })

  for (const facts of shared) {
    const theirs = published(facts, 'Service') as TheirDefinition

    it(`${facts.fullName} has the method names and kinds of stream that Fabric publishes`, () => {
      expect(shape(generated(facts))).to.deep.equal(shape(theirs))
    })

    for (const method of facts.methods) {
      it(`${facts.fullName}/${method.name} takes and returns the messages that Fabric publishes`, () => {
        const key = method.name.charAt(0).toLowerCase() + method.name.slice(1)
        const mine = generated(facts)[key]
        const request = messageFacts(method.requestType)
        const response = messageFacts(method.responseType)
        expect(theirs[key]?.requestType).to.equal(theirClass(request))
        expect(theirs[key]?.responseType).to.equal(theirClass(response))
        const asked = encodeOurs(request, sampleOf(request))
        const answered = encodeOurs(response, sampleOf(response))
        expect(mine?.requestSerialize(mine.requestDeserialize(Buffer.from(asked)))).to.deep.equal(Buffer.from(asked))
        expect(mine?.responseSerialize(mine.responseDeserialize(Buffer.from(answered)))).to.deep.equal(
          Buffer.from(answered),
        )
      })
    }
  }
})

describe('The health service, which gRPC defines', () => {
  it('has the paths and bytes of grpc.health.v1', () => {
    expect(shape(HealthService)).to.deep.equal({
      check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false },
      watch: { path: '/grpc.health.v1.Health/Watch', requestStream: false, responseStream: true },
    })
    expect(HealthService.check.requestSerialize({ service: 'x' }).toString('hex')).to.equal('0a0178')
    const serving = { status: HealthCheckResponse_ServingStatus.SERVING }
    expect(HealthService.check.responseSerialize(serving).toString('hex')).to.equal('0801')
  })
})

describe('The control service', () => {
  it('has no method or kind of stream that its .proto file does not give', () => {
    const facts = ours.services.find((service) => service.fullName === 'chaincoded.control.v1.Control')
    const paths = facts?.methods.map((method) => `/${facts.fullName}/${method.name}`)
    expect(Object.values(ControlService).map((method) => method.path)).to.deep.equal(paths)
    const streams = Object.entries(ControlService).filter(([, method]) => method.responseStream)
    expect(streams.map(([name]) => name)).to.deep.equal(['deploy', 'logs'])
  })
})
