import { credentials } from '@grpc/grpc-js'
import { expect } from 'chai'
import {
  ChaincodeMessage,
  ChaincodeMessage_Type as Type,
  ChaincodeSupportClient,
} from '../../proto/gen/peer/chaincode-shim.js'
import { ChaincodeID } from '../../proto/gen/peer/chaincode.js'
import { TestDaemons } from '../fixtures/embedded-daemon.js'

const MEBIBYTE = 1024 * 1024
const daemons = new TestDaemons()

describe('A chaincode that asks on and on, and reads no answer', () => {
  afterEach(() => daemons.closeAll())

  for (const transport of ['http2', 'grpc-js'] as const)
    it(`loses its stream before the answers fill the memory of the daemon, on ${transport}`, async () => {
      const daemon = await daemons.start({
        'chaincode.mode': 'dev',
        'chaincoded.transport': transport,
        'chaincoded.limits.messageBytes': MEBIBYTE,
      })
      const down = daemon.until(({ from, to }) => from === 'stopping' || to === 'stopped')
      const client = new ChaincodeSupportClient(daemon.chaincodeAddress, credentials.createInsecure())
      const stream = client.register()
      stream.on('error', () => undefined)
      const send = (message: Partial<ChaincodeMessage>) => stream.write(ChaincodeMessage.fromPartial(message))
      const name = Buffer.from(ChaincodeID.encode({ path: '', name: 'kv:1.0', version: '' }).finish())
      send({ type: Type.REGISTER, payload: name })
      await daemon.until(({ to }) => to === 'ready')
      // Nobody listens to 'data', so nothing is read; each of these requests is answered with an ERROR of its size.
      const txid = 'x'.repeat(100_000)
      let hasEnded = false
      void down.then(() => (hasEnded = true))
      for (let count = 0; count < 1000 && !hasEnded; count++)
        if (!send({ type: Type.GET_STATE, txid }))
          await Promise.race([down, new Promise((resolve) => stream.once('drain', resolve))])
      await down
      expect((await daemon.list())[0]?.reason).to.match(
        /^stream ended: chaincode kv:1\.0 does not read: \d+ bytes wait for it, and 2097152 may \(twice chaincoded\.limits\.messageBytes\)/,
      )
      stream.cancel()
      client.close()
    })
})
