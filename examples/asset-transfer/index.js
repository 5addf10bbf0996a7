'use strict'

const { AssetTransfer } = require('./lib/asset-transfer.js')

module.exports.contracts = [AssetTransfer]
