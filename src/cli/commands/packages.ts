import { resolve } from 'node:path'
import type { PackageInfo } from '../../control/types.js'
import { print, tell, type Context } from '../io.js'
import { exitCodes } from '../report-error.js'
import { spanText, tableLines } from '../table.js'
import { withControl } from '../with-control.js'

/** `chaincoded install FILE`: has the daemon keep a package. */
export const install = (context: Context, file: string): Promise<number> =>
  withControl(context, async (control) => {
    const { package: kept, isNew } = await control.install(resolve(context.io.cwd, file))
    if (context.json) print(context.io, JSON.stringify({ ...kept, isNew }, null, 2))
    else {
      // The words of Fabric's own error, which is none here: the package is where it should be.
      if (!isNew) tell(context.io, `chaincode already successfully installed (package ID '${kept.packageId}')`)
      print(context.io, kept.packageId)
    }
    return exitCodes.done
  })

/** `chaincoded packages`: what is installed, and what of it is damaged. */
export const packages = (context: Context): Promise<number> =>
  withControl(context, async (control) => {
    const found = await control.packages()
    if (context.json) print(context.io, JSON.stringify(found, null, 2))
    else if (found.length === 0) {
      tell(context.io, `no package is installed; install one with: chaincoded install FILE${context.dataFlag}`)
    } else for (const line of linesOf(found, Date.now())) print(context.io, line)
    return exitCodes.done
  })

/** `chaincoded uninstall PACKAGE_ID`: has the daemon forget a package. */
export const uninstall = (context: Context, packageId: string): Promise<number> =>
  withControl(context, async (control) => {
    await control.uninstall(packageId)
    print(context.io, context.json ? JSON.stringify({ packageId, removed: true }) : `${packageId} is removed`)
    return exitCodes.done
  })

/** The table, with what is wrong with a package below its row. */
function linesOf(found: readonly PackageInfo[], nowMs: number): string[] {
  const [head, ...rows] = tableLines([
    ['PACKAGE ID', 'TYPE', 'FILES', 'BYTES', 'INSTALLED', 'CHAINCODES'],
    ...found.map((info) => cells(info, nowMs)),
  ])
  return [
    head!,
    ...rows.flatMap((row, at) => [row, ...(found[at]!.problem ? [`  damaged: ${found[at]!.problem}`] : [])]),
  ]
}

const cells = (
  { packageId, type, files, sizeBytes, installedAtMs, chaincodes, problem }: PackageInfo,
  nowMs: number,
) => [
  packageId,
  ...(problem
    ? ['-', '-', '-', '-']
    : [type || '-', String(files), String(sizeBytes), spanText(nowMs - installedAtMs)]),
  chaincodes.join(',') || '-',
]
