import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { extractCode } from './extract-code.js'
import type { PackageLimits } from './limits.js'
import type { ChaincodePackage } from './read-package.js'

/** A package that was unpacked, as external builders get one too. */
export interface UnpackedPackage {
  /** The content of code.tar.gz: `src`, `META-INF`, or what the package's maker chose. */
  codeFolder: string
  /** Holds metadata.json. */
  metadataFolder: string
}

/** Begins the names of what is not complete yet. */
export const INCOMING = '.incoming-'

/** Makes the folder where there is none, and clears away what an earlier process left half-done. */
export function openFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder))
    if (name.startsWith(INCOMING)) rmSync(join(folder, name), { recursive: true, force: true })
}

/** The unpacked packages: a folder for each, which is complete or not there. */
export class UnpackedPackages {
  private readonly running = new Map<string, Promise<UnpackedPackage>>()

  constructor(
    private readonly folder: string,
    private readonly limits: PackageLimits,
  ) {
    openFolder(folder)
  }

  /**
   * Unpacks what `load` gives into the folder `name`, unless it is there. Callers at the same time share one work. Rejects
   * as `load` and extractCode do.
   */
  unpack(name: string, load: () => Promise<ChaincodePackage>): Promise<UnpackedPackage> {
    const running = this.running.get(name)
    if (running) return running
    const work = this.unpackNow(name, load).finally(() => this.running.delete(name))
    this.running.set(name, work)
    return work
  }

  /** Removes the folder `name`, if there is one. */
  async remove(name: string): Promise<void> {
    await this.running.get(name)?.catch(() => undefined)
    await rm(join(this.folder, name), { recursive: true, force: true })
  }

  private async unpackNow(name: string, load: () => Promise<ChaincodePackage>): Promise<UnpackedPackage> {
    const folder = join(this.folder, name)
    if (statSync(folder, { throwIfNoEntry: false })) return partsOf(folder)
    const { code, metadataBytes } = await load()
    const incoming = await mkdtemp(join(this.folder, INCOMING))
    try {
      const { codeFolder, metadataFolder } = partsOf(incoming)
      for (const part of [codeFolder, metadataFolder]) await mkdir(part, { mode: 0o700 })
      await writeFile(join(metadataFolder, 'metadata.json'), metadataBytes)
      await extractCode(code, codeFolder, this.limits)
      await rename(incoming, folder)
      return partsOf(folder)
    } catch (error) {
      await rm(incoming, { recursive: true, force: true })
      throw error
    }
  }
}

const partsOf = (folder: string): UnpackedPackage => ({
  codeFolder: join(folder, 'code'),
  metadataFolder: join(folder, 'metadata'),
})
