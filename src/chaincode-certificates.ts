import {
  type ChaincodeAuthority,
  type KeyPairPem,
  certificateHash,
  createChaincodeAuthority,
} from '../services/chaincode-authority.js'
import type { ChaincodeIdentity } from '../services/identity-files.js'

/** An identity started by hand lasts as long as the daemon's authority, at most so long, ms. */
const BY_HAND_LIFETIME_MS = 365 * 24 * 60 * 60 * 1000

/** The launch that a certificate belongs to; 'byHand' is a chaincode that its developer starts. */
export type CertificateHolder = number | 'byHand'

/**
 * Issues the certificates of chaincodes, and knows whose each is: an entry lives as long as what it was issued for, not for
 * a time. A private key is nowhere but in the answer to whoever asked for it.
 */
export class ChaincodeCertificates {
  private readonly ccids = new Map<string, string>()
  /** Hashes by launch. */
  private readonly hashes = new Map<string, string>()

  private constructor(
    private readonly authority: ChaincodeAuthority,
    /** The listener's own certificate. */
    readonly server: KeyPairPem,
    private readonly launchLifetimeMs: number,
  ) {}

  /**
   * Makes an authority and a certificate for a listener under `names`. A launch's certificate is valid for more than
   * `startupTimeoutMs`.
   */
  static async create(names: readonly string[], startupTimeoutMs: number): Promise<ChaincodeCertificates> {
    const authority = await createChaincodeAuthority()
    return new ChaincodeCertificates(authority, await authority.issueServer(names), startupTimeoutMs)
  }

  /** Certificate of the authority, PEM. */
  get root(): string {
    return this.authority.root
  }

  /** Issues an identity, and takes back what was issued for the same launch before. */
  async issue(ccid: string, holder: CertificateHolder): Promise<ChaincodeIdentity> {
    const pair = await this.authority.issueClient(holder === 'byHand' ? BY_HAND_LIFETIME_MS : this.launchLifetimeMs)
    const hash = certificateHash(pair.certificate)
    this.revoke(ccid, holder)
    this.ccids.set(hash, ccid)
    this.hashes.set(keyOf(ccid, holder), hash)
    return { ...pair, root: this.root }
  }

  /** From now on nobody registers with that certificate; a stream that is open stays open. */
  revoke(ccid: string, holder: CertificateHolder): void {
    const key = keyOf(ccid, holder)
    this.ccids.delete(this.hashes.get(key) ?? '')
    this.hashes.delete(key)
  }

  /** The chaincode that a certificate was issued for; undefined for one that never was, or was revoked. */
  ccidOf(hash: string): string | undefined {
    return this.ccids.get(hash)
  }

  /** How many certificates can be registered with. */
  get size(): number {
    return this.ccids.size
  }
}

const keyOf = (ccid: string, holder: CertificateHolder): string => `${holder} ${ccid}`
