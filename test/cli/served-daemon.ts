import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claimDataFolder, type DaemonFacts, type DataFolderClaim } from '../../src/control/daemon-file.js'
import { serveControl, type ServedControl } from '../../src/control/serve-control.js'
import { FakeDaemon } from './fake-daemon.js'

/** A fake daemon that a command finds through a real data folder and a real Unix socket. */
export class ServedDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), 'cd-cli-'))
  readonly daemon = new FakeDaemon()
  #claim: DataFolderClaim | undefined
  #served: ServedControl | undefined

  async start(facts: Partial<DaemonFacts> = {}): Promise<void> {
    this.#claim = await claimDataFolder(this.folder)
    this.#served = await serveControl(this.daemon, this.#claim.controlSocket)
    this.#claim.publish({
      gatewayAddress: '127.0.0.1:7051',
      gatewayTls: false,
      chaincodeAddress: '127.0.0.1:7052',
      mspId: 'Org1MSP',
      defaultChannel: 'mychannel',
      version: '0.1.0',
      startedAt: '2026-01-01T00:00:00.000Z',
      ...facts,
    })
  }

  /** Ends the daemon and removes its folder. */
  async end(): Promise<void> {
    await this.#served?.close()
    this.#claim?.release()
    rmSync(this.folder, { recursive: true })
  }
}
