import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { resolveConfig, type Config, type ConfigSources, type ResolvedConfig, type SettingKey } from '../src/config.js'
import { variableOf } from '../src/config/keys.js'
import { settings } from '../src/config/settings.js'
import { ChaincodedError } from '../src/errors.js'

/** For each key: where it lands, a good value with what it becomes, and a value that is refused or replaced. */
const table: Record<
  SettingKey,
  { at: string; good: [unknown, unknown]; bad?: unknown; replaced?: [unknown, unknown] }
> = {
  'chaincode.mode': { at: 'chaincode.mode', good: ['dev', 'dev'], bad: 'prod' },
  'chaincode.startuptimeout': {
    at: 'chaincode.startupTimeoutMs',
    good: ['1m30s', 90_000],
    bad: 'soon',
    replaced: ['4999ms', 5000],
  },
  'chaincode.executetimeout': {
    at: 'chaincode.executeTimeoutMs',
    good: ['1s', 1000],
    bad: '3 s',
    replaced: ['999ms', 30_000],
  },
  'chaincode.keepalive': { at: 'chaincode.keepaliveMs', good: [60, 60_000], replaced: ['1m', 0] },
  'chaincode.whenStarting': { at: 'chaincode.whenStarting', good: ['reject', 'reject'], bad: 'queue' },
  'chaincode.logging.level': { at: 'chaincode.logging.level', good: ['NOTICE', 'info'], replaced: ['Debug', 'info'] },
  'chaincode.logging.shim': { at: 'chaincode.logging.shim', good: ['warning', 'warn'], replaced: ['loud', 'info'] },
  'chaincode.logging.format': { at: 'chaincode.logging.format', good: ['%{message}', '%{message}'], bad: ['a'] },
  'chaincode.runtimeParams.useWriteBatch': {
    at: 'chaincode.runtimeParams.useWriteBatch',
    good: ['F', false],
    replaced: ['yes', false],
  },
  'chaincode.runtimeParams.maxSizeWriteBatch': {
    at: 'chaincode.runtimeParams.maxSizeWriteBatch',
    good: ['7', 7],
    replaced: [0, 1000],
  },
  'chaincode.runtimeParams.useGetMultipleKeys': {
    at: 'chaincode.runtimeParams.useGetMultipleKeys',
    good: [false, false],
    replaced: ['', false],
  },
  'chaincode.runtimeParams.maxSizeGetMultipleKeys': {
    at: 'chaincode.runtimeParams.maxSizeGetMultipleKeys',
    good: [8, 8],
    replaced: ['many', 1000],
  },
  'peer.id': { at: 'peer.id', good: ['peer0', 'peer0'], bad: ' ' },
  'peer.networkId': { at: 'peer.networkId', good: ['net1', 'net1'], bad: [] },
  'peer.listenAddress': { at: 'peer.listenAddress', good: [':0', '0.0.0.0:0'], bad: '7051' },
  'peer.address': { at: 'peer.address', good: ['[::1]:7051', '[::1]:7051'], bad: 'localhost:99999' },
  'peer.chaincodeListenAddress': {
    at: 'peer.chaincodeListenAddress',
    good: ['10.0.0.1:1', '10.0.0.1:1'],
    bad: 'a:b:c',
  },
  'peer.chaincodeAddress': { at: 'peer.chaincodeAddress', good: ['host:1', 'host:1'], bad: 7052 },
  'peer.localMspId': { at: 'peer.localMspId', good: ['Org2MSP', 'Org2MSP'], bad: '' },
  'peer.tls.enabled': { at: 'peer.tlsEnabled', good: ['false', false], bad: 'off' },
  'chaincode.builder': { at: 'docker.build.builder', good: ['$(DOCKER_NS)/a:$(X)', 'hyperledger/a:$(X)'], bad: [] },
  'chaincode.golang.runtime': {
    at: 'docker.build.golangRuntime',
    good: ['$(DOCKER_NS)/a:$(X)', 'hyperledger/a:$(X)'],
    bad: [],
  },
  'chaincode.node.runtime': {
    at: 'docker.build.nodeRuntime',
    good: ['$(DOCKER_NS)/a:$(X)', 'hyperledger/a:$(X)'],
    bad: [],
  },
  'chaincode.java.runtime': {
    at: 'docker.build.javaRuntime',
    good: ['$(DOCKER_NS)/a:$(X)', 'hyperledger/a:$(X)'],
    bad: [],
  },
  'chaincode.car.runtime': {
    at: 'docker.build.carRuntime',
    good: ['$(DOCKER_NS)/a:$(X)', 'hyperledger/a:$(X)'],
    bad: [],
  },
  'chaincode.pull': { at: 'docker.build.pull', good: ['t', true], bad: 'on' },
  'chaincode.golang.dynamicLink': { at: 'docker.build.golangDynamicLink', good: ['t', true], bad: 'on' },
  'vm.docker.tls.enabled': { at: 'docker.engine.tls.enabled', good: ['t', true], bad: 'on' },
  'vm.docker.hostConfig.ReadonlyRootfs': { at: 'docker.host.readonlyRootfs', good: ['t', true], bad: 'on' },
  'vm.docker.hostConfig.OomKillDisable': { at: 'docker.host.oomKillDisable', good: ['t', true], bad: 'on' },
  'vm.endpoint': { at: 'docker.engine.endpoint', good: ['tcp://h:1', 'tcp://h:1'], bad: {} },
  'vm.docker.tls.ca.file': { at: 'docker.engine.tls.caFile', good: ['ca.pem', 'ca.pem'], bad: [] },
  'vm.docker.tls.cert.file': { at: 'docker.engine.tls.certFile', good: ['cert.pem', 'cert.pem'], bad: [] },
  'vm.docker.tls.key.file': { at: 'docker.engine.tls.keyFile', good: ['key.pem', 'key.pem'], bad: [] },
  'vm.docker.hostConfig.NetworkMode': { at: 'docker.host.networkMode', good: ['bridge', 'bridge'], bad: [] },
  'vm.docker.hostConfig.Dns': { at: 'docker.host.dns', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.DnsSearch': { at: 'docker.host.dnsSearch', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.ExtraHosts': { at: 'docker.host.extraHosts', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.CapAdd': { at: 'docker.host.capAdd', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.CapDrop': { at: 'docker.host.capDrop', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.SecurityOpt': { at: 'docker.host.securityOpt', good: ['a, b,', ['a', 'b']], bad: [{}] },
  'vm.docker.hostConfig.IpcMode': { at: 'docker.host.ipcMode', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.PidMode': { at: 'docker.host.pidMode', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.UTSMode': { at: 'docker.host.utsMode', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.CgroupParent': { at: 'docker.host.cgroupParent', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.CpusetCPUs': { at: 'docker.host.cpusetCpus', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.CpusetMEMs': { at: 'docker.host.cpusetMems', good: ['host', 'host'], bad: [] },
  'vm.docker.hostConfig.LogConfig.Type': { at: 'docker.host.logType', good: ['local', 'local'], bad: [] },
  'vm.docker.hostConfig.LogConfig.Config': {
    at: 'docker.host.logConfig',
    good: ['max-size=1m, a=b=c', { 'max-size': '1m', a: 'b=c' }],
    bad: [1],
  },
  'vm.docker.hostConfig.Memory': { at: 'docker.host.memory', good: ['1024', 1024], bad: -1 },
  'vm.docker.hostConfig.MemorySwap': { at: 'docker.host.memorySwap', good: ['7', 7], bad: -2 },
  'vm.docker.hostConfig.MemorySwappiness': { at: 'docker.host.memorySwappiness', good: ['7', 7], bad: 101 },
  'vm.docker.hostConfig.CpuShares': { at: 'docker.host.cpuShares', good: ['7', 7], bad: -1 },
  'vm.docker.hostConfig.CpuQuota': { at: 'docker.host.cpuQuota', good: ['7', 7], bad: -2 },
  'vm.docker.hostConfig.CpuPeriod': { at: 'docker.host.cpuPeriod', good: ['7', 7], bad: 1.5 },
  'vm.docker.hostConfig.BlkioWeight': { at: 'docker.host.blkioWeight', good: ['7', 7], bad: 1001 },
  'ledger.state.totalQueryLimit': { at: 'ledger.totalQueryLimit', good: [10, 10], bad: 0 },
  'ledger.history.enableHistoryDatabase': { at: 'ledger.historyEnabled', good: [0, false], bad: 'maybe' },
  'chaincoded.defaultChannel': { at: 'chaincoded.defaultChannel', good: ['ch-1.a', 'ch-1.a'], bad: 'MyChannel' },
  'chaincoded.registerTimeout': { at: 'chaincoded.registerTimeoutMs', good: ['250ms', 250], bad: '-1s' },
  'chaincoded.termGrace': { at: 'chaincoded.termGraceMs', good: ['0', 0], bad: '1d' },
  'chaincoded.killGrace': { at: 'chaincoded.killGraceMs', good: ['1.5s', 1500], bad: true },
  'chaincoded.buildTimeout': { at: 'chaincoded.buildTimeoutMs', good: ['20m', 1_200_000], bad: 'soon' },
  'chaincoded.shutdownTimeout': { at: 'chaincoded.shutdownTimeoutMs', good: ['1h', 3_600_000], bad: '10000h' },
  'chaincoded.transport': { at: 'chaincoded.transport', good: ['grpc-js', 'grpc-js'], bad: 'grpc' },
  'chaincoded.chaincodeTls': { at: 'chaincoded.chaincodeTls', good: ['true', true], bad: 'on' },
  'chaincoded.registration': { at: 'chaincoded.registration', good: ['any', 'any'], bad: 'none' },
  'chaincoded.restart': { at: 'chaincoded.restart', good: ['permanent', 'permanent'], bad: 'always' },
  'chaincoded.limits.chaincodes': { at: 'chaincoded.limits.chaincodes', good: [3, 3], bad: 0 },
  'chaincoded.limits.waitingCallers': { at: 'chaincoded.limits.waitingCallers', good: [0, 0], bad: -1 },
  'chaincoded.limits.transactionsInFlight': { at: 'chaincoded.limits.transactionsInFlight', good: [1, 1], bad: 1.5 },
  'chaincoded.limits.openIterators': { at: 'chaincoded.limits.openIterators', good: ['12', 12], bad: 'x' },
  'chaincoded.limits.messageBytes': { at: 'chaincoded.limits.messageBytes', good: [4096, 4096], bad: 3_000_000_000 },
  'chaincoded.limits.logLinesKept': { at: 'chaincoded.limits.logLinesKept', good: [20, 20], bad: 19 },
  'chaincoded.limits.logLineBytes': { at: 'chaincoded.limits.logLineBytes', good: [256, 256], bad: {} },
  'chaincoded.limits.packageBytes': { at: 'chaincoded.limits.packageBytes', good: [1024, 1024], bad: 1023 },
  'chaincoded.limits.packageUnpackedBytes': {
    at: 'chaincoded.limits.packageUnpackedBytes',
    good: [9999, 9999],
    bad: '1g',
  },
  'chaincoded.limits.packageFiles': { at: 'chaincoded.limits.packageFiles', good: [2, 2], bad: 1 },
  'chaincoded.log.level': { at: 'chaincoded.log.level', good: ['debug', 'debug'], bad: 'verbose' },
  'chaincoded.log.format': { at: 'chaincoded.log.format', good: ['json', 'json'], bad: 'xml' },
}

const keys = Object.keys(table) as SettingKey[]

function at(config: Config, path: string): unknown {
  return path.split('.').reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], config)
}

async function refused(sources: ConfigSources): Promise<ChaincodedError> {
  try {
    await resolveConfig(sources)
  } catch (error) {
    if (error instanceof ChaincodedError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('configuration', () => {
  let folder: string
  const fileWith = (text: string): string => {
    const file = join(folder, 'core.yaml')
    writeFileSync(file, text)
    return file
  }
  const withOverride = (key: SettingKey, value: unknown): Promise<ResolvedConfig> =>
    resolveConfig({ dataDir: folder, overrides: { [key]: value } })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-config-'))
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('has a row in this table for every key', () => {
    expect(keys).to.have.members(Object.keys(settings))
  })

  for (const key of keys) {
    const { at: place, good, bad, replaced } = table[key]

    it(`takes ${key} as an option, and in the environment as ${variableOf(key)}`, async () => {
      expect(at((await withOverride(key, good[0])).config, place)).to.deep.equal(good[1])
      const env = { [variableOf(key)]: String(good[0]) }
      expect(at((await resolveConfig({ dataDir: folder, env })).config, place)).to.deep.equal(good[1])
    })

    if (bad !== undefined) {
      it(`refuses ${JSON.stringify(bad)} for ${key}, and says what is allowed`, async () => {
        const error = await refused({ dataDir: folder, overrides: { [key]: bad } })
        expect(error.code).to.equal('CONFIG_BAD_VALUE')
        expect(error.message).to.equal(
          `${key} is ${JSON.stringify(bad)} (options), but it has to be ${settings[key].allowed}`,
        )
      })
    }

    if (replaced !== undefined) {
      it(`replaces ${JSON.stringify(replaced[0])} for ${key} by ${replaced[1]}, with one warning`, async () => {
        const { config, warnings } = await withOverride(key, replaced[0])
        expect(at(config, place)).to.equal(replaced[1])
        expect(warnings).to.have.length(1)
        expect(warnings[0]).to.contain(`(${key}, options)`)
      })
    }
  }

  it('gives the documented defaults, frozen, and without a warning', async () => {
    const { config, warnings, notes, origins } = await resolveConfig({ dataDir: folder })
    expect(config.chaincode).to.deep.include({ mode: 'net', startupTimeoutMs: 300_000, executeTimeoutMs: 30_000 })
    expect(config.chaincode.keepaliveMs).to.equal(0)
    expect(config.peer).to.deep.include({ address: 'localhost:7051', tlsEnabled: true, localMspId: 'Org1MSP' })
    expect(config.peer.chaincodeListenAddress).to.equal('127.0.0.1:7052')
    expect(config.chaincoded.limits.messageBytes).to.equal(100 * 1024 * 1024)
    expect([...warnings, ...notes, ...origins]).to.deep.equal([])
    expect(() => Object.assign(config.chaincoded.limits, { chaincodes: 1 })).to.throw(TypeError)
  })

  it("warns with Fabric's texts where a timeout is below its minimum; a bare number is nanoseconds", async () => {
    const file = fileWith('chaincode:\n  executetimeout: 15\n  startuptimeout: 1s500ms\n')
    const { warnings } = await resolveConfig({ dataDir: folder, file })
    expect(warnings).to.deep.equal([
      `Invalid chaincode startup timeout value 1.5s (should be at least 5s); defaulting to 5s (chaincode.startuptimeout, ${file}:3)`,
      `Invalid execute timeout value 15ns (should be at least 1s); defaulting to 30s (chaincode.executetimeout, ${file}:2)`,
    ])
  })

  it('ranks option over environment over file over default', async () => {
    const file = fileWith('peer: {id: from-file}\n')
    const env = { CORE_PEER_ID: 'from-environment' }
    const id = async (sources: Partial<ConfigSources>) =>
      (await resolveConfig({ dataDir: folder, ...sources })).config.peer.id
    expect(await id({ file, env, overrides: { 'peer.id': 'from-option' } })).to.equal('from-option')
    expect(await id({ file, env, overrides: { 'peer.id': undefined } })).to.equal('from-environment')
    expect(await id({ file, env: { CORE_PEER_ID: '' } })).to.equal('from-file')
  })

  it('finds core.yaml in FABRIC_CFG_PATH, else in the data folder', async () => {
    fileWith('peer: {id: data-folder}\n')
    const fabric = join(folder, 'fabric')
    mkdirSync(fabric)
    const env = { FABRIC_CFG_PATH: fabric }
    expect((await resolveConfig({ dataDir: folder, env })).config.peer.id).to.equal('data-folder')
    writeFileSync(join(fabric, 'core.yaml'), 'peer: {id: fabric}\n')
    const { config, notes } = await resolveConfig({ dataDir: folder, env })
    expect(config.peer.id).to.equal('fabric')
    expect(notes).to.deep.equal([`settings come from ${join(fabric, 'core.yaml')}`])
  })

  it('knows the gateway under the name localhost when it listens on loopback or everywhere', async () => {
    const address = async (listen: string) => (await withOverride('peer.listenAddress', listen)).config.peer.address
    expect(await address('127.0.0.1:8051')).to.equal('localhost:8051')
    expect(await address('0.0.0.0:8051')).to.equal('localhost:8051')
    expect(await address('10.1.2.3:8051')).to.equal('10.1.2.3:8051')
  })

  it('does not mind upper and lower case in keys and variables', async () => {
    const file = fileWith('Chaincode: {executeTimeout: 7s}\n')
    const { config } = await resolveConfig({ dataDir: folder, file, env: { Core_Chaincode_Mode: 'dev' } })
    expect(config.chaincode).to.deep.include({ executeTimeoutMs: 7000, mode: 'dev' })
  })

  it("accepts what a peer's core.yaml has besides, and names it once", async () => {
    const file = fileWith(`
peer:
  gossip: {bootstrap: "127.0.0.1:7051", election: {startupGracePeriod: 15s}}
  tls: {enabled: false, cert: {file: a.crt}}
chaincode: {id: {path: , name: }, system: {lscc: enable}}
vm: {docker: {attachStdout: false}}
operations: {listenAddress: "127.0.0.1:9443"}
metrics: {provider: disabled}
ledger: {blockchain: , state: {couchDBConfig: {queryLimit: 5}}}
`)
    const env = { CORE_PEER_MSPCONFIGPATH: '/msp', CORE_TLS_CLIENT_KEY_PATH: '/key', HOME: '/root', CORE_DUMPS: '1' }
    const { config, notes, warnings } = await resolveConfig({ dataDir: folder, file, env })
    expect(config.peer.tlsEnabled).to.equal(false)
    expect(warnings).to.deep.equal([])
    expect(notes[1]).to.equal(
      'these settings of a peer have no effect here: peer.gossip, peer.tls.cert, chaincode.id, ' +
        'chaincode.system, vm.docker.attachStdout, operations, metrics, ledger.state.couchDBConfig, CORE_PEER_MSPCONFIGPATH',
    )
  })

  it("takes a peer's settings of containers, as its core.yaml has them", async () => {
    const file = fileWith(`
chaincode:
  builder: $(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)
  pull: true
  node: {runtime: nodeenv:1}
vm:
  endpoint: tcp://127.0.0.1:2376
  docker:
    tls: {enabled: true, ca: {file: a}, cert: {file: b}, key: {file: c}}
    hostConfig:
      NetworkMode: bridge
      Dns:
      ExtraHosts: ["a:127.0.0.1"]
      LogConfig: {Type: local, Config: {max-size: "1m"}}
      Memory: 1024
      CpuQuota: -1
`)
    const env = { CORE_VM_DOCKER_HOSTCONFIG_CAPDROP: 'NET_RAW, CHOWN' }
    const { config, notes } = await resolveConfig({ dataDir: folder, file, env })
    const { engine, build, host } = config.docker
    expect(engine.endpoint).to.equal('tcp://127.0.0.1:2376')
    expect(engine.tls).to.deep.equal({ enabled: true, caFile: 'a', certFile: 'b', keyFile: 'c' })
    expect(build).to.include({ builder: 'hyperledger/fabric-ccenv:3.1', pull: true, nodeRuntime: 'nodeenv:1' })
    expect(host).to.deep.include({ networkMode: 'bridge', dns: [], extraHosts: ['a:127.0.0.1'], memory: 1024 })
    expect(host).to.deep.include({
      logType: 'local',
      logConfig: { 'max-size': '1m' },
      cpuQuota: -1,
      memorySwap: undefined,
    })
    expect(host.capDrop).to.deep.equal(['NET_RAW', 'CHOWN'])
    expect(notes).to.have.length(1)
  })

  it('has the defaults of a peer for containers', async () => {
    const { engine, build, host, names } = (await resolveConfig({ dataDir: folder })).config.docker
    expect(engine.endpoint).to.equal('unix:///var/run/docker.sock')
    expect(engine.tls?.enabled).to.equal(false)
    expect(build).to.include({ pull: false, nodeRuntime: 'hyperledger/fabric-nodeenv:2.5' })
    expect(host).to.deep.include({ networkMode: 'host', memory: 2147483648, logType: 'json-file' })
    expect(host.logConfig).to.deep.equal({ 'max-size': '50m', 'max-file': '5' })
    expect(names).to.deep.equal({ networkId: 'dev', peerId: 'jdoe' })
  })

  const unknown: [string, string, number, string | undefined][] = [
    ['a misspelt key', 'chaincode:\n  executetimout: 5s\n', 2, 'did you mean chaincode.executetimeout?'],
    ['a key outside its section', 'executetimeout: 5s\n', 1, 'did you mean chaincode.executetimeout?'],
    [
      'a misspelt section',
      'chaincoded:\n  limit:\n    chaincodes: 5\n',
      3,
      'did you mean chaincoded.limits.chaincodes?',
    ],
    [
      'a new key in a section',
      'ledger:\n  state:\n    colour: 1\n',
      3,
      'the settings here are ledger.state.totalQueryLimit',
    ],
    ['a key of nowhere', 'colour: 1\n', 1, undefined],
  ]
  for (const [what, text, line, hint] of unknown) {
    it(`refuses ${what} with its line${hint ? ' and a proposal' : ''}`, async () => {
      const file = fileWith(text)
      const error = await refused({ dataDir: folder, file })
      expect(error.code).to.equal('CONFIG_UNKNOWN_KEY')
      expect(error.message).to.contain(`(${file}:${line})`)
      expect(error.hint).to.equal(hint)
    })
  }

  it('refuses a misspelt variable, but not those of other programs', async () => {
    const error = await refused({ dataDir: folder, env: { CORE_CHAINCODED_TRANSPORTS: 'http2' } })
    expect(error.explain()).to.equal(
      'there is no setting CORE_CHAINCODED_TRANSPORTS (environment)\nhint: did you mean CORE_CHAINCODED_TRANSPORT?',
    )
  })

  it('refuses an unknown option key, and names a flag where a flag gave a bad value', async () => {
    const unknownKey = await refused({ dataDir: folder, overrides: { 'chaincode.modus': 'dev' } as object })
    expect(unknownKey.explain()).to.equal(
      'there is no setting chaincode.modus (options)\nhint: did you mean chaincode.mode?',
    )
    const flagged = await refused({
      dataDir: folder,
      overrides: { 'peer.listenAddress': 'nowhere' },
      overrideName: () => '--gateway',
    })
    expect(flagged.message).to.equal('peer.listenAddress is "nowhere" (--gateway), but it has to be HOST:PORT')
  })

  const damaged: [string, string, RegExp][] = [
    ['is no YAML', 'chaincode: [1\n', /core\.yaml:2: /],
    ['is a list', '- 1\n', /core\.yaml:1: the file has to be a map of settings/],
    ['names a key twice', 'peer:\n  id: a\n  id: b\n', /core\.yaml:3: Map keys must be unique/],
    [
      'names a key twice in different case',
      'peer:\n  id: a\nPeer:\n  ID: b\n',
      /core\.yaml:4: Peer\.ID is already set/,
    ],
  ]
  for (const [what, text, message] of damaged) {
    it(`refuses a file that ${what}, with the line`, async () => {
      const error = await refused({ dataDir: folder, file: fileWith(text) })
      expect(error.code).to.equal('CONFIG_FILE_INVALID')
      expect(error.message).to.match(message)
    })
  }

  it('refuses a value where a section belongs, and a section where a value belongs', async () => {
    const section = await refused({ dataDir: folder, file: fileWith('chaincode: 5\n') })
    expect(section.message).to.match(/^chaincode is 5 \(.*:1\), but it has to be a section, with chaincode\.mode/)
    const value = await refused({ dataDir: folder, file: fileWith('chaincode: {mode: {dev: true}}\n') })
    expect(value.message).to.match(/^chaincode\.mode is \{"dev":true\} \(.*:1\), but it has to be net or dev$/)
  })

  it('names a file that cannot be read', async () => {
    const missing = await refused({ dataDir: folder, file: join(folder, 'no.yaml') })
    expect(missing.message).to.equal(
      `cannot read the configuration file ${join(folder, 'no.yaml')}: there is no such file`,
    )
    expect((await refused({ dataDir: folder, file: folder })).message).to.contain('it is a folder')
  })

  it('follows anchors, and takes an empty value or an empty file as not set', async () => {
    const file = fileWith('peer: {id: &name p1, networkId: *name}\nchaincode:\n  mode:\n')
    const { config } = await resolveConfig({ dataDir: folder, file })
    expect([config.peer.networkId, config.chaincode.mode]).to.deep.equal(['p1', 'net'])
    expect((await resolveConfig({ dataDir: folder, file: fileWith('') })).config.peer.id).to.equal('jdoe')
  })
})
