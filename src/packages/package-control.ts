import { isAbsolute } from 'node:path'
import { chaincodeNameFrom } from '../control/names.js'
import type { DaemonControl, DeployRequest, PackageInfo } from '../control/types.js'
import { failure } from '../errors.js'
import { runFolderOf } from './run-folder.js'
import type { InstalledPackage, PackageStore } from './store.js'

/** What to deploy, after a package has had its say. */
export interface ResolvedRequest extends DeployRequest {
  /** The id that the chaincode registers with; '' where name and version make it. */
  ccid: string
}

/** A chaincode as far as it matters here. */
interface Deployed {
  ccid: string
  name: string
  path: string
}

/** What can be asked of a daemon about packages. */
export class PackageControl implements Pick<DaemonControl, 'install' | 'packages' | 'uninstall'> {
  constructor(
    private readonly store: PackageStore,
    private readonly deployed: () => readonly Deployed[],
  ) {}

  async install(file: string): Promise<{ package: PackageInfo; isNew: boolean }> {
    const { installed, isNew } = await this.store.install(file)
    return { package: this.info(installed), isNew }
  }

  async packages(): Promise<PackageInfo[]> {
    const { installed, damaged } = await this.store.list()
    const none = { format: '', label: '', type: '', path: '', sizeBytes: 0, files: 0, installedAtMs: 0 }
    const unusable = damaged.map((found) => ({ ...none, ...found, chaincodes: this.usersOf(found.packageId) }))
    return [...installed.map((found) => this.info(found)), ...unusable].sort((a, b) =>
      a.packageId < b.packageId ? -1 : 1,
    )
  }

  async uninstall(packageId: string): Promise<void> {
    const names = this.usersOf(packageId)
    if (names.length > 0) throw failure('PACKAGE_IN_USE', { packageId, names })
    await this.store.remove(packageId)
  }

  /**
   * Fills a request for a package with what the package says: it installs the file, or finds the one with this id, and
   * unpacks it. A request for a folder stays as it is. Rejects as the store does, and with PACKAGE_IN_USE where a
   * chaincode of another name runs from the package: its process has one name here.
   */
  async resolve(request: DeployRequest, onProgress: (line: string) => void): Promise<ResolvedRequest> {
    if (!request.package) return { ccid: '', ...request }
    const { installed, isNew } = isAbsolute(request.package)
      ? await this.store.install(request.package)
      : { installed: await this.store.get(request.package), isNew: false }
    const { packageId, label, format } = installed
    const isLegacy = format !== 'lifecycle'
    const name = request.name || (isLegacy ? label : nameFrom(label))
    const others = this.usersOf(packageId).filter((user) => user !== name)
    if (others.length > 0) throw failure('PACKAGE_IN_USE', { packageId, names: others })
    onProgress(`${isNew ? 'installed' : 'found'} package ${packageId}`)
    return {
      ...request,
      name,
      version: request.version || (isLegacy ? packageId.slice(label.length + 1) : ''),
      path: runFolderOf(await this.store.unpack(packageId), installed),
      ccid: packageId,
    }
  }

  /** Names of the chaincodes that run from a package; one of the same id that runs from a folder does not count. */
  private usersOf(packageId: string): string[] {
    return this.deployed()
      .filter(({ ccid, path }) => ccid === packageId && this.store.contains(path))
      .map(({ name }) => name)
  }

  private info(installed: InstalledPackage): PackageInfo {
    return { ...installed, problem: '', chaincodes: this.usersOf(installed.packageId) }
  }
}

/** The name in a label, whose end is often a version: `basic` of `basic_1.0`. */
const nameFrom = (label: string): string => chaincodeNameFrom(label.replace(/[-_.]?v?\d+(\.\d+)*$/i, '')) ?? ''
