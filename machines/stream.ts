import { type ActorRef, type Snapshot, assign, emit, sendTo, setup } from 'xstate'

/** Why a stream is closed, as data; the text is made where errors are made. */
export type StreamClosure =
  /** The other side ended it, or the transport failed. `message` is empty for a clean end. */
  | { kind: 'ended'; message: string }
  /** REGISTER was refused by the supervisor or the chaincode. */
  | { kind: 'refused'; refusal: Refusal; expected?: string }
  | { kind: 'undecodable'; detail: string }
  | { kind: 'emptyName' }
  | { kind: 'unauthorized'; text: string }
  /** A message that the state does not allow. `text` is Fabric's. */
  | { kind: 'violation'; text: string }
  | { kind: 'registerTimeout'; afterMs: number }
  /** The program closed it: stop of the chaincode or of the daemon. */
  | { kind: 'closed' }

/** Why a REGISTER was refused. */
export type Refusal = 'external' | 'duplicate' | 'unexpected' | 'starting' | 'tooMany'

/** What a stream hears. */
export type StreamEvent =
  | { type: 'REGISTER_RECEIVED'; ccid: string }
  | { type: 'REGISTER_UNDECODABLE'; detail: string }
  | { type: 'VIOLATION'; text: string }
  | { type: 'AUTHORIZED' }
  /** It is not who it says, or its first message is no REGISTER where that is demanded. */
  | { type: 'UNAUTHORIZED'; text: string }
  | { type: 'ACCEPT' }
  | { type: 'REJECT'; refusal: Refusal }
  /** REGISTERED and READY were handed to the socket. */
  | { type: 'READY_WRITTEN' }
  /** End of the stream, receive error, or a failed send: one event with one meaning. */
  | { type: 'ENDED'; message: string }
  | { type: 'CLOSE' }

/** A reference that stream events can be sent to. */
export type StreamRef = ActorRef<Snapshot<unknown>, StreamEvent>

/** What a stream tells the supervisor (REGISTER) and the chaincode that adopted it. */
export type StreamReport =
  | { type: 'REGISTER'; ccid: string; streamId: number; stream: StreamRef }
  | { type: 'STREAM_READY'; ccid: string; streamId: number }
  | { type: 'STREAM_ENDED'; ccid: string; streamId: number; message: string }

/** What a stream is started with. */
export interface StreamInput {
  /** Token of this stream; every event to others carries it. */
  streamId: number
  /** Gets REGISTER, and passes the rest on to the chaincode. */
  supervisor: ActorRef<Snapshot<unknown>, StreamReport>
  /** Time in which REGISTER has to come, ms. */
  registerTimeoutMs: number
  /** Time between KEEPALIVE messages, ms; 0 = none. Key `chaincode.keepalive`. */
  keepaliveMs: number
  /** The only name under which it may register: that of the service which was dialled for it. */
  expectedCcid?: string | undefined
}

/** What the chart remembers. */
export interface StreamContext extends StreamInput {
  ccid: string
  closure: StreamClosure | undefined
}

/** What the transport is asked to do. */
export type StreamEmitted =
  | { type: 'AUTHORIZE'; ccid: string } // find out whether whoever opened it is that chaincode
  | { type: 'GREET' } // send REGISTERED, then READY
  | { type: 'SEND_KEEPALIVE' }
  | { type: 'CLOSED'; closure: StreamClosure; ccid: string }

