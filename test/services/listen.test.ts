import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { HealthCheckRequest, HealthCheckResponse } from '../../proto/gen/grpc/health.js'
import { listenGrpcJs } from '../../services/listen-grpc-js.js'
import { listenHttp2 } from '../../services/listen-http2.js'
import type { ChaincodeListener, ListenerOptions, StreamTransport } from '../../services/stream-transport.js'
import {
  frame,
  openRequest,
  openSession,
  openTunnel,
  outcomeOf,
  RawGrpcClient,
  recordStreams,
  sendRaw,
} from './grpc-clients.js'

const echo = (transport: StreamTransport, message: Buffer) => transport.send(message)
const request = (service: string) => Buffer.from(HealthCheckRequest.encode({ service }).finish())
const mebibyte = 1024 * 1024

for (const listen of [listenHttp2, listenGrpcJs]) {
  describe(`The listener of ${listen.name}`, () => {
    const cleanUps: (() => unknown)[] = []
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
    })

    const start = async (options: Partial<ListenerOptions> = {}): Promise<ChaincodeListener> => {
      const listener = await listen({
        host: '127.0.0.1',
        port: 0,
        accept: recordStreams(echo).accept,
        maxMessageBytes: 100 * mebibyte,
        pingIntervalMs: 0,
        pingTimeoutMs: 20_000,
        isServing: () => true,
        ...options,
      })
      cleanUps.push(() => listener.close())
      return listener
    }
    const dial = (port: number, options?: Record<string, unknown>): RawGrpcClient => {
      const client = new RawGrpcClient(port, options)
      cleanUps.push(() => client.close())
      return client
    }
    const openBareSession = async (port: number) => {
      const session = await openSession(port)
      cleanUps.push(() => session.destroy())
      return session
    }
    /** Starts a listener with one open stream, and gives both of its ends. */
    const connect = async (options: Partial<ListenerOptions> = {}, react?: Parameters<typeof recordStreams>[0]) => {
      const { accept, next } = recordStreams(react)
      const listener = await start({ accept, ...options })
      const call = dial(listener.port).register()
      return { listener, call, served: await next() }
    }

    it('returns every message as it came, whatever its size', async () => {
      const { port } = await start()
      const call = dial(port).register()
      const messages = [0, 1, 5, 16_379, 16_384, 16_385, 65_536, 3 * mebibyte, 0].map((size, index) =>
        Buffer.alloc(size, index + 1),
      )
      call.send(...messages)
      const answers = await call.receive(messages.length)
      expect(answers.map((answer, index) => answer.equals(messages[index] as Buffer))).to.deep.equal(
        messages.map(() => true),
      )
    })

    it('carries 20 MB both ways', async () => {
      const { port } = await start()
      const call = dial(port).register()
      const message = Buffer.alloc(20_000_000, 'chaincode')
      const [answer] = await call.send(message).receive(1)
      expect(answer?.equals(message)).to.be.true
    })

    it('keeps 1,000 pipelined messages in order, to the end', async () => {
      const { port } = await start()
      const call = dial(port).register()
      const messages = Array.from({ length: 1000 }, (_, index) => `message ${index}`)
      call.send(...messages)
      call.call.end()
      expect(await call.status).to.include({ code: 0 })
      expect(call.messages.map(String)).to.deep.equal(messages)
    })

    it('keeps the order of what it sends by itself, large and small, and says when it is written', async () => {
      const { call, served } = await connect()
      const messages = Array.from({ length: 60 }, (_, index) => Buffer.alloc(index % 7 === 0 ? 40_000 : index, index))
      const written: number[] = []
      messages.forEach((message, index) =>
        served.transport.send(message, (error) => written.push(error === undefined ? index : -1)),
      )
      expect(served.transport.bufferedBytes).to.equal(messages.reduce((sum, { length }) => sum + length, 0))
      const answers = await call.receive(messages.length)
      served.transport.close()
      await call.status
      expect(answers.every((answer, index) => answer.equals(messages[index] as Buffer))).to.be.true
      expect(written).to.deep.equal([...messages.keys()])
      expect(served.transport.bufferedBytes).to.equal(0)
    })

    it('reads messages that are split and packed in every way', async () => {
      const { accept, next } = recordStreams()
      const { port } = await start({ accept })
      const stream = openRequest(await openBareSession(port))
      const served = await next()
      const bytes = Buffer.concat(['first', '', 'third', 'fourth'].map((text) => frame(text)))
      for (let at = 0; at < 12; at++) stream.write(bytes.subarray(at, at + 1))
      stream.end(bytes.subarray(12))
      await served.ended
      expect(served.messages.map(String)).to.deep.equal(['first', '', 'third', 'fourth'])
    })

    it('knows where a stream comes from', async () => {
      const { accept, next } = recordStreams()
      const { port } = await start({ accept })
      const session = await openBareSession(port)
      openRequest(session)
      expect((await next()).transport.remoteAddress).to.equal(`127.0.0.1:${session.socket.localPort}`)
    })

    it('ends a stream whose message is over the limit, and names both sizes', async () => {
      const { call, served } = await connect({ maxMessageBytes: 1000 }, echo)
      await call.send(Buffer.alloc(1000)).receive(1)
      const { code, details } = await call.send(Buffer.alloc(1001), 'next').status
      expect(code).to.equal(8)
      expect(details).to.match(/received message larger than max \(1001 vs\.? 1000\)/i)
      expect(await served.ended).to.include({ kind: 'error' })
      expect(served.messages.map(({ length }) => length)).to.deep.equal([1000])
    })

    it('does not send a message over the limit: the sender is told, or else the stream ends', async () => {
      const { call, served } = await connect({ maxMessageBytes: 1000 })
      const text = 'grpc: trying to send message larger than max (1001 vs. 1000)'
      const error = await new Promise<Error | undefined>((resolve) =>
        served.transport.send(Buffer.alloc(1001), resolve),
      )
      expect(error?.message).to.equal(text)
      served.transport.send(Buffer.alloc(1000))
      await call.receive(1)
      served.transport.send(Buffer.alloc(1001))
      expect(await call.status).to.include({ code: 8, details: text })
      expect(await served.ended).to.deep.equal({ kind: 'error', message: text })
    })

    it('tells of a half-close as eof, and closes with OK', async () => {
      const { call, served } = await connect()
      call.send('last')
      call.call.end()
      expect(await served.ended).to.deep.equal({ kind: 'eof', message: '' })
      expect(served.messages.map(String)).to.deep.equal(['last'])
      expect(await call.status).to.include({ code: 0 })
      expect(served.ends).to.have.length(1)
    })

    it('lets the program answer a half-close with a status', async () => {
      const { accept, next } = recordStreams()
      const closing = {
        accept: (transport: StreamTransport) => ({
          ...accept(transport),
          onEnd: () => transport.close({ code: 2, message: 'EOF' }),
        }),
      }
      const { port } = await start(closing)
      const call = dial(port).register()
      await next()
      call.call.end()
      expect(await call.status).to.include({ code: 2, details: 'EOF' })
    })

    it('tells of a cancelled stream, once', async () => {
      const { listener, call, served } = await connect({}, echo)
      await call.send('first').receive(1)
      call.call.cancel()
      expect(await served.ended).to.include({ kind: 'error' })
      await listener.close()
      expect(served.ends).to.have.length(1)
    })

    it('tells of a lost connection, and gives up what is not written', async () => {
      const { accept, next } = recordStreams()
      const { port } = await start({ accept })
      const session = await openBareSession(port)
      openRequest(session) // Nothing reads its answers, so the window fills.
      const served = await next()
      const written = [1, 2].map(
        () => new Promise<Error | undefined>((resolve) => served.transport.send(Buffer.alloc(5 * mebibyte), resolve)),
      )
      session.destroy()
      expect(await served.ended).to.include({ kind: 'error' })
      expect(await Promise.all(written)).to.satisfy((errors: unknown[]) => errors.every((e) => e instanceof Error))
      const late = await new Promise<Error | undefined>((resolve) => served.transport.send(Buffer.alloc(1), resolve))
      expect(late).to.be.instanceOf(Error)
      expect(served.transport.bufferedBytes).to.equal(0)
    })

    it('closes with a status after what is queued, its text in UTF-8', async () => {
      const message = '50 % — größer als 時間 🙂\nnext line'
      const { call, served } = await connect()
      for (let index = 0; index < 100; index++) served.transport.send(Buffer.from(String(index)))
      served.transport.close({ code: 2, message })
      served.transport.close({ code: 3, message: 'a second close does not count' })
      const { code, details } = await call.status
      expect({ code, details }).to.deep.equal({ code: 2, details: message })
      expect(call.messages).to.have.length(100)
      expect(await served.ended).to.deep.equal({ kind: 'closed', message: '' })
      const late = await new Promise<Error | undefined>((resolve) => served.transport.send(Buffer.alloc(1), resolve))
      expect(late?.message).to.equal('the stream is closed')
    })

    it('can refuse a stream when it accepts it, whether or not the client ends its side', async () => {
      const accept = (transport: StreamTransport) => {
        transport.close({ code: 7, message: 'no' })
        return { onMessage() {}, onEnd() {} }
      }
      const { port } = await start({ accept })
      const outcome = await outcomeOf(openRequest(await openBareSession(port)).end())
      expect(outcome).to.deep.equal({ http: 200, code: 7, message: 'no', contentType: 'application/grpc+proto' })
      expect(await dial(port).register().status).to.include({ code: 7, details: 'no' })
    })

    it('gives no more messages to a program that has closed', async () => {
      const close = (transport: StreamTransport) => transport.close({ code: 2, message: 'enough' })
      const { accept, next } = recordStreams(close)
      const { port } = await start({ accept })
      const stream = openRequest(await openBareSession(port))
      const outcome = outcomeOf(stream)
      stream.end(Buffer.concat([frame('one'), frame('two'), frame('three')]))
      expect(await outcome).to.include({ code: 2, message: 'enough' })
      expect((await next()).messages.map(String)).to.deep.equal(['one'])
    })

    it('answers health checks by service', async () => {
      let isServing = true
      const { port } = await start({ isServing: () => isServing })
      const check = async (service: string) => {
        const call = dial(port).register('/grpc.health.v1.Health/Check')
        call.send(request(service)).call.end()
        const { code, details } = await call.status
        return call.messages[0] ? HealthCheckResponse.decode(call.messages[0]).status : { code, details }
      }
      expect(await check('')).to.equal(1)
      expect(await check('protos.ChaincodeSupport')).to.equal(1)
      isServing = false
      expect(await check('')).to.equal(2)
      expect(await check('other')).to.deep.equal({ code: 5, details: 'unknown service' })
    })

    it('refuses a health check that does not decode', async () => {
      const { port } = await start()
      const call = dial(port)
        .register('/grpc.health.v1.Health/Check')
        .send(Buffer.from([0x0a, 0x7f]))
      expect(await call.status).to.include({ code: 13 })
    })

    it('tells a watcher of every change of health', async () => {
      let isServing = false
      const { port } = await start({ isServing: () => isServing })
      const watch = (service: string) => {
        const call = dial(port).register('/grpc.health.v1.Health/Watch')
        call.send(request(service)).call.end()
        return async (count: number) =>
          (await call.receive(count)).map((answer) => HealthCheckResponse.decode(answer).status)
      }
      const known = watch('')
      expect(await known(1)).to.deep.equal([2])
      expect(await watch('other')(1)).to.deep.equal([3])
      isServing = true
      expect(await known(2)).to.deep.equal([2, 1])
      isServing = false
      expect(await known(3)).to.deep.equal([2, 1, 2])
    })

    it('does not know other methods', async () => {
      const { port } = await start()
      expect(await dial(port).register('/protos.Chaincode/Connect').status).to.include({
        code: 12,
        details: 'The server does not implement the method /protos.Chaincode/Connect',
      })
    })

    it('answers other content types with HTTP 415', async () => {
      const { port } = await start()
      const stream = openRequest(await openBareSession(port), { 'content-type': 'application/json' })
      expect((await outcomeOf(stream.end('{}'))).http).to.equal(415)
    })

    it('refuses a compressed message', async () => {
      const { accept, next } = recordStreams()
      const { port } = await start({ accept })
      const stream = openRequest(await openBareSession(port), { 'grpc-encoding': 'snappy' })
      const outcome = outcomeOf(stream)
      stream.end(Buffer.concat([frame('plain'), frame('packed', 1)]))
      expect(await outcome).to.include({
        code: 12,
        message: 'Received message compressed with unsupported encoding "snappy"',
      })
      expect((await next()).messages.map(String)).to.deep.equal(['plain'])
    })

    it('closes connections that bring garbage, and serves the others', async () => {
      const { port } = await start()
      const call = dial(port).register()
      await call.send('before').receive(1)
      await sendRaw(port, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
      await sendRaw(port, Buffer.from(`16030100fa010000f60303${'5a'.repeat(240)}`, 'hex'))
      await sendRaw(port, Buffer.alloc(100_000, 0xff))
      await sendRaw(port, Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(1000, 0xaa)]))
      expect((await call.send('after').receive(2)).map(String)).to.deep.equal(['before', 'after'])
    })

    it('says by code that the port is in use', async () => {
      const { port } = await start()
      const error = await start({ port }).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(Error).with.property('code', 'EADDRINUSE')
    })

    it('frees the port when it closes: streams end, idle and silent connections too', async () => {
      const { listener, call, served } = await connect()
      const idle = await openBareSession(listener.port)
      const left = once(idle, 'close')
      expect(listener.host).to.equal('127.0.0.1')
      await Promise.all([listener.close(), listener.close()])
      expect(await call.status).to.include({ code: 14, details: 'the peer is shutting down' })
      expect(await served.ended).to.deep.equal({ kind: 'closed', message: '' })
      await left
      const other = createServer().listen(listener.port, '127.0.0.1')
      await once(other, 'listening')
      other.close()
    })

    it('closes although a client takes nothing', async () => {
      const { accept, next } = recordStreams()
      const listener = await start({ accept })
      const session = await openBareSession(listener.port)
      openRequest(session)
      const served = await next()
      served.transport.send(Buffer.alloc(10 * mebibyte))
      await listener.close()
      expect(await served.ended).to.include({ kind: 'closed' })
    })

    it('answers pings of a client without streams', async () => {
      const { port } = await start()
      const session = await openBareSession(port)
      for (let count = 0; count < 20; count++) {
        const error = await new Promise((resolve) => session.ping((reason) => resolve(reason)))
        expect(error).to.be.null
      }
    })

    it('pings idle connections and keeps those that answer', async () => {
      const { accept, next } = recordStreams(echo)
      const { port } = await start({ accept, pingIntervalMs: 20, pingTimeoutMs: 10_000 })
      const session = await openBareSession(port)
      const stream = openRequest(session)
      const served = await next()
      for (let count = 0; count < 5; count++) await once(session, 'ping')
      stream.write(frame('still here'))
      const [answer] = (await once(stream, 'data')) as [Buffer]
      expect(answer).to.deep.equal(frame('still here'))
      expect(served.ends).to.deep.equal([])
    })

    it('closes connections that do not answer pings', async () => {
      const { accept, next } = recordStreams(echo)
      const { port } = await start({ accept, pingIntervalMs: 20, pingTimeoutMs: 100 })
      const tunnel = await openTunnel(port)
      cleanUps.push(tunnel.close)
      const call = dial(tunnel.port).register()
      const served = await next()
      await call.send('before').receive(1)
      tunnel.freeze()
      expect(await served.ended).to.include({ kind: 'error' })
    })
  })
}
