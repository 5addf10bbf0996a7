/** chaincoded as a library. */
export { createDaemon, type Call, type DaemonOptions, type Deployment, type EmbeddedDaemon } from './library.js'
export type { CommittedTransaction, Transaction } from './client.js'
export type { StateChange } from './chaincode-directory.js'
export type { ChaincodeInfo, DaemonStatus, PackageInfo } from './control/types.js'
export { packageChaincode, type MadePackage, type PackageOptions } from './packages/package-chaincode.js'
export type { OrganizationIdentities } from '../services/issue-identities.js'
export { ChaincodedError, isFailure, type ErrorCode } from './errors.js'
export { createLogger, silentLogger, type Logger } from './log.js'
