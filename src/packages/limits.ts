/** How much a package may ask of the daemon. */
export interface PackageLimits {
  /** Bytes of the package file. */
  fileBytes: number
  /** Bytes that one archive may unpack to, headers included: what a compression bomb runs into. */
  unpackedBytes: number
  /** Entries of one archive. */
  files: number
}

/** Limits that every package in practice keeps: a vendored Go module has some 10,000 files, a peer takes 100 MB. */
export const defaultPackageLimits: PackageLimits = {
  fileBytes: 100 * 1024 * 1024,
  unpackedBytes: 1024 * 1024 * 1024,
  files: 100_000,
}
