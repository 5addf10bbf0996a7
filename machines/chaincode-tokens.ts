/** Whether an event belongs to what is current, and what an event means as a failure. */
import type { StateValue } from 'xstate'
import type { ChaincodeContext, ChaincodeEvent, Failure } from './chaincode-facts.js'

/** The event's incarnation or stream id is the current one. Names are never compared. */
export const isCurrent = ({ context, event }: { context: ChaincodeContext; event: ChaincodeEvent }): boolean => {
  if ('incarnation' in event) return event.incarnation === context.incarnation
  if ('streamId' in event) return event.streamId === context.stream?.id
  return true
}

/** The innermost active state, the name that people see. */
export const stateName = (value: StateValue): string => {
  if (typeof value === 'string') return value
  const [outer, inner] = Object.entries(value)[0] ?? ['', '']
  return inner === undefined || (typeof inner === 'object' && Object.keys(inner).length === 0)
    ? outer
    : stateName(inner)
}

/** The reason that `event` gives for leaving `state`. */
export const failureOf = (context: ChaincodeContext, event: ChaincodeEvent, state: string): Failure => {
  switch (event.type) {
    case 'RUNTIME_EXITED':
      return {
        kind: 'runtimeExited',
        state,
        exitCode: event.exitCode,
        signal: event.signal,
        lastWords: event.lastWords,
        ...(event.output ? { output: event.output } : {}),
      }
    case 'RUNTIME_FAILED':
      return {
        kind: 'runtimeFailed',
        state,
        errno: event.errno,
        message: event.message,
        ...(event.hint === undefined ? {} : { hint: event.hint }),
        ...(event.lastWords === undefined ? {} : { lastWords: event.lastWords }),
      }
    case 'STREAM_ENDED':
      return { kind: 'streamEnded', state, message: event.message }
    case 'STOP':
    case 'REMOVE':
      return { kind: 'stopped', state }
    case 'xstate.error.actor.runtime':
      return { kind: 'runtimeFailed', state, errno: 'UNKNOWN', message: String(event.error) }
    default:
      return { kind: 'startupTimeout', state, afterMs: context.startupTimeoutMs }
  }
}
