import { isFailure } from '../errors.js'
import type { ControlConnection } from '../control/control-client.js'
import { requireDaemon, type FoundDaemon } from '../control/find-daemon.js'
import type { Context } from './io.js'

/** Runs `work` with a connection to the daemon of the data folder; rejects with NO_DAEMON where there is none. */
export async function withControl<Result>(
  context: Context,
  work: (control: ControlConnection, daemon: FoundDaemon) => Promise<Result>,
): Promise<Result> {
  const daemon = await requireDaemon(context.dataDir)
  const { connectControl } = await import('../control/control-client.js')
  const control = connectControl(daemon.controlSocket)
  try {
    return await work(control, daemon)
  } finally {
    control.close()
  }
}

/** Runs `work`; a name that is not deployed gets the nearest that is as its hint. */
export async function withNearestName<Result>(
  control: ControlConnection,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isFailure(error, 'CHAINCODE_UNKNOWN')) throw error
    throw await unknownChaincode(control, name)
  }
}

/** The error for a name that is not deployed, with the nearest that is. */
export async function unknownChaincode(control: ControlConnection, name: string): Promise<Error> {
  const [{ failure }, { nearest }] = await Promise.all([import('../errors.js'), import('../nearest.js')])
  const known = (await control.list()).map((info) => info.name)
  return failure('CHAINCODE_UNKNOWN', { name, nearest: nearest(name, known), known })
}
