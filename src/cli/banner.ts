import { join, relative } from 'node:path'
import { dataFolderAt } from '../data-folder.js'
import type { Config } from '../config.js'
import type { ChaincodeInfo, RunningDaemon } from '../control/types.js'
import { tableLines } from './table.js'

/** Folder of a user's identity below the data folder, in cryptogen's layout. */
export const userMspDir = (dataDir: string, user: string): string =>
  join(
    dataFolderAt(dataDir).organizationsDir,
    'peerOrganizations/org1.example.com/users',
    `${user}@org1.example.com`,
    'msp',
  )

/** A path as it is shorter to read: relative where it lies below `cwd`. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short === '' ? '.' : short.startsWith('..') ? path : short
}

/** The addresses and folders of a daemon that serves. */
export function daemonLines(daemon: RunningDaemon, config: Config, cwd: string): string[] {
  const { dataDir } = config.chaincoded
  return tableLines([
    ['  gateway', `${daemon.addresses.gateway}${config.peer.tlsEnabled ? ', TLS' : ', no TLS'}`],
    ['  listener', `${daemon.addresses.chaincode} (for chaincodes)`],
    ['  data', shownPath(dataDir, cwd)],
    ['  identity', `User1 of ${config.peer.localMspId}, ${shownPath(userMspDir(dataDir, 'User1'), cwd)}`],
  ])
}

/** How a chaincode is called. */
export const callLines = (info: ChaincodeInfo, dataFlag: string): string[] => [
  `  invoke    npx chaincoded invoke ${info.name} FUNCTION ARG…${dataFlag}`,
  `  query     npx chaincoded query ${info.name} FUNCTION ARG…${dataFlag}`,
]
