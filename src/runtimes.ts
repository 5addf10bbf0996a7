import { fromCallback } from 'xstate'
import {
  type ContainerCommand,
  type GroupSignal,
  buildMachine,
  chaincodeMachine,
  dockerMachine,
  processMachine,
  serviceMachine,
} from '../machines/index.js'
import type { ChaincodeBuilder } from './builder.js'
import type { DockerLauncher } from './docker-launcher.js'
import type { Launcher } from './launcher.js'
import type { ServiceDialler } from './service-dialler.js'

/** Who acts for the runtimes. */
export interface RuntimeServices {
  launcher: Pick<Launcher, 'start'>
  docker: Pick<DockerLauncher, 'start'>
  builder: Pick<ChaincodeBuilder, 'build'>
  dialler: () => Pick<ServiceDialler, 'dial'>
}

interface Incarnation {
  ccid: string
  incarnation: number
}

/** The chart of a chaincode, with a service behind every kind of runtime that it may have. */
export function provideRuntimes({ launcher, builder, docker, dialler }: RuntimeServices): typeof chaincodeMachine {
  const process = fromCallback<{ type: 'SIGNAL'; signal: GroupSignal }, Incarnation>(({ input, sendBack, receive }) => {
    const running = launcher.start(input.ccid, input.incarnation, sendBack)
    receive(({ signal }) => running.signal(signal))
    // An actor that ends before its process does is a defect somewhere; the process must not outlive it.
    return () => running.signal('SIGKILL')
  })
  const container = fromCallback<ContainerCommand, Incarnation>(({ input, sendBack, receive }) => {
    const session = docker.start(input.ccid, sendBack)
    receive((command) => session.send(command))
    return () => session.send({ type: 'REMOVE' })
  })
  const build = fromCallback<{ type: 'CANCEL' }, Incarnation>(({ input, sendBack, receive }) => {
    const running = builder.build(input.ccid, sendBack)
    receive(() => running.cancel())
    return () => running.cancel()
  })
  const runtime = processMachine.provide({ actors: { process } })
  const connection = fromCallback<{ type: 'HANG_UP' }, Incarnation>(({ input, sendBack, receive }) => {
    const dialled = dialler().dial(input.ccid, sendBack)
    receive(() => dialled.hangUp())
    return () => dialled.hangUp()
  })
  return chaincodeMachine.provide({
    actors: {
      dockerRuntime: dockerMachine.provide({ actors: { container } }),
      runtime,
      buildRuntime: buildMachine.provide({ actors: { builder: build, process: runtime } }),
      serviceRuntime: serviceMachine.provide({ actors: { connection } }),
    },
  })
}
