import type { DockerConfig } from './docker-settings.js'

/** The resolved configuration. Units are in the names; every value is final, so nobody applies a default a second time. */
export interface Config {
  /** How chaincodes are started and called (Fabric's section `chaincode`). */
  readonly chaincode: {
    /** `net`: the daemon starts chaincodes; `dev`: a developer starts them by hand and they register themselves. */
    readonly mode: 'net' | 'dev'
    /** Longest time from a start to ready, at least 5 s. `chaincode.startuptimeout`. */
    readonly startupTimeoutMs: number
    /** Longest time of one Init or Invoke, at least 1 s. `chaincode.executetimeout`. */
    readonly executeTimeoutMs: number
    /** Interval of KEEPALIVE messages to chaincodes; 0 sends none. `chaincode.keepalive`. */
    readonly keepaliveMs: number
    /** What a caller meets while its chaincode starts: a place in the queue, or Fabric's `premature execution` error. */
    readonly whenStarting: 'wait' | 'reject'
    /** What chaincodes get as `CORE_CHAINCODE_LOGGING_…`; levels are normalised as Fabric 3.x does (`warning` → `warn`). */
    readonly logging: { readonly level: string; readonly shim: string; readonly format: string }
    /** What READY tells shims that know batches (Fabric 3.x). */
    readonly runtimeParams: {
      readonly useWriteBatch: boolean
      readonly maxSizeWriteBatch: number
      readonly useGetMultipleKeys: boolean
      readonly maxSizeGetMultipleKeys: number
    }
  }
  /** The peer that clients and chaincodes see (Fabric's section `peer`). */
  readonly peer: {
    readonly id: string
    readonly networkId: string
    /** Host and port that the gateway binds; port 0 takes a free one. */
    readonly listenAddress: string
    /** Host and port under which clients know the gateway. */
    readonly address: string
    /** Host and port that the chaincode listener binds; port 0 takes a free one. */
    readonly chaincodeListenAddress: string
    /** Host and port that chaincodes are told, where it is set. `chaincodeEndpoint` gives the one to use. */
    readonly chaincodeAddress: string | undefined
    readonly localMspId: string
    /** Whether the gateway speaks TLS. `peer.tls.enabled`. */
    readonly tlsEnabled: boolean
  }
  /** How chaincode is built and run in containers (Fabric's section `vm`, and its keys for images). */
  readonly docker: DockerConfig
  readonly ledger: {
    /** Most rows that one query may give to a chaincode. `ledger.state.totalQueryLimit`. */
    readonly totalQueryLimit: number
    /** Whether the history of keys is kept. `ledger.history.enableHistoryDatabase`. */
    readonly historyEnabled: boolean
  }
  /** Settings that Fabric does not have. */
  readonly chaincoded: {
    /** Absolute path of the data folder. Comes from `--data`, never from a file. */
    readonly dataDir: string
    /** Channel that a command means when it names none. */
    readonly defaultChannel: string
    /** How long a chaincode stream may stay without REGISTER. */
    readonly registerTimeoutMs: number
    /** Time between SIGTERM and SIGKILL. */
    readonly termGraceMs: number
    /** How long a process group may take to vanish after SIGKILL. */
    readonly killGraceMs: number
    /** Longest time of one build of a chaincode; the startup delay begins when it is done. */
    readonly buildTimeoutMs: number
    /** Longest time that stopping the whole daemon takes. */
    readonly shutdownTimeoutMs: number
    /** What carries the chaincode streams: gRPC framing on Node's own http2, or @grpc/grpc-js. */
    readonly transport: 'http2' | 'grpc-js'
    /** Whether chaincodes connect over TLS with client certificates. */
    readonly chaincodeTls: boolean
    /** Without TLS: who may register as a chaincode that the daemon has started. */
    readonly registration: 'ownProcess' | 'any'
    /** When a chaincode that ended is started again: at the next call, after a failure, always. */
    readonly restart: 'onDemand' | 'transient' | 'permanent'
    readonly limits: {
      /** Chaincodes of one daemon. */
      readonly chaincodes: number
      /** Callers that wait for one starting chaincode. */
      readonly waitingCallers: number
      /** Transactions that run in one chaincode at a time. */
      readonly transactionsInFlight: number
      /** Query iterators that one transaction holds open. */
      readonly openIterators: number
      /** Size of one message, to and from chaincodes and clients. */
      readonly messageBytes: number
      /** Output lines of one chaincode that are kept in memory. */
      readonly logLinesKept: number
      /** Length at which an output line is cut. */
      readonly logLineBytes: number
      /** Size of one chaincode package. */
      readonly packageBytes: number
      /** What a package may unpack to. */
      readonly packageUnpackedBytes: number
      /** Files in one chaincode package. */
      readonly packageFiles: number
    }
    readonly log: {
      readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
      /** `auto`: text on a terminal, JSON elsewhere. */
      readonly format: 'auto' | 'text' | 'json'
    }
  }
}
