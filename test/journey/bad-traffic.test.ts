import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { build } from '../fixtures/built-program.js'
import { refusalOf, Shell, type Started } from '../fixtures/shell.js'
import { example, fixture } from '../fixtures/start-chaincode.js'

const open = async (address: string): Promise<Socket> => {
  const [host, port] = address.split(':') as [string, string]
  const socket = createConnection(Number(port), host)
  // Whatever the other side does to it; the test reads on until it is closed.
  socket.on('error', () => undefined)
  socket.resume()
  await once(socket, 'connect')
  return socket
}

/** Resolves when the other side has ended the connection, in whatever way. */
const closeOf = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()))

describe('A daemon that gets what is no gRPC', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let daemon: Started
  before(build)
  before(async () => {
    daemon = await shell.dev(example('counter'))
  })
  after(() => shell.close())
  afterEach('serves on', async () => {
    const before = Number(await shell.result('query', 'counter', 'read', 'visits'))
    expect(Number(await shell.result('invoke', 'counter', 'increment', 'visits'))).to.equal(before + 1)
  })

  for (const [port, purpose] of [
    ['gatewayAddress', 'the gateway'],
    ['chaincodeAddress', 'chaincodes'],
  ] as const) {
    it(`closes a connection of random bytes on the port for ${purpose}`, async () => {
      const socket = await open(shell.facts()[port])
      const closed = closeOf(socket)
      for (let chunk = 0; chunk < 64; chunk += 1) socket.write(randomBytes(1024))
      await closed
    })

    it(`answers or closes a request of HTTP/1 on the port for ${purpose}`, async () => {
      const socket = await open(shell.facts()[port])
      const closed = closeOf(socket)
      socket.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await closed
    })

    it(`bears connections that are dropped at once, or opened and left silent, on the port for ${purpose}`, async () => {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => open(shell.facts()[port])))
      for (const socket of sockets.slice(0, 10)) socket.destroy()
      for (const socket of sockets.slice(10)) socket.resetAndDestroy()
      const silent = await open(shell.facts()[port])
      expect(await shell.result('query', 'counter', 'read', 'visits')).to.match(/^\d+$/)
      silent.destroy()
    })
  }

  it('closes a TLS connection that asks for no HTTP/2, and one without TLS', async () => {
    const [host, port] = shell.facts().gatewayAddress.split(':') as [string, string]
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\n\r\n'))
    await closeOf(socket)
  })

  it('prints no stack trace, and stops with Ctrl-C as ever', async () => {
    expect(daemon.stderr + daemon.stdout).not.to.match(/^\s+at .+:\d+/m)
    const { exitCode } = await daemon.stop()
    expect(exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
    daemon = await shell.dev(example('counter'))
  })
})

describe('A payload over the limit', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let daemon: Started
  before(build)
  before(async () => {
    shell.env = { CORE_CHAINCODED_LIMITS_MESSAGEBYTES: '65536' }
    daemon = await shell.dev(fixture('kv'))
    await shell.result('invoke', 'kv', 'put', 'k', 'v')
  })
  after(() => shell.close())

  it('is refused in one line when a client sends it, and nothing is lost', async () => {
    const refusal = refusalOf(await shell.run('invoke', 'kv', 'put', 'k', 'x'.repeat(100_000)))
    expect(refusal.message).to.match(/^put failed: .*(65536|larger than)/)
    expect(refusal.exitCode).to.equal(1)
    expect(await shell.result('query', 'kv', 'get', 'k')).to.equal('v')
  })

  it('is told to the caller when a chaincode answers it, and the next call goes on', async () => {
    // As JSON each of these characters becomes two.
    const refusal = refusalOf(await shell.run('query', 'kv', 'caller', '--transient', `k=${'"'.repeat(40_000)}`))
    expect(refusal.message).to.match(/^caller failed: .*chaincode stream terminated/)
    expect(refusal.exitCode).to.equal(1)
    await daemon.shows(/^kv \| -- running → stopping: stream ended: .*larger than max/m)
    expect(await shell.result('query', 'kv', 'get', 'k')).to.equal('v')
    expect((await daemon.stop()).exitCode).to.equal(0)
    expect(shell.living()).to.deep.equal([])
  })
})
