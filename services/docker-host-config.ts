import type Dockerode from 'dockerode'

/** What a container may use of its host: Fabric's keys `vm.docker.hostConfig.*`. What is undefined is the engine's choice. */
export interface HostSettings {
  /** Empty means `host`, as in Fabric. */
  networkMode: string
  dns: readonly string[]
  dnsSearch: readonly string[]
  /** `name:address` */
  extraHosts: readonly string[]
  capAdd: readonly string[]
  capDrop: readonly string[]
  ipcMode: string | undefined
  pidMode: string | undefined
  utsMode: string | undefined
  logType: string
  logConfig: Readonly<Record<string, string>>
  readonlyRootfs: boolean
  securityOpt: readonly string[]
  cgroupParent: string | undefined
  /** Bytes; 0 is no limit. */
  memory: number
  /** Bytes of memory and swap together; -1 is no limit. */
  memorySwap: number | undefined
  /** 0 to 100. */
  memorySwappiness: number | undefined
  oomKillDisable: boolean
  cpuShares: number | undefined
  cpusetCpus: string | undefined
  cpusetMems: string | undefined
  /** Microseconds of each period. */
  cpuQuota: number | undefined
  /** Microseconds. */
  cpuPeriod: number | undefined
  /** 10 to 1000. */
  blkioWeight: number | undefined
}

/** The settings in the engine's words; only what is set. */
export function hostConfig(settings: HostSettings): Dockerode.HostConfig {
  const wanted: Dockerode.HostConfig = {
    NetworkMode: settings.networkMode || 'host',
    Dns: [...settings.dns],
    DnsSearch: [...settings.dnsSearch],
    ExtraHosts: [...settings.extraHosts],
    CapAdd: [...settings.capAdd],
    CapDrop: [...settings.capDrop],
    LogConfig: { Type: settings.logType, Config: { ...settings.logConfig } },
    ReadonlyRootfs: settings.readonlyRootfs,
    SecurityOpt: [...settings.securityOpt],
    Memory: settings.memory,
    OomKillDisable: settings.oomKillDisable,
  }
  const optional = {
    IpcMode: settings.ipcMode,
    PidMode: settings.pidMode,
    UTSMode: settings.utsMode,
    CgroupParent: settings.cgroupParent,
    MemorySwap: settings.memorySwap,
    MemorySwappiness: settings.memorySwappiness,
    CpuShares: settings.cpuShares,
    CpusetCpus: settings.cpusetCpus,
    CpusetMems: settings.cpusetMems,
    CpuQuota: settings.cpuQuota,
    CpuPeriod: settings.cpuPeriod,
    BlkioWeight: settings.blkioWeight,
  }
  return Object.assign(wanted, Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)))
}
