import * as z from 'zod'
import type { EngineEndpoint } from '../../services/docker-connect.js'
import type { HostSettings } from '../../services/docker-host-config.js'
import type { BuildSettings } from '../../services/docker-languages.js'
import type { PeerNames } from '../../services/docker-names.js'
import type { Setting } from './settings.js'
import { boolean, integer, text } from './values.js'

/** Everything about containers, as the Docker runtime uses it. */
export interface DockerConfig {
  readonly engine: EngineEndpoint
  readonly build: BuildSettings
  readonly host: HostSettings
  readonly names: PeerNames
  /** Version of Fabric that chaincode is told. */
  readonly buildLevel: string
}

/** The release of Fabric whose images the templates of image names mean. */
const FABRIC_VERSION = '3.1.1'

const row = <T>(setting: Setting<T>): Setting<T> => setting

/** `$(ARCH)` and its like in the name of an image. */
const image = text.transform((name) =>
  name.replace(/\$\((\w+)\)/g, (template, key: string) => {
    const known: Record<string, string> = {
      ARCH: process.arch === 'x64' ? 'x86_64' : process.arch,
      PROJECT_VERSION: FABRIC_VERSION,
      BASE_VERSION: FABRIC_VERSION,
      TWO_DIGIT_VERSION: FABRIC_VERSION.split('.').slice(0, 2).join('.'),
      DOCKER_NS: 'hyperledger',
      BASE_DOCKER_NS: 'hyperledger',
    }
    return known[key] ?? template
  }),
)

/** A list, as YAML has it or as text with commas between. */
const list = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : (value ?? [])),
  z.array(z.string()).transform((parts) => parts.filter((part) => part !== '')),
)

/** A map, as YAML has it or as text: `max-size=50m,max-file=5`. */
const map = z.preprocess(
  (value) => {
    if (typeof value !== 'string') return value ?? {}
    const parts = value.split(',').filter((part) => part.trim() !== '')
    return Object.fromEntries(
      parts.map((part) => [part.split('=', 1)[0]!.trim(), part.slice(part.indexOf('=') + 1).trim()]),
    )
  },
  z.record(z.string(), z.coerce.string()),
)

const anImage = 'the name of an image; $(DOCKER_NS), $(ARCH), $(TWO_DIGIT_VERSION) and their like are replaced'
const imageRow = (fallback: string, meaning: string) => row({ schema: image, fallback, allowed: anImage, meaning })
const flagRow = (meaning: string) => row({ schema: boolean, fallback: false, allowed: 'true or false', meaning })
const textRow = (fallback: string, allowed: string, meaning: string) =>
  row({ schema: text, fallback, allowed, meaning })
const listRow = (meaning: string) => row({ schema: list, fallback: '', allowed: 'a list of words', meaning })
const wordRow = (meaning: string) => row({ schema: text.optional(), fallback: undefined, allowed: 'a word', meaning })
const numberRow = (meaning: string, minimum: number, maximum?: number) =>
  row({
    schema: integer(minimum, maximum).optional(),
    fallback: undefined,
    allowed: `a whole number from ${minimum}${maximum === undefined ? '' : ` to ${maximum}`}`,
    meaning,
  })

