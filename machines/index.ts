/** The statecharts, free of I/O: every effect is a named placeholder that the program fills in one place. */
export { daemonMachine, type DaemonContext, type DaemonInput, type DaemonEvent } from './daemon.js'
export {
  supervisorMachine,
  shardOf,
  type SupervisorContext,
  type SupervisorEmitted,
  type SupervisorEvent,
  type SupervisorInput,
} from './supervisor.js'
export { shardMachine, type RoutedEvent, type ShardContext, type ShardEvent, type ShardReport } from './shard.js'
export { chaincodeMachine } from './chaincode.js'
export { stateName } from './chaincode-tokens.js'
export type {
  AdoptedStream,
  ChaincodeContext,
  ChaincodeEmitted,
  ChaincodeEvent,
  ChaincodeInput,
  Failure,
} from './chaincode-facts.js'
export {
  streamMachine,
  type Refusal,
  type StreamClosure,
  type StreamContext,
  type StreamEmitted,
  type StreamEvent,
  type StreamInput,
  type StreamReport,
} from './stream.js'
export { processMachine, type ProcessContext, type ProcessRuntimeInput, type RuntimeEvent } from './process.js'
export { buildMachine, type BuildContext, type BuildEvent, type BuildRuntimeInput } from './build.js'
export {
  dockerMachine,
  type ContainerCommand,
  type ContainerEvent,
  type DockerContext,
  type DockerRuntimeInput,
} from './docker.js'
export { serviceMachine, type ServiceContext, type ServiceEvent, type ServiceRuntimeInput } from './service.js'
export type { GroupSignal, ProcessEvent, ProcessSpec } from './events.js'
