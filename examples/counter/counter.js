'use strict'

const shim = require('fabric-shim')

/** The value of a counter; one that was never written is 0. */
async function read(stub, name) {
  const bytes = await stub.getState(name)
  return Number(Buffer.from(bytes).toString())
}

const functions = {
  /** `increment NAME [BY]` adds to a counter, and answers its new value. */
  async increment(stub, name, by = '1') {
    if (!/^-?\d{1,15}$/.test(by)) throw new Error(`cannot add "${by}": it is no whole number`)
    const value = (await read(stub, name)) + Number(by)
    await stub.putState(name, Buffer.from(String(value)))
    return value
  },

  /** `read NAME` answers a counter's value. */
  read,
}

class Counter {
  async Init() {
    return shim.success()
  }

  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters()
    try {
      if (!Object.hasOwn(functions, fcn))
        throw new Error(`there is no function "${fcn}", only ${Object.keys(functions).join(' and ')}`)
      if (!params[0]) throw new Error(`${fcn} needs the name of a counter`)
      return shim.success(Buffer.from(String(await functions[fcn](stub, ...params))))
    } catch (error) {
      return shim.error(error.message)
    }
  }
}

shim.start(new Counter())
