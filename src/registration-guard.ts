import { type ConnectionOwner, findConnectionOwner } from '../services/connection-owner.js'
import type { StreamTransport } from '../services/stream-transport.js'
import type { ChaincodeCertificates } from './chaincode-certificates.js'
import { type ChaincodedError, failure } from './errors.js'
import type { Logger } from './log.js'

/** Decides whether whoever has opened a stream may register as the chaincode that it names. */
export interface RegistrationGuard {
  /** The first message has to be REGISTER; not even KEEPALIVE may come before it. */
  readonly registerFirst: boolean
  /** Why it may not. The promise never rejects. */
  refusal(
    transport: Pick<StreamTransport, 'remoteAddress' | 'certificateHash'>,
    ccid: string,
  ): ChaincodedError | undefined | Promise<ChaincodedError | undefined>
}

/** With TLS: the certificate has to be one that was issued for this chaincode, and not been revoked since. */
export const certificateGuard = (
  certificates: Pick<ChaincodeCertificates, 'ccidOf'>,
  log: Logger,
): RegistrationGuard => ({
  registerFirst: true,
  refusal({ certificateHash: hash }, ccid) {
    if (hash === undefined) return failure('CERTIFICATE_NOT_SENT', { ccid })
    const owner = certificates.ccidOf(hash)
    if (owner === undefined) return failure('CERTIFICATE_UNKNOWN', { ccid, hash })
    if (owner !== ccid) return failure('CERTIFICATE_OF_ANOTHER', { ccid, hash })
    log.debug({ ccid }, `Chaincode ${ccid} 's authentication is authorized`)
    return undefined
  },
})

/** What the guard of processes works with. */
export interface ProcessGuardOptions {
  /** Process that the daemon has started for a chaincode; 0 where it runs none. */
  pidOf: (ccid: string) => number
  listenerPort: () => number
  log: Logger
  find?: typeof findConnectionOwner
}

/**
 * Without TLS: a chaincode that the daemon has started may only be registered by its own process group, as far as the
 * platform tells whose a connection is.
 */
export function processGuard({
  pidOf,
  listenerPort,
  log,
  find = findConnectionOwner,
}: ProcessGuardOptions): RegistrationGuard {
  const check = async (remoteAddress: string, ccid: string): Promise<ChaincodedError | undefined> => {
    for (;;) {
      const pid = pidOf(ccid)
      if (pid === 0) return undefined
      const owner = await find(pid, { remoteAddress, listenerPort: listenerPort() }).catch(
        (): ConnectionOwner => 'unknown',
      )
      // What was found about one incarnation says nothing about the next.
      if (pid !== pidOf(ccid)) continue
      if (owner === 'other') return failure('OUTSIDER', { ccid, pid })
      if (owner === 'unknown') log.debug({ ccid, remoteAddress }, `who has connected as ${ccid} cannot be told; taken`)
      return undefined
    }
  }
  return {
    registerFirst: false,
    refusal: ({ remoteAddress }, ccid) => (pidOf(ccid) === 0 ? undefined : check(remoteAddress, ccid)),
  }
}

/** A chaincode that runs as a service registers on the stream that was dialled, and on no other; all else as `guard` says. */
export const dialledOnly = (isService: (ccid: string) => boolean, guard?: RegistrationGuard): RegistrationGuard => ({
  registerFirst: guard?.registerFirst ?? false,
  refusal: (transport, ccid) =>
    isService(ccid) ? failure('EXTERNAL_CONNECTION', { ccid }) : guard?.refusal(transport, ccid),
})
