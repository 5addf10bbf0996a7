/** The contracts of identity: who signs, and who is asked whether a signature holds. */

/** A key with its certificate that can endorse: the peer's own identity. */
export interface SigningIdentity {
  readonly mspId: string
  /** Marshalled `msp.SerializedIdentity`. */
  readonly serialized: Buffer
  /** ECDSA over SHA-256, DER, low-S. */
  sign(message: Buffer): Buffer
}

/** Role that a certificate's organizational unit gives (NodeOUs). */
export type Role = 'client' | 'peer' | 'admin' | 'orderer'

/** What an identity check found. `malformed`: the chain does not verify; `invalid`: it does, but the identity is refused. */
export type IdentityCheck =
  | { ok: true; mspId: string; role: Role; expired: boolean; verify(message: Buffer, signature: Buffer): boolean }
  | { ok: false; reason: 'malformed' | 'invalid'; mspId: string; detail: string }

/** Knows the organizations of a network and checks identities of their members (Fabric's MSP rules). */
export interface MembershipProvider {
  /** Checks a marshalled `msp.SerializedIdentity`. Cached by bytes; cheap when asked again. */
  check(serializedIdentity: Buffer): IdentityCheck
  readonly mspIds: readonly string[]
}
