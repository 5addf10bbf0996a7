import * as z from 'zod'
import { dockerSettings } from './docker-settings.js'
import {
  boolean,
  chaincodeLogLevel,
  duration,
  formatGoDuration,
  hostPort,
  integer,
  oneOf,
  parseGoDuration,
  text,
  word,
} from './values.js'

/** One row of the configuration: what a key takes, and what is used without it. */
export interface Setting<T> {
  /** Reads the value as YAML, an environment variable or a flag gives it. */
  readonly schema: z.ZodType<T>
  /** What is used when nobody sets the key, as it would stand in core.yaml; undefined stays undefined. */
  readonly fallback: string | number | boolean | undefined
  /** The values that the key takes, in words. */
  readonly allowed: string
  /** One sentence for the table of settings. */
  readonly meaning: string
  /** Where Fabric goes on with another value instead of failing: that value, and the warning. */
  readonly lenient?: { readonly instead: T; readonly warning: (shown: string) => string }
  /** Fabric's lower bound: below it the value `instead` holds, with a warning. Milliseconds. */
  readonly atLeast?: { readonly minimum: T; readonly instead: T; readonly warning: (shown: string) => string }
}

const setting = <T>(row: Setting<T>): Setting<T> => row

const aDuration = 'a duration such as 30s or 1m30s (a bare number is nanoseconds)'
const aLevel = 'debug, info, notice, warning, error, critical, panic or fatal'
const anAddress = 'HOST:PORT'

const chaincodeLevel = (key: string, fallback: string, meaning: string) =>
  setting({
    schema: chaincodeLogLevel,
    fallback,
    allowed: aLevel,
    meaning,
    lenient: {
      instead: 'info',
      warning: (shown) => `${key} has invalid log level ${shown}. defaulting to info`,
    },
  })

const batch = (key: string, meaning: string) => ({
  use: setting({
    schema: boolean,
    fallback: true,
    allowed: 'true or false',
    meaning,
    lenient: { instead: false, warning: (shown) => `${key} is ${shown}, which is neither true nor false; it is off` },
  }),
  size: (sizeKey: string) =>
    setting({
      schema: integer(1, 0xffffffff),
      fallback: 1000,
      allowed: 'a whole number from 1',
      meaning: `Most entries of such a batch.`,
      lenient: { instead: 1000, warning: (shown) => `${sizeKey} is ${shown}, which is no number above 0; it is 1000` },
    }),
})

const writeBatch = batch('chaincode.runtimeParams.useWriteBatch', 'Whether shims may send writes in batches.')
const getMultiple = batch('chaincode.runtimeParams.useGetMultipleKeys', 'Whether shims may ask for many keys at once.')

const limit = (fallback: number, meaning: string, minimum = 1) =>
  setting({ schema: integer(minimum), fallback, allowed: `a whole number from ${minimum}`, meaning })

const time = (fallback: string, meaning: string) => setting({ schema: duration, fallback, allowed: aDuration, meaning })

