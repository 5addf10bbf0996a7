import { failure } from '../errors.js'

/** Version of a chaincode that is deployed without one. */
export const defaultVersion = '1.0'

const nameRule = /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/
const versionRule = /^[A-Za-z0-9_.+-]+$/
const ccidRule = /^[A-Za-z0-9_.+:-]+$/
const channelRule = /^[a-z][a-z0-9.-]{0,248}$/

/** A legal chaincode name made of any text (a package name, a folder), or undefined where nothing is left. */
export function chaincodeNameFrom(text: string): string | undefined {
  const name = text
    .replace(/^@[^/]*\//, '')
    .replace(/[^a-zA-Z0-9_-]+/g, '-')
    .replace(/[-_]*([-_])/g, '$1')
    .replace(/^[-_]+|[-_]+$/g, '')
  return nameRule.test(name) ? name : undefined
}

/** Whether `name` follows Fabric's rule for chaincode names. */
export const isChaincodeName = (name: string): boolean => nameRule.test(name)

/** Whether `version` follows Fabric's rule for chaincode versions. */
export const isChaincodeVersion = (version: string): boolean => versionRule.test(version)

/** Throws CHAINCODE_NAME_ILLEGAL unless `name` follows Fabric's rule for chaincode names. */
export function checkChaincodeName(name: string): void {
  if (!isChaincodeName(name)) throw failure('CHAINCODE_NAME_ILLEGAL', { name, proposal: chaincodeNameFrom(name) })
}

/** Throws CHAINCODE_VERSION_ILLEGAL unless `version` follows Fabric's rule for chaincode versions. */
export function checkChaincodeVersion(version: string): void {
  if (!isChaincodeVersion(version)) throw failure('CHAINCODE_VERSION_ILLEGAL', { version })
}

/** Throws ARGUMENTS_INVALID unless `ccid` can be the id of a chaincode: `name:version`, or that of a package. */
export function checkCcid(ccid: string): void {
  if (ccidRule.test(ccid)) return
  const detail = `"${ccid}" is no chaincode id: it has to match [A-Za-z0-9_.+:-]+`
  throw failure('ARGUMENTS_INVALID', { detail, hint: 'give name:version, or the package id' })
}

/** Throws CHANNEL_NAME_ILLEGAL unless `channel` follows Fabric's rule for channel names. */
export function checkChannelName(channel: string): void {
  if (!channelRule.test(channel)) throw failure('CHANNEL_NAME_ILLEGAL', { channel })
}
