/**
 * The keys of the store. Every key is a string, ordered by its UTF-8 bytes; its parts are separated by U+0000, which
 * occurs in no channel, namespace or transaction id. Numbers are hexadecimal behind their length, so that they sort.
 */

/** Where the format of the store is written down. */
export const FORMAT_KEY = 'f'

/** Prefix of the savepoints: one key for each channel. */
export const CHANNEL_PREFIX = 'c\0'

/** A range of store keys: `from` inclusive, `to` exclusive. */
export interface KeyRange {
  from: string
  to: string
}

/** `value` (an integer from 0 to 2^48 - 1) as text whose byte order is the order of the numbers. */
export function orderedNumber(value: number): string {
  const digits = value.toString(16)
  return digits.length.toString(16) + digits
}

const range = (prefix: string, from: string, to: string): KeyRange => ({ from: prefix + from, to: prefix + to })

/** The number behind `prefix` in a key made with `orderedNumber`. */
export const numberBehind = (prefix: string, key: string): number => parseInt(key.slice(prefix.length + 1), 16)

/** The keys of one channel. */
export class ChannelKeys {
  /** Key of the savepoint. */
  readonly savepoint: string
  private readonly state: string
  private readonly history: string
  private readonly blocks: string
  private readonly transactions: string

  constructor(channelId: string) {
    this.savepoint = CHANNEL_PREFIX + channelId
    this.state = `s\0${channelId}\0`
    this.history = `h\0${channelId}\0`
    this.blocks = `b\0${channelId}\0`
    this.transactions = `t\0${channelId}\0`
  }

  /** Key of a block. */
  block(number: number): string {
    return this.blocks + orderedNumber(number)
  }

  /** All blocks. */
  allBlocks(): KeyRange {
    return range(this.blocks, '', 'g')
  }

  /** Number of the block that is stored under `key`. */
  blockNumberOf(key: string): number {
    return numberBehind(this.blocks, key)
  }

  /** Key of the index entry of a transaction id. */
  transaction(txId: string): string {
    return this.transactions + txId
  }

  /** What the state keys of a namespace begin with. */
  namespace(namespace: string): string {
    return `${this.state}${namespace}\0`
  }

  /** What the history keys of a state key begin with; its length tells "a" apart from "a\0b". */
  private historyPrefix(namespace: string, key: string): string {
    return `${this.history}${namespace}\0${orderedNumber(Buffer.byteLength(key))}${key}`
  }

  /** Key of the history entry that transaction `txNum` of block `blockNum` wrote. */
  historyEntry(namespace: string, key: string, blockNum: number, txNum: number): string {
    return this.historyPrefix(namespace, key) + orderedNumber(blockNum) + orderedNumber(txNum)
  }

  /** The whole history of a key. */
  historyOf(namespace: string, key: string): KeyRange {
    return range(this.historyPrefix(namespace, key), '', 'g')
  }
}

/**
 * Store keys of the state keys from `startKey` to before `endKey` (empty: the end of the namespace) below `prefix`, which
 * is `ChannelKeys.namespace`.
 */
export function stateRange(prefix: string, startKey: string, endKey: string): KeyRange {
  return { from: prefix + startKey, to: endKey === '' ? endOf(prefix) : prefix + endKey }
}

/** The first key behind all keys that begin with `prefix`, which ends with U+0000. */
export const endOf = (prefix: string): string => `${prefix.slice(0, -1)}\x01`

/** The first key behind `key`. */
export const successor = (key: string): string => `${key}\0`
