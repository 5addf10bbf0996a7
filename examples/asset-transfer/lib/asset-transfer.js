'use strict'

const { Contract } = require('fabric-contract-api')

/** Reads an iterator of the ledger to its end, and closes it whatever happens. */
async function collect(iterator, pick) {
  const rows = []
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) rows.push(pick(next.value))
  } finally {
    await iterator.close()
  }
  return rows
}

/** Every argument of a transaction arrives as text. */
function wholeNumber(name, text) {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} has to be a whole number, not "${text}"`)
  return Number(text)
}

const encode = (value) => Buffer.from(JSON.stringify(value))
const decode = (bytes) => JSON.parse(Buffer.from(bytes).toString())

/** The asset with this id; throws where there is none. */
async function read(ctx, id) {
  const bytes = await ctx.stub.getState(id)
  if (bytes.length === 0) throw new Error(`asset ${id} does not exist`)
  return decode(bytes)
}

/** Stores an asset under its id, and returns its text. */
async function write(ctx, asset) {
  await ctx.stub.putState(asset.id, encode(asset))
  return JSON.stringify(asset)
}

/**
 * Assets with a colour, a size, an owner and a value, each under its id as the key. Results are JSON text, because that is
 * what a client gets in any case, and every version of the contract API passes text on as it is.
 */
class AssetTransfer extends Contract {
  /** Adds an asset; the id must be new. */
  async CreateAsset(ctx, id, color, size, owner, value) {
    if (id === '') throw new Error('an asset needs an id')
    if (await this.AssetExists(ctx, id)) throw new Error(`asset ${id} already exists`)
    return write(ctx, { id, color, size: wholeNumber('size', size), owner, value: wholeNumber('value', value) })
  }

  /** The asset with this id. */
  async ReadAsset(ctx, id) {
    return JSON.stringify(await read(ctx, id))
  }

  /** Gives an asset new properties. */
  async UpdateAsset(ctx, id, color, size, owner, value) {
    await read(ctx, id)
    return write(ctx, { id, color, size: wholeNumber('size', size), owner, value: wholeNumber('value', value) })
  }

  /** Gives an asset a new owner, tells the world by the event `AssetTransferred`, and returns the old owner. */
  async TransferAsset(ctx, id, newOwner) {
    const asset = await read(ctx, id)
    await write(ctx, { ...asset, owner: newOwner })
    ctx.stub.setEvent('AssetTransferred', encode({ id, from: asset.owner, to: newOwner }))
    return asset.owner
  }

  /** Removes an asset; its history stays. */
  async DeleteAsset(ctx, id) {
    await read(ctx, id)
    await ctx.stub.deleteState(id)
  }

  /** Whether there is an asset with this id. */
  async AssetExists(ctx, id) {
    const bytes = await ctx.stub.getState(id)
    return bytes.length > 0
  }

  /** All assets, in the order of their ids. */
  async GetAllAssets(ctx) {
    const assets = await collect(await ctx.stub.getStateByRange('', ''), ({ value }) => decode(value))
    return JSON.stringify(assets)
  }

  /** Everything that was ever committed to an asset's key, newest first, deletions too. */
  async GetAssetHistory(ctx, id) {
    const versions = await collect(await ctx.stub.getHistoryForKey(id), ({ txId, timestamp, isDelete, value }) => ({
      txId,
      timestamp: new Date(Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6).toISOString(),
      isDelete: Boolean(isDelete),
      asset: isDelete ? null : decode(value),
    }))
    return JSON.stringify(versions)
  }
}

module.exports = { AssetTransfer }