const choice = <const Words extends readonly [string, ...string[]]>(
  words: Words,
  fallback: Words[number],
  meaning: string,
) =>
  setting({ schema: oneOf(words), fallback, allowed: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`, meaning })

/** Every key that takes effect, spelt as in core.yaml. */
export const settings = {
  'chaincode.mode': choice(
    ['net', 'dev'],
    'net',
    'net: the daemon starts chaincodes; dev: you start them by hand (also --peer-chaincodedev).',
  ),
  'chaincode.startuptimeout': setting({
    schema: duration,
    fallback: '300s',
    allowed: aDuration,
    meaning: 'Longest time from the start of a chaincode to ready; at least 5s.',
    atLeast: {
      minimum: 5000,
      instead: 5000,
      warning: (shown) => `Invalid chaincode startup timeout value ${shown} (should be at least 5s); defaulting to 5s`,
    },
  }),
  'chaincode.executetimeout': setting({
    schema: duration,
    fallback: '30s',
    allowed: aDuration,
    meaning: 'Longest time of one Init or Invoke; at least 1s, else 30s.',
    atLeast: {
      minimum: 1000,
      instead: 30_000,
      warning: (shown) => `Invalid execute timeout value ${shown} (should be at least 1s); defaulting to 30s`,
    },
  }),
  'chaincode.keepalive': setting({
    schema: integer(0, 2_147_483),
    fallback: 0,
    allowed: 'a whole number of seconds; 0 is off',
    meaning: 'Seconds between KEEPALIVE messages to a chaincode; 0 sends none.',
    lenient: {
      instead: 0,
      warning: (shown) => `Invalid keepalive value ${shown} (should be a whole number of seconds); defaulting to 0`,
    },
  }),
  'chaincode.whenStarting': choice(
    ['wait', 'reject'],
    'wait',
    "A call while the chaincode starts: wait for it, or reject it with Fabric's error.",
  ),
  'chaincode.logging.level': chaincodeLevel('chaincode.logging.level', 'info', 'Log level that chaincodes are given.'),
  'chaincode.logging.shim': chaincodeLevel('chaincode.logging.shim', 'warning', 'Log level of the shim in chaincodes.'),
  'chaincode.logging.format': setting({
    schema: text,
    fallback: '',
    allowed: 'text',
    meaning: 'Log format that chaincodes are given.',
  }),
  'chaincode.runtimeParams.useWriteBatch': writeBatch.use,
  'chaincode.runtimeParams.maxSizeWriteBatch': writeBatch.size('chaincode.runtimeParams.maxSizeWriteBatch'),
  'chaincode.runtimeParams.useGetMultipleKeys': getMultiple.use,
  'chaincode.runtimeParams.maxSizeGetMultipleKeys': getMultiple.size('chaincode.runtimeParams.maxSizeGetMultipleKeys'),
  'peer.id': setting({ schema: word, fallback: 'jdoe', allowed: 'a word', meaning: 'Name of this peer.' }),
  'peer.networkId': setting({ schema: word, fallback: 'dev', allowed: 'a word', meaning: 'Name of the network.' }),
  'peer.listenAddress': setting({
    schema: hostPort,
    fallback: '127.0.0.1:7051',
    allowed: anAddress,
    meaning: 'Where the gateway listens (also --gateway); port 0 takes a free one.',
  }),
  'peer.address': setting({
    schema: hostPort.optional(),
    fallback: undefined,
    allowed: anAddress,
    meaning:
      'Under which address clients know the gateway; else that of listenAddress, localhost for a loopback or 0.0.0.0.',
  }),
  'peer.chaincodeListenAddress': setting({
    schema: hostPort,
    fallback: '127.0.0.1:7052',
    allowed: anAddress,
    meaning: 'Where chaincodes connect to (also --chaincode-listen); port 0 takes a free one.',
  }),
  'peer.chaincodeAddress': setting({
    // Its rule depends on chaincode.mode, so the endpoint function checks it.
    schema: z.string().optional(),
    fallback: undefined,
    allowed: anAddress,
    meaning: 'The address that chaincodes are told, where it differs from the one above.',
  }),
  'peer.localMspId': setting({
    schema: word,
    fallback: 'Org1MSP',
    allowed: 'a word',
    meaning: 'MSP id of the peer and its users.',
  }),
  'peer.tls.enabled': setting({
    schema: boolean,
    fallback: true,
    allowed: 'true or false',
    meaning: 'Whether the gateway speaks TLS (also --no-tls).',
  }),
  ...dockerSettings,
  'ledger.state.totalQueryLimit': limit(100_000, 'Most rows that one query gives to a chaincode.'),
  'ledger.history.enableHistoryDatabase': setting({
    schema: boolean,
    fallback: true,
    allowed: 'true or false',
    meaning: 'Whether the history of keys is kept.',
  }),
  'chaincoded.defaultChannel': setting({
    schema: text.pipe(z.string().regex(/^[a-z][a-z0-9.-]{0,248}$/)),
    fallback: 'mychannel',
    allowed: 'a channel name, [a-z][a-z0-9.-]*, at most 249 characters',
    meaning: 'Channel that a command means when it names none.',
  }),
  'chaincoded.registerTimeout': time('10s', 'How long a chaincode stream may stay without REGISTER.'),
  'chaincoded.termGrace': time('5s', 'Time between SIGTERM and SIGKILL when a chaincode is stopped.'),
  'chaincoded.killGrace': time('5s', 'How long a process group may take to vanish after SIGKILL.'),
  'chaincoded.buildTimeout': time('10m', 'Longest time of one build of a chaincode, which is before its start.'),
  'chaincoded.shutdownTimeout': time('15s', 'Longest time that stopping the whole daemon takes.'),
  'chaincoded.transport': choice(
    ['http2', 'grpc-js'],
    'http2',
    "What carries chaincode streams: gRPC framing on Node's http2, or @grpc/grpc-js.",
  ),
  'chaincoded.chaincodeTls': setting({
    schema: boolean,
    fallback: false,
    allowed: 'true or false',
    meaning: 'Whether chaincodes connect over TLS, each with a certificate that is issued for its launch.',
  }),
  'chaincoded.registration': choice(
    ['ownProcess', 'any'],
    'ownProcess',
    'Without TLS, who may register as a chaincode that the daemon started: its process, where the system tells; or any.',
  ),
  'chaincoded.restart': choice(
    ['onDemand', 'transient', 'permanent'],
    'onDemand',
    'When a chaincode that ended starts again: at the next call, after a failure, always.',
  ),
  'chaincoded.limits.chaincodes': limit(10_000, 'Chaincodes of one daemon.'),
  'chaincoded.limits.waitingCallers': limit(1000, 'Callers that wait for one starting chaincode.', 0),
  'chaincoded.limits.transactionsInFlight': limit(1000, 'Transactions that run in one chaincode at a time.'),
  'chaincoded.limits.openIterators': limit(100, 'Query iterators that one transaction holds open.'),
  'chaincoded.limits.messageBytes': setting({
    schema: integer(1024, 2 ** 31 - 1),
    fallback: 104_857_600,
    allowed: 'a whole number from 1024 to 2147483647',
    meaning: 'Bytes of one message, to and from chaincodes and clients.',
  }),
  'chaincoded.limits.logLinesKept': limit(1000, 'Output lines of one chaincode that are kept in memory.', 20),
  'chaincoded.limits.logLineBytes': limit(65_536, 'Length at which an output line is cut.', 256),
  'chaincoded.limits.packageBytes': limit(104_857_600, 'Bytes of one chaincode package.', 1024),
  'chaincoded.limits.packageUnpackedBytes': limit(1_073_741_824, 'Bytes that a package may unpack to.', 1024),
  'chaincoded.limits.packageFiles': limit(100_000, 'Files in one chaincode package.', 2),
  'chaincoded.log.level': choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'How much the daemon says about itself.',
  ),
  'chaincoded.log.format': choice(['auto', 'text', 'json'], 'auto', 'auto: text on a terminal, JSON lines elsewhere.'),
} as const

/** A key of core.yaml that takes effect. */
export type SettingKey = keyof typeof settings

/** The value of every key, after its schema and its rules. */
export type Values = { readonly [Key in SettingKey]: z.output<(typeof settings)[Key]['schema']> }

/** How a value is shown in a warning: durations as Go prints them. */
export function shownValue(row: Pick<Setting<unknown>, 'atLeast'>, value: unknown): string {
  const nanoseconds = row.atLeast ? parseGoDuration(value) : undefined
  if (nanoseconds !== undefined) return formatGoDuration(nanoseconds)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
