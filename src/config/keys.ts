import { nearest } from '../nearest.js'
import { settings, type SettingKey } from './settings.js'

/**
 * Keys and sections that a peer's own core.yaml may have (1.1 to 3.x) and that mean nothing here. They are accepted, so
 * that such a file works as it is, and named once, so that nobody believes they do something.
 */
const withoutEffect = [
  'chaincode.buildlevel',
  'chaincode.car.Dockerfile',
  'chaincode.externalBuilders',
  'chaincode.golang.Dockerfile',
  'chaincode.id',
  'chaincode.installTimeout',
  'chaincode.java.Dockerfile',
  'chaincode.node.Dockerfile',
  'chaincode.peerAddress',
  'chaincode.system',
  'chaincode.systemPlugins',
  'ledger.blockchain',
  'ledger.pvtdataStore',
  'ledger.snapshots',
  'ledger.state.couchDBConfig',
  'ledger.state.stateDatabase',
  'logging',
  'metrics',
  'operations',
  'peer.addressAutoDetect',
  'peer.adminService',
  'peer.authentication',
  'peer.BCCSP',
  'peer.client',
  'peer.deliveryclient',
  'peer.discovery',
  'peer.events',
  'peer.fileSystemPath',
  'peer.gateway',
  'peer.gomaxprocs',
  'peer.gossip',
  'peer.handlers',
  'peer.keepalive',
  'peer.limits',
  'peer.localMspType',
  'peer.maxRecvMsgSize',
  'peer.maxSendMsgSize',
  'peer.mspConfigPath',
  'peer.profile',
  'peer.tls.cert',
  'peer.tls.clientAuthRequired',
  'peer.tls.clientCert',
  'peer.tls.clientKey',
  'peer.tls.clientRootCAs',
  'peer.tls.key',
  'peer.tls.rootcert',
  'peer.tls.serverhostoverride',
  'peer.validatorPoolSize',
  'vm.docker.attachStdout',
  'vm.docker.hostConfig.Cpuset',
] as const

const settingKeys = Object.keys(settings) as SettingKey[]
const spelling = new Map(settingKeys.map((key) => [key.toLowerCase(), key]))
const ineffective = new Map(withoutEffect.map((key) => [key.toLowerCase(), key as string]))

/** What a key, in any case, turns out to be. */
export type KeyKind =
  | { kind: 'setting'; key: SettingKey }
  /** Fabric's, but without effect here; `section` is the entry of the list that covers it. */
  | { kind: 'withoutEffect'; section: string }
  /** The beginning of settings: a section of the file. */
  | { kind: 'section'; keys: readonly SettingKey[] }
  | { kind: 'unknown'; nearest: string | undefined; siblings: readonly string[] }

/** Classifies a key of core.yaml (`chaincode.executetimeout`). As in viper, case does not matter. */
export function classifyKey(written: string): KeyKind {
  const lower = written.toLowerCase()
  const key = spelling.get(lower)
  if (key) return { kind: 'setting', key }
  for (let end = lower.length; end > 0; end = lower.lastIndexOf('.', end - 1)) {
    const section = ineffective.get(lower.slice(0, end))
    if (section) return { kind: 'withoutEffect', section }
  }
  const below = [...settingKeys, ...withoutEffect].filter((known) => known.toLowerCase().startsWith(`${lower}.`))
  if (below.length > 0) return { kind: 'section', keys: settingKeys.filter((known) => below.includes(known)) }
  return { kind: 'unknown', ...suggestion(lower) }
}

/** The key that an unknown one was probably meant to be, and what else stands in its section. */
function suggestion(lower: string): { nearest: string | undefined; siblings: readonly string[] } {
  const section = lower.slice(0, lower.lastIndexOf('.') + 1)
  const siblings = settingKeys.filter((key) => section !== '' && key.toLowerCase().startsWith(section))
  const lastWord = (key: string) => key.slice(key.lastIndexOf('.') + 1)
  const inSection = nearest(lastWord(lower), siblings.map(lastWord))
  if (inSection) return { nearest: siblings.find((key) => lastWord(key) === inSection), siblings }
  const elsewhere = settingKeys.find((key) => lastWord(key).toLowerCase() === lastWord(lower))
  // A section that the key already stands in would be no help.
  const sections = sectionNames.filter((name) => !lower.startsWith(`${name.toLowerCase()}.`))
  return { nearest: elsewhere ?? nearest(lower, [...settingKeys, ...sections]), siblings }
}

const sectionNames = [...new Set(settingKeys.map((key) => key.slice(0, key.lastIndexOf('.'))))]

/** The environment variable of a key: `CORE_CHAINCODE_EXECUTETIMEOUT`. */
export const variableOf = (key: string): string => `CORE_${key.replaceAll('.', '_').toUpperCase()}`

const variables = new Map(settingKeys.map((key) => [variableOf(key), key]))
const ineffectiveVariables = withoutEffect.map(variableOf)
const ourSections = ['CORE_CHAINCODE_', 'CORE_CHAINCODED_', 'CORE_LEDGER_', 'CORE_PEER_', 'CORE_VM_']

/** What an environment variable, in any case, turns out to be; undefined: another program's. */
export function classifyVariable(
  written: string,
):
  | { kind: 'setting'; key: SettingKey }
  | { kind: 'withoutEffect' }
  | { kind: 'unknown'; nearest: string | undefined }
  | undefined {
  const name = written.toUpperCase()
  if (!name.startsWith('CORE_')) return undefined
  const key = variables.get(name)
  if (key) return { kind: 'setting', key }
  if (ineffectiveVariables.some((known) => name === known || name.startsWith(`${known}_`)))
    return { kind: 'withoutEffect' }
  if (!ourSections.some((section) => name.startsWith(section))) return undefined
  return { kind: 'unknown', nearest: nearest(name, [...variables.keys()]) }
}