/** Fabric's keys about containers, spelt as in core.yaml. */
export const dockerSettings = {
  'chaincode.builder': imageRow(
    '$(DOCKER_NS)/fabric-ccenv:$(TWO_DIGIT_VERSION)',
    'Image that builds Go chaincode for containers.',
  ),
  'chaincode.pull': flagRow('Whether each build of an image asks the registry for newer base images.'),
  'chaincode.golang.runtime': imageRow(
    '$(DOCKER_NS)/fabric-baseos:$(TWO_DIGIT_VERSION)',
    'Image that Go chaincode is put on.',
  ),
  'chaincode.golang.dynamicLink': flagRow('Whether Go chaincode for containers is linked dynamically.'),
  'chaincode.node.runtime': imageRow(
    '$(DOCKER_NS)/fabric-nodeenv:2.5',
    'Image that builds Node chaincode, and that it is put on.',
  ),
  'chaincode.java.runtime': imageRow(
    '$(DOCKER_NS)/fabric-javaenv:2.5',
    'Image that builds Java chaincode, and that it is put on.',
  ),
  'chaincode.car.runtime': imageRow(
    '$(BASE_DOCKER_NS)/fabric-baseos:$(TWO_DIGIT_VERSION)',
    'Image that chaincode from a CAR is put on.',
  ),
  'vm.endpoint': textRow(
    'unix:///var/run/docker.sock',
    'unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or https://HOST:PORT',
    'Where the container engine listens; used by chaincode with --runtime docker only.',
  ),
  'vm.docker.tls.enabled': flagRow('Whether the engine is spoken to over TLS, with a client certificate.'),
  'vm.docker.tls.ca.file': textRow('docker/ca.crt', 'a path', "PEM file with the engine's CA."),
  'vm.docker.tls.cert.file': textRow('docker/tls.crt', 'a path', 'PEM file with the client certificate.'),
  'vm.docker.tls.key.file': textRow('docker/tls.key', 'a path', "PEM file with the client's key."),
  'vm.docker.hostConfig.NetworkMode': textRow(
    'host',
    'a network of the engine, or host',
    'Network of the containers; with another than host, set peer.chaincodeAddress to what they reach.',
  ),
  'vm.docker.hostConfig.Dns': listRow('Name servers of the containers.'),
  'vm.docker.hostConfig.DnsSearch': listRow('Search domains of the containers.'),
  'vm.docker.hostConfig.ExtraHosts': listRow('Entries of /etc/hosts in the containers, NAME:ADDRESS.'),
  'vm.docker.hostConfig.CapAdd': listRow('Capabilities that are added.'),
  'vm.docker.hostConfig.CapDrop': listRow('Capabilities that are dropped.'),
  'vm.docker.hostConfig.IpcMode': wordRow('IPC namespace of the containers.'),
  'vm.docker.hostConfig.PidMode': wordRow('PID namespace of the containers.'),
  'vm.docker.hostConfig.UTSMode': wordRow('UTS namespace of the containers.'),
  'vm.docker.hostConfig.LogConfig.Type': textRow(
    'json-file',
    'a log driver',
    "The engine's own log of the containers.",
  ),
  'vm.docker.hostConfig.LogConfig.Config': row({
    schema: map,
    fallback: 'max-size=50m,max-file=5',
    allowed: 'a map, or NAME=VALUE with commas between',
    meaning: 'Options of that log driver.',
  }),
  'vm.docker.hostConfig.ReadonlyRootfs': flagRow('Whether the root file system of the containers is read-only.'),
  'vm.docker.hostConfig.SecurityOpt': listRow('Security options.'),
  'vm.docker.hostConfig.CgroupParent': wordRow('Control group that the containers are put below.'),
  'vm.docker.hostConfig.Memory': row({
    schema: integer(0),
    fallback: 2_147_483_648,
    allowed: 'a whole number of bytes; 0 is no limit',
    meaning: 'Memory of a container, bytes.',
  }),
  'vm.docker.hostConfig.MemorySwap': numberRow('Memory and swap together, bytes; -1 is no limit.', -1),
  'vm.docker.hostConfig.MemorySwappiness': numberRow('How readily memory is swapped.', 0, 100),
  'vm.docker.hostConfig.OomKillDisable': flagRow('Whether a container that needs too much memory waits, not dies.'),
  'vm.docker.hostConfig.CpuShares': numberRow("The container's weight for processor time.", 0),
  'vm.docker.hostConfig.CpusetCPUs': wordRow('Processors that a container may use, such as 0-2.'),
  'vm.docker.hostConfig.CpusetMEMs': wordRow('Memory nodes that a container may use.'),
  'vm.docker.hostConfig.CpuQuota': numberRow('Processor time of a container in each period, microseconds.', -1),
  'vm.docker.hostConfig.CpuPeriod': numberRow('That period, microseconds.', 0),
  'vm.docker.hostConfig.BlkioWeight': numberRow(
    "The container's weight for disk time; 0 leaves it to the engine.",
    0,
    1000,
  ),
} as const

type DockerValues = { readonly [Key in keyof typeof dockerSettings]: z.output<(typeof dockerSettings)[Key]['schema']> }

/** The keys about containers as the Docker runtime takes them. */
export function dockerConfig(values: DockerValues, names: PeerNames): DockerConfig {
  const host = <Key extends string>(key: Key) => `vm.docker.hostConfig.${key}` as const
  return {
    engine: {
      endpoint: values['vm.endpoint'],
      tls: {
        enabled: values['vm.docker.tls.enabled'],
        caFile: values['vm.docker.tls.ca.file'],
        certFile: values['vm.docker.tls.cert.file'],
        keyFile: values['vm.docker.tls.key.file'],
      },
    },
    build: {
      builder: values['chaincode.builder'],
      pull: values['chaincode.pull'],
      golangRuntime: values['chaincode.golang.runtime'],
      golangDynamicLink: values['chaincode.golang.dynamicLink'],
      nodeRuntime: values['chaincode.node.runtime'],
      javaRuntime: values['chaincode.java.runtime'],
      carRuntime: values['chaincode.car.runtime'],
    },
    host: {
      networkMode: values[host('NetworkMode')],
      dns: values[host('Dns')],
      dnsSearch: values[host('DnsSearch')],
      extraHosts: values[host('ExtraHosts')],
      capAdd: values[host('CapAdd')],
      capDrop: values[host('CapDrop')],
      ipcMode: values[host('IpcMode')],
      pidMode: values[host('PidMode')],
      utsMode: values[host('UTSMode')],
      logType: values[host('LogConfig.Type')],
      logConfig: values[host('LogConfig.Config')],
      readonlyRootfs: values[host('ReadonlyRootfs')],
      securityOpt: values[host('SecurityOpt')],
      cgroupParent: values[host('CgroupParent')],
      memory: values[host('Memory')],
      memorySwap: values[host('MemorySwap')],
      memorySwappiness: values[host('MemorySwappiness')],
      oomKillDisable: values[host('OomKillDisable')],
      cpuShares: values[host('CpuShares')],
      cpusetCpus: values[host('CpusetCPUs')],
      cpusetMems: values[host('CpusetMEMs')],
      cpuQuota: values[host('CpuQuota')],
      cpuPeriod: values[host('CpuPeriod')],
      blkioWeight: values[host('BlkioWeight')] || undefined,
    },
    names,
    buildLevel: FABRIC_VERSION,
  }
}
