import { randomUUID } from 'node:crypto'
import { open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { failure, isFailure, messageOf } from '../errors.js'
import { nearest } from '../nearest.js'
import { type PackageLimits, defaultPackageLimits } from './limits.js'
import { type StoredName, fileNameOf, sha256Hex, storedNameFrom } from './package-id.js'
import { type ChaincodePackage, readPackage } from './read-package.js'
import { INCOMING, type UnpackedPackage, UnpackedPackages, openFolder } from './unpacked.js'

/** A package that is installed. */
export interface InstalledPackage {
  packageId: string
  format: ChaincodePackage['format']
  label: string
  /** As metadata.json has it: `node`, `golang`, `java`, `ccaas`, … */
  type: string
  /** As metadata.json has it. */
  path: string
  sizeBytes: number
  /** Files in the code. */
  files: number
  installedAtMs: number
  /** Where it lies. */
  file: string
}

/** A file of the store that cannot be used, and why. */
export interface DamagedPackage {
  packageId: string
  file: string
  problem: string
}

/** What a store holds. */
export interface StoreContent {
  installed: InstalledPackage[]
  damaged: DamagedPackage[]
}

/**
 * The packages in one folder, each in a file that is named after its content. A file is complete or not there: it is
 * written elsewhere and renamed. One process at a time uses the folder.
 */
export class PackageStore {
  /** What was found in a file, as long as its size and time stay the same. */
  private readonly checked = new Map<string, { stamp: string; installed: InstalledPackage }>()
  private readonly unpacked: UnpackedPackages

  /** Makes the folder, and clears away what an earlier process left half-done. Throws PACKAGE_STORE_UNUSABLE. */
  constructor(
    private readonly folder: string,
    private readonly limits: PackageLimits = defaultPackageLimits,
  ) {
    try {
      openFolder(folder)
      this.unpacked = new UnpackedPackages(join(folder, 'unpacked'), limits)
    } catch (error) {
      throw this.unusable(error)
    }
  }

  /**
   * Reads the package in `file`, checks it and keeps it. `isNew` is false where the same one was there already. Rejects
   * with PACKAGE_FILE_UNREADABLE, with what is wrong with it, with PACKAGE_EXISTS where a legacy package of the same name
   * and version has other content, or with PACKAGE_STORE_UNUSABLE.
   */
  async install(file: string): Promise<{ installed: InstalledPackage; isNew: boolean }> {
    const bytes = await readBounded(file, this.limits.fileBytes)
    const stored = storedNameOf(await readPackage(bytes, this.limits))
    const { packageId } = stored
    const former = await this.find(packageId)
    if (former && former.hash !== stored.hash) throw failure('PACKAGE_EXISTS', { packageId })
    const isNew = !former || 'problem' in (await this.check(former))
    if (isNew) await this.write(fileNameOf(stored), bytes)
    return { installed: await this.get(packageId), isNew }
  }

  /** Everything in the store, by package id; every file is checked against its hash. */
  async list(): Promise<StoreContent> {
    const content: StoreContent = { installed: [], damaged: [] }
    for (const stored of await this.storedNames()) {
      const found = await this.check(stored)
      if ('problem' in found) content.damaged.push(found)
      else content.installed.push(found)
    }
    return content
  }

  /** One package. Rejects with PACKAGE_UNKNOWN or PACKAGE_DAMAGED. */
  async get(packageId: string): Promise<InstalledPackage> {
    const found = await this.check((await this.find(packageId)) ?? (await this.unknown(packageId)))
    if ('problem' in found) throw failure('PACKAGE_DAMAGED', { ...found, detail: found.problem })
    return found
  }

  /** The bytes of a package. Rejects with PACKAGE_UNKNOWN or PACKAGE_DAMAGED. */
  async read(packageId: string): Promise<Buffer> {
    const { file } = await this.get(packageId)
    return readFile(file)
  }

  /** Removes a package, damaged or not, and what was unpacked of it. Rejects with PACKAGE_UNKNOWN. */
  async remove(packageId: string): Promise<void> {
    const name = fileNameOf((await this.find(packageId)) ?? (await this.unknown(packageId)))
    try {
      await rm(join(this.folder, name), { force: true })
      await this.unpacked.remove(unpackedName(name))
    } catch (error) {
      throw this.unusable(error)
    }
    this.checked.delete(name)
  }

  /**
   * Unpacks a package, unless that was done before: the folder is named after the content and stays until the package is
   * removed. What builds and package managers add to it stays, too. Rejects with PACKAGE_UNKNOWN, PACKAGE_DAMAGED,
   * PACKAGE_FILE_UNWRITABLE or PACKAGE_STORE_UNUSABLE.
   */
  async unpack(packageId: string): Promise<UnpackedPackage> {
    const { file } = await this.get(packageId)
    try {
      return await this.unpacked.unpack(unpackedName(file), async () => readPackage(await readFile(file), this.limits))
    } catch (error) {
      throw isFailure(error) ? error : this.unusable(error)
    }
  }

  /** Whether a path lies in an unpacked package. */
  contains(path: string): boolean {
    return path.startsWith(join(this.folder, 'unpacked') + sep)
  }

  private async write(name: string, bytes: Buffer): Promise<void> {
    const incoming = join(this.folder, `${INCOMING}${randomUUID()}`)
    try {
      const handle = await open(incoming, 'w', 0o600)
      try {
        await handle.writeFile(bytes)
        // A power cut after the rename must not leave a name with nothing behind it.
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(incoming, join(this.folder, name))
    } catch (error) {
      await rm(incoming, { force: true })
      throw this.unusable(error)
    }
  }

  private async storedNames(): Promise<StoredName[]> {
    try {
      const names = (await readdir(this.folder)).map(storedNameFrom).filter((name) => name !== undefined)
      return names.sort((a, b) => (a.packageId < b.packageId ? -1 : 1))
    } catch (error) {
      throw this.unusable(error)
    }
  }

  private async find(packageId: string): Promise<StoredName | undefined> {
    return (await this.storedNames()).find((stored) => stored.packageId === packageId)
  }

  private async unknown(packageId: string): Promise<never> {
    const known = (await this.storedNames()).map((stored) => stored.packageId)
    // Whoever types an id has its label in mind; the hash is copied whole or not at all.
    const sameLabel = known.find((id) => id.split(':')[0] === packageId.split(':')[0])
    throw failure('PACKAGE_UNKNOWN', { packageId, nearest: sameLabel ?? nearest(packageId, known), known })
  }

  /** Reads a stored file anew where it changed, and holds it against its name. */
  private async check(stored: StoredName): Promise<InstalledPackage | DamagedPackage> {
    const name = fileNameOf(stored)
    const file = join(this.folder, name)
    try {
      const { mtimeMs, size } = await stat(file)
      const stamp = `${mtimeMs} ${size}`
      const former = this.checked.get(name)
      if (former?.stamp === stamp) return former.installed
      const installed = await this.inspect(stored, file, mtimeMs)
      this.checked.set(name, { stamp, installed })
      return installed
    } catch (error) {
      return { packageId: stored.packageId, file, problem: messageOf(error) }
    }
  }

  private async inspect(stored: StoredName, file: string, installedAtMs: number): Promise<InstalledPackage> {
    const bytes = await readBounded(file, this.limits.fileBytes)
    const hash = sha256Hex(bytes)
    if (hash !== stored.hash) throw new Error(`its SHA-256 is ${hash}`)
    const { packageId, format, label, type, path, files } = await readPackage(bytes, this.limits)
    if (packageId !== stored.packageId) throw new Error(`it is the package ${packageId}`)
    return { packageId, format, label, type, path, sizeBytes: bytes.length, files, installedAtMs, file }
  }

  private unusable(error: unknown): Error {
    return failure('PACKAGE_STORE_UNUSABLE', { folder: this.folder, detail: messageOf(error) }, error)
  }
}

const storedNameOf = ({ packageId, format, hash }: ChaincodePackage): StoredName => ({
  packageId,
  format: format === 'lifecycle' ? 'lifecycle' : 'legacy',
  hash,
})

/** The folder that a package is unpacked to. */
const unpackedName = (file: string): string => basename(file).replace(/\.(tar\.gz|cds)$/, '')

/** Reads a file that has to be no larger than that. Rejects with PACKAGE_FILE_UNREADABLE or PACKAGE_TOO_LARGE. */
async function readBounded(file: string, limitBytes: number): Promise<Buffer> {
  try {
    const stats = await stat(file)
    if (!stats.isFile()) throw new Error('it is no file')
    if (stats.size > limitBytes) throw failure('PACKAGE_TOO_LARGE', { limitBytes })
    return await readFile(file)
  } catch (error) {
    if (isFailure(error)) throw error
    throw failure('PACKAGE_FILE_UNREADABLE', { file, detail: messageOf(error) }, error)
  }
}
