import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect } from 'chai'
import type { ServiceEvent } from '../../machines/service.js'
import { ChaincodeMessage, ChaincodeMessage_Type as Type } from '../../proto/gen/peer/chaincode-shim.js'
import { type DialOptions, type DialledService, dialService } from '../../services/dial-service.js'
import {
  type ConnectServiceOptions,
  type ServedConnect,
  connectService,
  emptyService,
  register,
} from '../fixtures/connect-service.js'
import { authority } from '../fixtures/service-certificates.js'
import { recordStreams } from './grpc-clients.js'

const trusted = authority('the trusted authority')
const stranger = authority('a stranger')
const localhost = trusted.issue(['127.0.0.1'])

type Tls = NonNullable<DialOptions['tls']>
const tlsTo = (serverName = '127.0.0.1', change: Partial<Tls> = {}): { tls: Tls } => ({
  tls: { rootCert: trusted.certificate, serverName, ...change },
})

describe('dialling a service', () => {
  const cleanUps: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  const serve = async (options: ConnectServiceOptions = {}) => {
    const service = await connectService(options)
    cleanUps.push(service.stop)
    return service
  }
  /** Listens with a bare server, whose connections are ended with the test. */
  const listen = async (server: Server): Promise<number> => {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUps.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }
  const dial = (port: number, change: Partial<DialOptions> = {}, react?: Parameters<typeof recordStreams>[0]) => {
    const events: ServiceEvent[] = []
    const waiting: (() => void)[] = []
    const { accept, next } = recordStreams(react)
    const dialled: DialledService = dialService(
      {
        host: '127.0.0.1',
        port,
        address: `127.0.0.1:${port}`,
        authority: 'authority',
        accept,
        maxMessageBytes: 1024 * 1024,
        pingIntervalMs: 0,
        pingTimeoutMs: 20_000,
        closeTimeoutMs: 200,
        ...change,
      },
      (event) => {
        events.push(event)
        for (const wake of waiting.splice(0)) wake()
      },
    )
    const until = async <T extends ServiceEvent['type']>(type: T): Promise<Extract<ServiceEvent, { type: T }>> => {
      for (;;) {
        const found = events.find((event) => event.type === type)
        if (found) return found as Extract<ServiceEvent, { type: T }>
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    }
    cleanUps.push(() => dialled.hangUp())
    return { events, until, next, hangUp: () => dialled.hangUp(), types: () => events.map(({ type }) => type) }
  }
  /** How a dial fails. */
  const failureOf = async (port: number, change: Partial<DialOptions> = {}) => {
    const { until, types } = dial(port, change)
    const { errno, message } = await until('DIAL_FAILED')
    expect(types().filter((type) => type !== 'REACHED')).to.deep.equal(['DIAL_FAILED'])
    return { errno, message }
  }

  const modes: Record<string, [ConnectServiceOptions, Partial<DialOptions>]> = {
    'plain text': [{}, {}],
    TLS: [{ tls: localhost }, tlsTo()],
    'TLS to a name of its own': [{ tls: trusted.issue(['cc.example.com']) }, tlsTo('cc.example.com')],
    'mutual TLS': (() => {
      const client = trusted.issue([])
      return [
        { tls: { ...localhost, clientAuthority: trusted.certificate } },
        tlsTo('127.0.0.1', { clientCert: client.certificate, clientKey: client.key }),
      ] as [ConnectServiceOptions, Partial<DialOptions>]
    })(),
  }
  for (const [name, [served, dialled]] of Object.entries(modes))
    it(`opens the stream with ${name}, and carries messages both ways`, async () => {
      const heard: ChaincodeMessage[] = []
      let answered = () => undefined as void
      const answer = new Promise<void>((resolve) => (answered = resolve))
      const service = await serve({
        ...served,
        onConnect: (stream) => {
          expect(stream.getHost()).to.equal('authority')
          stream.on('data', (message: ChaincodeMessage) => {
            heard.push(message)
            answered()
          })
          stream.write(register('kv:1.0'))
        },
      })
      const reply = Buffer.from(
        ChaincodeMessage.encode(ChaincodeMessage.fromPartial({ type: Type.REGISTERED })).finish(),
      )
      const connection = dial(service.port, dialled, (transport) => transport.send(reply))
      await connection.until('CONNECTED')
      const stream = await connection.next()
      await answer
      expect(stream.transport.remoteAddress).to.equal(service.address)
      expect(stream.messages.map((bytes) => ChaincodeMessage.decode(bytes).type)).to.deep.equal([Type.REGISTER])
      expect(heard.map(({ type }) => type)).to.deep.equal([Type.REGISTERED])
    })

  it('tells each step of the dial before it says that it is connected', async () => {
    const service = await serve({ tls: localhost })
    const { until, events } = dial(service.port, tlsTo())
    await until('CONNECTED')
    expect(events).to.deep.equal([
      { type: 'REACHED', awaited: 'the TLS handshake' },
      { type: 'REACHED', awaited: 'HTTP/2' },
      { type: 'CONNECTED' },
    ])
  })

  it('trusts an authority that is itself issued by another, as Go does', async function () {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    if (major === 20 && minor < 18) return
    const self = trusted.issue(['127.0.0.1'])
    const service = await serve({ tls: self })
    await dial(service.port, tlsTo('127.0.0.1', { rootCert: self.certificate })).until('CONNECTED')
  })

  describe('that ends', () => {
    const connected = async (options: Partial<DialOptions> = {}) => {
      const opened: ServedConnect[] = []
      const service = await serve({ onConnect: (stream) => opened.push(stream) })
      const connection = dial(service.port, options)
      await connection.until('CONNECTED')
      const { transport, ended } = await connection.next()
      // The service has the stream once it answers to what was sent on it.
      while (opened.length === 0) await new Promise((resolve) => setImmediate(resolve))
      return { service, connection, transport, ended, stream: opened[0] as ServedConnect }
    }

    it('tells its handler and its owner when the service ends the stream', async () => {
      const { connection, ended, stream } = await connected()
      stream.end()
      expect(await ended).to.deep.equal({ kind: 'eof', message: '' })
      expect(await connection.until('DISCONNECTED')).to.deep.equal({ type: 'DISCONNECTED', message: '' })
    })

    it('tells with which status the service ended the stream', async () => {
      const { connection, ended, stream } = await connected()
      stream.emit('error', { code: 8, details: 'no room: ü' })
      expect(await ended).to.deep.equal({
        kind: 'error',
        message: 'the service ended the stream with gRPC status 8: no room: ü',
      })
      await connection.until('DISCONNECTED')
    })

    it('tells that the connection was lost when the service goes away', async () => {
      const { connection, ended, service } = await connected()
      service.stop()
      const { kind, message } = await ended
      expect(kind).to.equal('error')
      expect(message).to.match(/^the service (?:cancelled|reset)|^the connection was lost|gRPC status/)
      expect((await connection.until('DISCONNECTED')).message).to.equal(message)
    })

    it('delivers what is queued when it is hung up, and then leaves nothing', async () => {
      const { connection, ended, stream, transport } = await connected()
      const last = once(stream, 'data') as Promise<[ChaincodeMessage]>
      stream.on('end', () => stream.end())
      transport.send(Buffer.from(ChaincodeMessage.encode(ChaincodeMessage.fromPartial({ txid: 'last' })).finish()))
      connection.hangUp()
      expect((await last)[0].txid).to.equal('last')
      expect(await ended).to.deep.equal({ kind: 'closed', message: '' })
      expect(await connection.until('DISCONNECTED')).to.deep.equal({ type: 'DISCONNECTED', message: '' })
    })

    it('does not wait for ever for a service that keeps its side open', async () => {
      const { connection, ended } = await connected()
      connection.hangUp()
      expect((await ended).kind).to.equal('closed')
      await connection.until('DISCONNECTED')
    })

    it('refuses a message that is larger than the largest', async () => {
      const { connection, ended, stream } = await connected({ maxMessageBytes: 10 })
      stream.write(register('a-name-that-is-too-long-for-this'))
      expect((await ended).message).to.match(/^grpc: received message larger than max \(\d+ vs. 10\)$/)
      await connection.until('DISCONNECTED')
    })

    it('closes a connection whose ping is not answered', async () => {
      // An HTTP/2 peer that says SETTINGS and then nothing more.
      const port = await listen(
        createServer((socket) => socket.once('data', () => socket.write('\0\0\0\x04\0\0\0\0\0'))),
      )
      const connection = dial(port, { pingIntervalMs: 10, pingTimeoutMs: 20 })
      const { ended } = await connection.next()
      const message = 'the connection was closed: no answer to an HTTP/2 ping within 20 ms'
      expect(await ended).to.deep.equal({ kind: 'error', message })
      expect(await connection.until('DISCONNECTED')).to.deep.equal({ type: 'DISCONNECTED', message })
    })
  })

  describe('that is hung up before it is answered', () => {
    it('leaves no connection when the service takes it and says nothing', async () => {
      const server = createServer()
      const port = await listen(server)
      const taken = once(server, 'connection') as Promise<[Socket]>
      const connection = dial(port)
      const [socket] = await taken
      const closed = once(socket.resume(), 'close')
      connection.hangUp()
      expect(await connection.until('DIAL_FAILED')).to.include({ errno: 'CANCELLED' })
      await closed
      expect(connection.types()).to.not.include('CONNECTED')
    })

    it('leaves no connection when the service takes it and no TLS handshake follows', async () => {
      const server = createServer()
      const port = await listen(server)
      const connection = dial(port, tlsTo())
      const [socket] = (await once(server, 'connection')) as [Socket]
      const closed = once(socket.resume(), 'close')
      await connection.until('REACHED')
      connection.hangUp()
      await connection.until('DIAL_FAILED')
      await closed
    })
  })

  describe('that fails', () => {
    it('says that nothing listens', async () => {
      const server = createServer()
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      server.close()
      await once(server, 'close')
      expect(await failureOf(port)).to.deep.equal({
        errno: 'ECONNREFUSED',
        message: `connection refused: nothing listens at 127.0.0.1:${port} (ECONNREFUSED)`,
      })
    })

    it('says that there is no such host', async () => {
      const { errno, message } = await failureOf(1, { host: 'no-such-host.invalid', address: 'no-such-host.invalid:1' })
      expect(errno).to.match(/^ENOTFOUND|EAI_AGAIN$/)
      expect(message).to.match(/^there is no host no-such-host\.invalid|the name no-such-host\.invalid cannot/)
    })

    it('says which names a certificate for another host has', async () => {
      const { port, address } = await serve({ tls: trusted.issue(['cc.example.com', '10.0.0.1']) })
      expect(await failureOf(port, tlsTo())).to.deep.equal({
        errno: 'CERT_OTHER_HOST',
        message: `the certificate of ${address} is not for 127.0.0.1: it has cc.example.com, 10.0.0.1`,
      })
      expect((await failureOf(port, tlsTo('other.example.com'))).errno).to.equal('CERT_OTHER_HOST')
    })

    it('says who issued a certificate that root_cert does not vouch for', async () => {
      const { port, address } = await serve({ tls: stranger.issue(['127.0.0.1']) })
      const { errno, message } = await failureOf(port, tlsTo())
      expect(errno).to.equal('CERT_UNTRUSTED')
      expect(message).to.contain(`the certificate of ${address} is not trusted: issued by a stranger, not by root_cert`)
    })

    it('says until when an expired certificate was valid', async () => {
      const { port } = await serve({ tls: trusted.issue(['127.0.0.1'], -1) })
      const { errno, message } = await failureOf(port, tlsTo())
      expect(errno).to.equal('CERT_EXPIRED')
      expect(message).to.match(/has expired: valid until \w{3} +\d+ /)
    })

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const mutual = () =>
        createTlsServer({
          cert: localhost.certificate,
          key: localhost.key,
          ca: trusted.certificate,
          requestCert: true,
          rejectUnauthorized: true,
          ALPNProtocols: ['h2'],
          maxVersion,
        }).on('tlsClientError', () => undefined)

      it(`says that a client certificate is demanded (${maxVersion})`, async () => {
        const { errno, message } = await failureOf(await listen(mutual()), tlsTo())
        expect(errno).to.equal('CLIENT_CERT_DEMANDED')
        expect(message).to.contain('demands a client certificate, and there is none')
      })

      it(`says that the client certificate is not accepted (${maxVersion})`, async () => {
        const client = stranger.issue([])
        const change = { clientCert: client.certificate, clientKey: client.key }
        const { errno, message } = await failureOf(await listen(mutual()), tlsTo('127.0.0.1', change))
        // With TLS 1.2 a server on Node says nothing, and leaves in the middle of the handshake.
        const isSilent = maxVersion === 'TLSv1.2'
        expect(errno).to.equal(isSilent ? 'TLS_FAILED' : 'CLIENT_CERT_REFUSED')
        expect(message).to.match(
          isSilent ? /; it may not accept the client/ : / does not accept the client certificate/,
        )
      })
    }

    it('says that a port is plain text where TLS is asked for', async () => {
      const { port, address } = await serve()
      const { errno, message } = await failureOf(port, tlsTo())
      expect({ errno, message }).to.deep.equal({
        errno: 'PLAIN_TEXT_PORT',
        message: `${address} speaks no TLS: it is a plain text port`,
      })
    })

    it('says that a port speaks TLS where plain text is asked for', async () => {
      const { port, address } = await serve({ tls: localhost })
      expect(await failureOf(port)).to.deep.equal({
        errno: 'TLS_PORT',
        message: `${address} speaks TLS, and tls_required is false`,
      })
    })

    it('says that a port speaks HTTP/1, and what it answers', async () => {
      const server = createHttpServer()
      const port = await listen(server)
      expect(await failureOf(port)).to.deep.equal({
        errno: 'HTTP1',
        message: `127.0.0.1:${port} speaks HTTP/1, not gRPC: it answers "HTTP/1.1 400 Bad Request"`,
      })
    })

    it('says that a TLS port does not speak HTTP/2', async () => {
      for (const ALPNProtocols of [['http/1.1'], undefined]) {
        const { certificate: cert, key } = localhost
        const server = createTlsServer({ cert, key, ...(ALPNProtocols ? { ALPNProtocols } : {}) })
        const port = await listen(server.on('tlsClientError', () => undefined))
        const { errno, message } = await failureOf(port, tlsTo())
        expect(errno).to.equal('NO_HTTP2')
        expect(message).to.equal(`127.0.0.1:${port} speaks TLS, but not HTTP/2`)
      }
    })

    it('says that a port closes the connection, or what it sends instead of HTTP/2', async () => {
      const silent = await listen(createServer((socket) => socket.destroy()))
      expect(await failureOf(silent)).to.deep.equal({
        errno: 'NO_HTTP2',
        message: `127.0.0.1:${silent} closed the connection without an HTTP/2 frame`,
      })
      const smtp = await listen(createServer((socket) => socket.end('220 mail.example.com ESMTP and more\r\n')))
      expect((await failureOf(smtp)).message).to.match(/speaks no HTTP\/2: its first bytes are 323230206d61696c$/)
    })

    it('says that a gRPC server does not serve chaincode', async () => {
      const { port, stop } = await emptyService()
      cleanUps.push(stop)
      const connection = dial(port)
      const { ended } = await connection.next()
      expect((await ended).message).to.match(/^the server does not implement protos\.Chaincode\/Connect/)
      expect((await connection.until('DISCONNECTED')).message).to.match(/does not implement/)
    })

    it('says that an HTTP/2 server is no gRPC server', async () => {
      const server = createHttp2Server((_request, response) => response.writeHead(404).end('nothing here'))
      const port = await listen(server as unknown as Server)
      const { next } = dial(port)
      expect((await (await next()).ended).message).to.equal(
        'what answers speaks HTTP/2, but is no gRPC server: HTTP status 404, content type none',
      )
    })
  })
})
