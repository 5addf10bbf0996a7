import { type handleUnaryCall, status } from '@grpc/grpc-js'
import { messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import { CallError, toServiceError } from './gateway-errors.js'

/** How many calls of a service may run at a time. Fabric: `peer.limits.concurrency.*`. */
export class CallLimit {
  #running = 0

  constructor(
    /** Full name of the service: `gateway.Gateway`. */
    readonly service: string,
    /** The setting that the limit comes from. */
    readonly setting: string,
    readonly limit: number,
  ) {}

  get running(): number {
    return this.#running
  }

  /** Takes a place; false where none is left. */
  tryEnter(): boolean {
    if (this.#running >= this.limit) return false
    this.#running++
    return true
  }

  leave(): void {
    this.#running--
  }
}

/**
 * Makes a grpc-js handler of an async function. `abort` fires when the client goes away or its deadline passes; the
 * function may fire it too. A CallError is the answer; anything else thrown is a mistake of ours: logged, and INTERNAL.
 */
export function unary<Request, Answer>(
  limit: CallLimit,
  log: Logger,
  handle: (request: Request, abort: AbortController) => Promise<Answer>,
): handleUnaryCall<Request, Answer> {
  return (call, callback) => {
    if (!limit.tryEnter()) {
      const text =
        `too many requests for /${limit.service}, exceeding concurrency limit (${limit.limit}), ` +
        `see ${limit.setting}`
      callback(toServiceError(new CallError(status.RESOURCE_EXHAUSTED, text)))
      return
    }
    const abort = new AbortController()
    let settled = false
    // grpc-js reports every end of a call as cancelled, also the ordinary one.
    call.on('cancelled', () => {
      if (!settled) abort.abort(new CallError(status.CANCELLED, 'context canceled'))
    })
    const settle = (answer: () => void) => {
      settled = true
      limit.leave()
      answer()
    }
    handle(call.request, abort).then(
      (answer) => settle(() => callback(null, answer)),
      (error: unknown) => settle(() => callback(toServiceError(asCallError(error, log)))),
    )
  }
}

function asCallError(error: unknown, log: Logger): CallError {
  if (error instanceof CallError) return error
  log.error({ err: error }, 'a call failed unexpectedly')
  return new CallError(status.INTERNAL, `internal error: ${messageOf(error)}`)
}
