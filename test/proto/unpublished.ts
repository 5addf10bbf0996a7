import { ours } from './descriptors.js'

const legacy = 'Fabric 1.1 only; later protos keep the number reserved'

/** What our .proto files define and @hyperledger/fabric-protos does not, by full name or package, with the reason. */
export const unpublished: Record<string, string> = {
  'chaincoded.control.v1': 'our own API',
  'grpc.health.v1': 'a standard of gRPC, not of Fabric',
  'protos.ChaincodeDeploymentSpec.effective_date': legacy,
  'protos.ChaincodeDeploymentSpec.exec_env': legacy,
  'protos.ChaincodeDeploymentSpec.ExecutionEnvironment': legacy,
}

/** Whether a message, field, enum or service of ours is excused from comparison. */
export const isUnpublished = (fullName: string) =>
  Object.keys(unpublished).some((name) => fullName === name || fullName.startsWith(`${name}.`))

/** Full names of all that our .proto files define. */
export const allNames = [
  ...ours.messages.flatMap((message) => [
    message.fullName,
    ...message.fields.map((field) => `${message.fullName}.${field.name}`),
  ]),
  ...ours.enums.map((item) => item.fullName),
  ...ours.services.map((item) => item.fullName),
]

/** Our messages that Fabric publishes too, without the fields that it does not. */
export const sharedMessages = ours.messages
  .filter((message) => !isUnpublished(message.fullName))
  .map((message) => ({
    ...message,
    fields: message.fields.filter((field) => !isUnpublished(`${message.fullName}.${field.name}`)),
  }))
