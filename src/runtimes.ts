import { fromCallback } from 'xstate'
import { type GroupSignal, chaincodeMachine, processMachine, serviceMachine } from '../machines/index.js'
import type { Launcher } from './launcher.js'
import type { ServiceDialler } from './service-dialler.js'

/** Who acts for the runtimes. */
export interface RuntimeServices {
  launcher: Pick<Launcher, 'start'>
  dialler: () => Pick<ServiceDialler, 'dial'>
}

interface Incarnation {
  ccid: string
  incarnation: number
}

/** The chart of a chaincode, with a service behind every kind of runtime that it may have. */
export function provideRuntimes({ launcher, dialler }: RuntimeServices): typeof chaincodeMachine {
  const process = fromCallback<{ type: 'SIGNAL'; signal: GroupSignal }, Incarnation>(({ input, sendBack, receive }) => {
    const running = launcher.start(input.ccid, input.incarnation, sendBack)
    receive(({ signal }) => running.signal(signal))
    // An actor that ends before its process does is a defect somewhere; the process must not outlive it.
    return () => running.signal('SIGKILL')
  })
  const connection = fromCallback<{ type: 'HANG_UP' }, Incarnation>(({ input, sendBack, receive }) => {
    const dialled = dialler().dial(input.ccid, sendBack)
    receive(() => dialled.hangUp())
    return () => dialled.hangUp()
  })
  return chaincodeMachine.provide({
    actors: {
      runtime: processMachine.provide({ actors: { process } }),
      serviceRuntime: serviceMachine.provide({ actors: { connection } }),
    },
  })
}
