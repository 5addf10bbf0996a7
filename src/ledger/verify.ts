import { Block, type BlockHeader } from '../../proto/gen/common/common.js'
import { channelHeaderOf, dataHash, headerHash } from './block.js'
import type { ChannelKeys } from './keys.js'
import { decodeSavepoint, decodeTransaction } from './records.js'
import type { Store, StoreSnapshot } from './store.js'

/** Position of the validation codes in a block's metadata. */
const TRANSACTIONS_FILTER = 2
const VALID = 0

const hex = (bytes: Buffer): string => bytes.toString('hex')

/**
 * Walks the whole chain of a channel on one snapshot and answers the problems found, one line each: gaps in the numbers,
 * hashes, length of the filter, index of transaction ids, savepoint. Keeps one block in memory at a time.
 */
export async function verifyChain(store: Store, keys: ChannelKeys): Promise<string[]> {
  const snapshot = store.snapshot()
  const cursor = store.cursor(keys.allBlocks(), { snapshot })
  try {
    const problems: string[] = []
    let height = 0
    let previousHash: Buffer = Buffer.alloc(0)
    for (let entries = await cursor.next(1); entries.length > 0; entries = await cursor.next(1)) {
      const [key, bytes] = entries[0]!
      const number = keys.blockNumberOf(key)
      if (number !== height) problems.push(`blocks ${height} to ${number - 1} are missing`)
      const { header, found } = checkBlock(number, bytes, (txId) => store.get(keys.transaction(txId), snapshot))
      problems.push(...found.map((problem) => `block ${number}: ${problem}`))
      if (header && number === height && !header.previousHash.equals(previousHash))
        problems.push(`block ${number}: its previous hash is ${hex(header.previousHash)}, not ${hex(previousHash)}`)
      if (header) previousHash = headerHash(header)
      height = number + 1
    }
    problems.push(...checkSavepoint(store, keys, snapshot, height, previousHash))
    return problems
  } finally {
    cursor.close()
    void snapshot.close()
  }
}

function checkSavepoint(
  store: Store,
  keys: ChannelKeys,
  snapshot: StoreSnapshot,
  height: number,
  lastHash: Buffer,
): string[] {
  const bytes = store.get(keys.savepoint, snapshot)
  if (!bytes) return ['the savepoint is missing']
  const savepoint = decodeSavepoint(bytes)
  if (savepoint.height !== height) return [`the savepoint tells of ${savepoint.height} blocks, and there are ${height}`]
  return savepoint.lastHash.equals(lastHash) ? [] : [`the savepoint has another hash of block ${height - 1}`]
}

function checkBlock(
  number: number,
  bytes: Buffer,
  indexOf: (txId: string) => Buffer | undefined,
): { header: BlockHeader | undefined; found: string[] } {
  let block: Block
  try {
    block = Block.decode(bytes)
  } catch {
    return { header: undefined, found: ['cannot be decoded'] }
  }
  const { header } = block
  const envelopes = block.data?.data ?? []
  const filter = block.metadata?.metadata[TRANSACTIONS_FILTER] ?? Buffer.alloc(0)
  const found: string[] = []
  if (header?.number !== BigInt(number)) found.push(`its header has the number ${header?.number}`)
  if (header && !header.dataHash.equals(dataHash(envelopes))) found.push('its data do not have the hash in its header')
  if (filter.length !== envelopes.length)
    found.push(`it has ${envelopes.length} transactions and ${filter.length} validation codes`)
  envelopes.forEach((envelope, txNum) => {
    const txId = channelHeaderOf(envelope)?.txId
    const problem = txId ? checkIndex(number, txNum, filter[txNum], indexOf(txId)) : undefined
    if (problem) found.push(`transaction ${txNum} (${txId}) ${problem}`)
  })
  return { header, found }
}

/** A valid transaction has to be in the index; whatever is there has to be this place, or the place of an earlier copy. */
function checkIndex(
  number: number,
  txNum: number,
  code: number | undefined,
  bytes: Buffer | undefined,
): string | undefined {
  if (!bytes) return code === VALID ? 'is not in the index' : undefined
  const entry = decodeTransaction(bytes)
  if (entry.blockNum === number && entry.txNum === txNum)
    return entry.code === code ? undefined : `has code ${code} in the block and ${entry.code} in the index`
  const isEarlier = entry.blockNum < number || (entry.blockNum === number && entry.txNum < txNum)
  return isEarlier ? undefined : `is indexed in block ${entry.blockNum}, behind this one`
}
