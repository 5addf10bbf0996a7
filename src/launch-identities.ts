import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TlsVariables, writeIdentity } from '../services/identity-files.js'
import type { ChaincodeCertificates } from './chaincode-certificates.js'

/** What each launch is given to prove itself with, as files, for as long as it lasts. */
export class LaunchIdentities {
  constructor(
    /** Holds one folder a launch. */
    private readonly folder: string,
    /** Undefined where chaincodes connect without TLS. */
    private readonly certificates: () => ChaincodeCertificates | undefined,
  ) {}

  /** Whether a launch has to be given one. */
  get areUsed(): boolean {
    return this.certificates() !== undefined
  }

  /** Issues the identity of a launch, and writes its files; undefined without TLS. Rejects with the errors of node:fs. */
  async give(ccid: string, incarnation: number): Promise<TlsVariables | undefined> {
    const identity = await this.certificates()?.issue(ccid, incarnation)
    return identity && writeIdentity(this.folderOf(ccid, incarnation), identity)
  }

  /** Revokes the certificate of a launch, and removes its files. Idempotent. */
  takeBack(ccid: string, incarnation: number): void {
    this.certificates()?.revoke(ccid, incarnation)
    rmSync(this.folderOf(ccid, incarnation), { recursive: true, force: true })
  }

  private folderOf(ccid: string, incarnation: number): string {
    return join(this.folder, `${encodeURIComponent(ccid).replaceAll('%3A', ':')}-${incarnation}`)
  }
}
