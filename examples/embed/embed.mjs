// A daemon inside a program: start it, deploy a chaincode, watch it, call it, close.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDaemon } from 'chaincoded'

const dataDir = await mkdtemp(join(tmpdir(), 'embed-'))
const daemon = await createDaemon({ dataDir })
try {
  daemon.subscribe(({ ccid, from, to }) => console.log(`${ccid}: ${from} → ${to}`))
  await daemon.deploy({ path: fileURLToPath(new URL('../counter', import.meta.url)) })

  const { result, blockNumber } = await daemon.invoke({ chaincode: 'counter', args: ['increment', 'visits', '41'] })
  console.log(`${result} visits, in block ${blockNumber}`)

  const visits = await daemon.evaluate({ chaincode: 'counter', args: ['read', 'visits'] })
  console.log(`the ledger says ${visits}`)
} finally {
  await daemon.close()
  await rm(dataDir, { recursive: true })
}
