import type { Failure } from '../machines/index.js'
import { type ChaincodedError, failure } from './errors.js'
import { describeConnection, serviceHint } from './service-failure.js'
import { suggestFix } from './suggest-fix.js'

/** What is known about a chaincode besides the failure itself. */
export interface LaunchFacts {
  ccid: string
  /** Where it has to register. */
  address: string
  /** Where it is dialled, when it runs as a service. */
  service?: string | undefined
  /** It runs in a container. */
  isContainer?: boolean
  /** Program and arguments; empty where it is not started by the daemon. */
  command: readonly string[]
  /** The folder that it is started in, where it is. */
  folder?: string | undefined
  /** Ids that others registered under while this one was awaited, and that were refused. */
  refusedIds: readonly string[]
}

/** What was awaited in each state on the way up; undefined once it was up. */
const awaited = (state: string, facts: LaunchFacts): string | undefined => {
  const { address, service } = facts
  return {
    launching: service === undefined ? `the start of the ${runnerOf(facts)}` : `the connection to ${service}`,
    awaitingRegister: service === undefined ? `REGISTER at ${address}` : `REGISTER from ${service}`,
    registered: 'READY to be sent',
  }[state]
}

/** What runs the chaincode, in a word. */
const runnerOf = ({ isContainer }: LaunchFacts): string => (isContainer ? 'container' : 'process')

const ended = (exitCode: number | null, signal: string | null): string =>
  signal === null ? `exited with ${exitCode ?? 'unknown code'}` : `was ended by ${signal}`

/** The sentence for a failure: what happened, in which state, and what was awaited. */
export function describeFailure(reason: Failure, facts: LaunchFacts): string {
  const { ccid, refusedIds, service } = facts
  const wanted = awaited(reason.state, facts)
  const where = `(state ${reason.state}${wanted ? `, awaited: ${wanted}` : ''})`
  const what = wanted ? 'chaincode registration failed: ' : ''
  const others =
    refusedIds.length > 0 ? `; meanwhile refused a registration as ${refusedIds.map((id) => `'${id}'`).join(', ')}` : ''
  switch (reason.kind) {
    case 'startupTimeout':
      return `timeout expired while starting chaincode ${ccid} for transaction ${where}${others}`
    case 'runtimeFailed':
      if (reason.errno.startsWith('BUILD_')) return `error building chaincode: ${reason.message}`
      if (service === undefined) return `error starting ${runnerOf(facts)}: ${reason.message}`
      return `${what}${describeConnection(reason, ccid, service)}${wanted ? ` ${where}` : ''}${others}`
    case 'runtimeExited':
      return `${what}${runnerOf(facts)} ${ended(reason.exitCode, reason.signal)} ${where}${others}`
    case 'streamEnded':
      return `${what}stream ended${reason.message ? `: ${reason.message}` : ''} ${where}`
    case 'stopped':
      return 'it was stopped'
    case 'stuck':
      return facts.isContainer
        ? 'its former container cannot be removed: its engine does not do it, or does not answer'
        : `its former process ${reason.pid} survives SIGKILL`
    case 'notConnected':
      return 'nothing is connected'
    case 'premature':
      return reason.registered ? 'launched and waiting for registration' : 'is being launched'
    case 'tooManyCallers':
      return `${reason.limit} callers already wait`
  }
}

/** The error that a caller gets who asked for a chaincode that is not up. */
export function launchError(reason: Failure, facts: LaunchFacts): ChaincodedError {
  const { ccid, address, command, folder, service } = facts
  if (reason.kind === 'premature')
    return failure(reason.registered ? 'PREMATURE_WAITING' : 'PREMATURE_LAUNCHING', { ccid })
  if (reason.kind === 'tooManyCallers') return failure('TOO_MANY_CALLERS', { ccid, limit: reason.limit })
  if (reason.kind === 'notConnected') return failure('NOT_CONNECTED', { ccid, address })
  const exited = reason.kind === 'runtimeExited' ? reason : undefined
  const ofRuntime = reason.kind === 'runtimeFailed' ? reason : undefined
  const suggestion =
    ofRuntime?.hint ??
    (service === undefined
      ? suggestFix({
          ...(exited ?? {}),
          ...(ofRuntime ? { spawnErrno: ofRuntime.errno, spawnMessage: ofRuntime.message } : {}),
          ...(ofRuntime?.lastWords ? { lastWords: ofRuntime.lastWords } : {}),
          ...(folder === undefined ? {} : { folder }),
          command,
          ccid,
          address,
          state: reason.state,
        })
      : serviceHint(reason, ccid))
  const lastWords = exited?.lastWords ?? ofRuntime?.lastWords
  return failure('LAUNCH_FAILED', {
    ccid,
    detail: describeFailure(reason, facts),
    ...(lastWords ? { lastWords } : {}),
    ...(suggestion ? { suggestion } : {}),
  })
}