/** One gRPC stream of a chaincode, from its first byte to its end. Messages of transactions never pass through here. */
export const streamMachine = setup({
  types: {
    context: {} as StreamContext,
    input: {} as StreamInput,
    events: {} as StreamEvent,
    emitted: {} as StreamEmitted,
  },
  delays: {
    registerTimeout: ({ context }) => context.registerTimeoutMs,
    keepalive: ({ context }) => context.keepaliveMs,
  },
  guards: {
    isEmptyName: ({ event }) => event.type === 'REGISTER_RECEIVED' && event.ccid === '',
    isUnexpected: ({ context, event }) =>
      context.expectedCcid !== undefined && event.type === 'REGISTER_RECEIVED' && event.ccid !== context.expectedCcid,
    sendsKeepalive: ({ context }) => context.keepaliveMs > 0,
  },
  actions: {
    rememberCcid: assign({ ccid: ({ event }) => (event.type === 'REGISTER_RECEIVED' ? event.ccid : '') }),
    askSupervisor: sendTo(
      ({ context }) => context.supervisor,
      ({ context, self }): StreamReport => ({
        type: 'REGISTER',
        ccid: context.ccid,
        streamId: context.streamId,
        stream: self as unknown as StreamRef,
      }),
    ),
    authorize: emit(({ context }) => ({ type: 'AUTHORIZE' as const, ccid: context.ccid })),
    greet: emit({ type: 'GREET' }),
    sendKeepalive: emit({ type: 'SEND_KEEPALIVE' }),
    reportReady: sendTo(
      ({ context }) => context.supervisor,
      ({ context }): StreamReport => ({ type: 'STREAM_READY', ccid: context.ccid, streamId: context.streamId }),
    ),
    rememberClosure: assign({
      closure: ({ context, event }): StreamClosure => {
        switch (event.type) {
          case 'ENDED':
            return { kind: 'ended', message: event.message }
          case 'REJECT':
            return { kind: 'refused', refusal: event.refusal }
          case 'VIOLATION':
            return { kind: 'violation', text: event.text }
          case 'UNAUTHORIZED':
            return { kind: 'unauthorized', text: event.text }
          case 'REGISTER_UNDECODABLE':
            return { kind: 'undecodable', detail: event.detail }
          case 'REGISTER_RECEIVED':
            return context.expectedCcid === undefined || event.ccid === ''
              ? { kind: 'emptyName' }
              : { kind: 'refused', refusal: 'unexpected', expected: context.expectedCcid }
          case 'CLOSE':
            return { kind: 'closed' }
          default:
            return { kind: 'registerTimeout', afterMs: context.registerTimeoutMs }
        }
      },
    }),
    emitClosed: emit(({ context }) => ({
      type: 'CLOSED' as const,
      closure: context.closure ?? { kind: 'closed' as const },
      ccid: context.ccid,
    })),
    reportEnded: sendTo(
      ({ context }) => context.supervisor,
      ({ context }): StreamReport => {
        const closure = context.closure
        const message = closure?.kind === 'ended' ? closure.message : closure?.kind === 'violation' ? closure.text : ''
        return { type: 'STREAM_ENDED', ccid: context.ccid, streamId: context.streamId, message }
      },
    ),
  },
}).createMachine({
  id: 'stream',
  context: ({ input }) => ({ ...input, ccid: '', closure: undefined }),
  initial: 'created',
  on: {
    VIOLATION: { target: '.closed', actions: 'rememberClosure' },
    UNAUTHORIZED: { target: '.closed', actions: 'rememberClosure' },
    ENDED: { target: '.closed', actions: 'rememberClosure' },
    CLOSE: { target: '.closed', actions: 'rememberClosure' },
  },
  states: {
    created: {
      description: 'The stream is open and has not said who it is.',
      after: { registerTimeout: { target: 'closed', actions: 'rememberClosure' } },
      on: {
        REGISTER_RECEIVED: [
          { guard: 'isEmptyName', target: 'closed', actions: 'rememberClosure' },
          { guard: 'isUnexpected', target: 'closed', actions: ['rememberCcid', 'rememberClosure'] },
          { target: 'authorizing', actions: 'rememberCcid' },
        ],
        REGISTER_UNDECODABLE: { target: 'closed', actions: 'rememberClosure' },
      },
    },
    authorizing: {
      description: 'It said who it is; its certificate, or the process behind it, is being compared with that.',
      entry: 'authorize',
      after: { registerTimeout: { target: 'closed', actions: 'rememberClosure' } },
      on: { AUTHORIZED: 'deciding' },
    },
    deciding: {
      description: 'It is who it said; the chaincode of that name is being asked whether it takes this stream.',
      entry: 'askSupervisor',
      on: {
        ACCEPT: 'established',
        REJECT: { target: 'closed', actions: 'rememberClosure' },
      },
    },
    established: {
      description: 'The chaincode took it; REGISTERED and READY are on their way.',
      entry: 'greet',
      on: { READY_WRITTEN: { target: 'ready', actions: 'reportReady' } },
    },
    ready: {
      description: 'READY was sent: transactions may run on it.',
      after: { keepalive: { guard: 'sendsKeepalive', target: 'ready', reenter: true, actions: 'sendKeepalive' } },
    },
    closed: {
      description: 'The stream is over and its transactions have been told.',
      entry: ['emitClosed', 'reportEnded'],
      type: 'final',
    },
  },
})
