'use strict'
// The functions that the bench measures: noop, getput, read n, write n, range n, fill n.
const { Shim } = require('fabric-shim')

const value = Buffer.alloc(100, 'v')
const keyOf = (i) => `key${String(i).padStart(6, '0')}`

const functions = {
  noop: async () => undefined,
  async getput(stub, n) {
    await stub.getState(keyOf(n))
    await stub.putState(keyOf(n), value)
  },
  async read(stub, n) {
    for (let i = 0; i < n; i++) await stub.getState(keyOf(i))
  },
  async write(stub, n) {
    for (let i = 0; i < n; i++) await stub.putState(keyOf(i), value)
  },
  async range(stub, n) {
    const rows = await stub.getStateByRange(keyOf(0), keyOf(n))
    for (let row = await rows.next(); !row.done; row = await rows.next());
  },
}
functions.fill = functions.write

Shim.start({
  Init: async () => Shim.success(),
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters()
    await functions[fcn](stub, Number(params[0] ?? 0))
    return Shim.success()
  },
})
