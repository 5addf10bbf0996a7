import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { type ConnectionOwner, findConnectionOwner } from '../../services/connection-owner.js'

/** A program that connects, and keeps the connection. */
const connecting = (host: string, port: number) =>
  `require('node:net').connect(${port}, '${host}').on('error', () => {}).resume()`

describe('The owner of a connection', () => {
  before(function () {
    // Elsewhere the platform does not tell.
    if (process.platform !== 'linux') this.skip()
  })
  const cleanUps: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  async function listen(host: string) {
    const server = createServer()
    server.listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    cleanUps.push(() => new Promise((resolve) => server.close(resolve)))
    const accepted = async () => {
      const [socket] = (await once(server, 'connection')) as [Socket]
      cleanUps.push(() => socket.destroy())
      return { remoteAddress: `${socket.remoteAddress}:${socket.remotePort}`, listenerPort: port }
    }
    return { port, accepted }
  }
  /** Starts a program as the leader of a group; what it writes is awaited when it is to end. */
  function start(program: string, ...args: string[]): number {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' })
    cleanUps.push(async () => {
      const ended = once(child, 'exit')
      process.kill(-child.pid!, 'SIGKILL')
      await ended
    })
    return child.pid!
  }

  for (const [host, shown] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['::', '127.0.0.1'],
  ] as const)
    it(`is the process that has opened it, over ${host === '::' ? 'a mapped address' : host}`, async () => {
      const { port, accepted } = await listen(host)
      const connected = accepted()
      const leader = start(process.execPath, '-e', connecting(shown, port))
      expect(await findConnectionOwner(leader, await connected)).to.equal('own')
    })

  it('may be a child of it', async () => {
    const { port, accepted } = await listen('127.0.0.1')
    const connected = accepted()
    const leader = start('/bin/sh', '-c', '"$0" -e "$1" & wait', process.execPath, connecting('127.0.0.1', port))
    expect(await findConnectionOwner(leader, await connected)).to.equal('own')
  })

  it('may be a descendant that has left the group', async () => {
    const { port, accepted } = await listen('127.0.0.1')
    const connected = accepted()
    const inner = connecting('127.0.0.1', port)
    const outer = `const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { detached: true, stdio: 'ignore' }); process.on('SIGTERM', () => { child.kill(); process.exit() })`
    const child = spawn(process.execPath, ['-e', outer], { detached: true, stdio: 'ignore' })
    cleanUps.push(async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    })
    expect(await findConnectionOwner(child.pid!, await connected)).to.equal('own')
  })

  it('is another one, where the group does not have it', async () => {
    const { port, accepted } = await listen('127.0.0.1')
    const connected = accepted()
    start(process.execPath, '-e', connecting('127.0.0.1', port))
    const leader = start(process.execPath, '-e', 'setInterval(() => {}, 1e9)')
    expect(await findConnectionOwner(leader, await connected)).to.equal('other')
  })

  const addresses: Record<string, [string, ConnectionOwner]> = {
    'is not known of a connection that is not in the tables': ['127.0.0.1:1', 'unknown'],
    'is not known without an address': ['', 'unknown'],
    'is another one on another machine': ['192.0.2.7:40000', 'other'],
    'is another one on another machine, over IPv6': ['[2001:db8::7]:40000', 'other'],
  }
  for (const [what, [remoteAddress, owner]] of Object.entries(addresses))
    it(what, async () => {
      expect(await findConnectionOwner(process.pid, { remoteAddress, listenerPort: 1 })).to.equal(owner)
    })
})
