import { once } from 'node:events'
import { constants } from 'node:http2'
import { connect } from 'node:net'
import { expect } from 'chai'
import { listenHttp2 } from '../../services/listen-http2.js'
import type { ChaincodeListener, ListenerOptions } from '../../services/stream-transport.js'
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

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])

describe('listenHttp2', () => {
  const cleanUps: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  const start = async (options: Partial<ListenerOptions> = {}): Promise<ChaincodeListener> => {
    const listener = await listenHttp2({
      host: '127.0.0.1',
      port: 0,
      accept: recordStreams().accept,
      maxMessageBytes: 100 * 1024 * 1024,
      pingIntervalMs: 0,
      pingTimeoutMs: 20_000,
      isServing: () => true,
      ...options,
    })
    cleanUps.push(() => listener.close())
    return listener
  }
  /** A listener, a bare connection to it, and a stream with both of its ends. */
  const openStream = async (options: Partial<ListenerOptions> = {}) => {
    const { accept, next } = recordStreams()
    const { port } = await start({ accept, ...options })
    const session = await openSession(port)
    cleanUps.push(() => session.destroy())
    const stream = openRequest(session)
    return { session, stream, served: await next() }
  }

  describe('names what it refuses', () => {
    const refusalOf = async (bytes: Buffer | string, options: Partial<ListenerOptions> = {}): Promise<string> => {
      const refusals: string[] = []
      const onRefused = (remoteAddress: string, why: string) => refusals.push(`${remoteAddress} ${why}`)
      const listener = await start({ onRefused, ...options })
      await sendRaw(listener.port, bytes)
      await listener.close()
      expect(refusals).to.have.length(1)
      expect(refusals[0]).to.match(/^127\.0\.0\.1:\d+ /)
      return String(refusals[0]).replace(/^\S+ /, '')
    }

    it('HTTP/1', async () => {
      const why = await refusalOf('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
      expect(why).to.equal('an HTTP/1 client, but this port speaks gRPC')
    })

    it('TLS', async () => {
      const why = await refusalOf(Buffer.from(`16030100fa010000f60303${'5a'.repeat(240)}`, 'hex'))
      expect(why).to.equal('a TLS client, but this port is plain text')
    })

    it('anything else, by its first bytes', async () => {
      const why = await refusalOf(Buffer.from('PRI * HTTP/2.1\r\n\r\nand more'))
      expect(why).to.equal('no HTTP/2, the first bytes are 505249202a204854')
    })

    it('garbage after the preface of HTTP/2', async () => {
      expect(await refusalOf(Buffer.concat([preface, Buffer.alloc(1000, 0xaa)]))).to.match(/error/i)
    })

    it('a client that says too little for too long', async () => {
      expect(await refusalOf('PRI', { pingTimeoutMs: 50 })).to.equal('no HTTP/2 within 50 ms')
    })

    it('a client that leaves in the middle of its first word', async () => {
      let refused: (why: string) => void
      const refusal = new Promise<string>((resolve) => (refused = resolve))
      const { port } = await start({ onRefused: (_, why) => refused(why) })
      connect(port, '127.0.0.1').end('PRI')
      expect(await refusal).to.equal('closed after 3 bytes')
    })

    it('but not a probe that only connects', async () => {
      const refusals: string[] = []
      const { port } = await start({ onRefused: (_, why) => refusals.push(why) })
      const probe = connect(port, '127.0.0.1').resume().end()
      await once(probe, 'close')
      await sendRaw(port, 'SSH-2.0-OpenSSH_9.6\r\n')
      expect(refusals).to.deep.equal(['no HTTP/2, the first bytes are 5353482d322e302d'])
    })
  })

  it('takes a preface that comes byte by byte', async () => {
    const { port } = await start()
    const socket = connect(port, '127.0.0.1').setNoDelay(true)
    cleanUps.push(() => socket.destroy())
    for (const byte of Buffer.concat([preface, emptySettings])) {
      await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
    }
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer[3], 'the type of the first frame').to.equal(emptySettings[3])
  })

  it('ends a stream that half-closes inside a message', async () => {
    const { stream, served } = await openStream()
    const outcome = outcomeOf(stream)
    stream.end(frame('whole').subarray(0, 7))
    expect(await outcome).to.include({ code: 13, message: 'unexpected EOF' })
    expect(await served.ended).to.deep.equal({ kind: 'error', message: 'unexpected EOF' })
  })

  it('ends a stream that it has closed although the client does not end its side', async () => {
    const { stream, served } = await openStream({ pingTimeoutMs: 60_000 })
    served.transport.close({ code: 2, message: 'over' })
    expect(await outcomeOf(stream)).to.include({ code: 2, message: 'over' })
    expect(stream.rstCode).to.equal(constants.NGHTTP2_NO_ERROR)
    expect(await served.ended).to.include({ kind: 'closed' })
  })

  it('tells when the client cancelled the stream', async () => {
    const { stream, served } = await openStream()
    stream.close(constants.NGHTTP2_CANCEL)
    expect(await served.ended).to.deep.equal({ kind: 'error', message: 'the client cancelled the stream' })
  })

  it('tells with which code else the client reset the stream', async () => {
    const { stream, served } = await openStream()
    stream.close(constants.NGHTTP2_FLOW_CONTROL_ERROR)
    const message = 'the client reset the stream with HTTP/2 error code 3'
    expect(await served.ended).to.deep.equal({ kind: 'error', message })
  })

  it('tells when the connection was lost', async () => {
    const { session, served } = await openStream()
    session.destroy()
    expect((await served.ended).message).to.match(/^the connection was lost/)
  })

  it('tells when a ping was not answered', async () => {
    const { accept, next } = recordStreams()
    const { port } = await start({ accept, pingIntervalMs: 20, pingTimeoutMs: 100 })
    const tunnel = await openTunnel(port)
    cleanUps.push(tunnel.close)
    const client = new RawGrpcClient(tunnel.port)
    cleanUps.push(() => client.close())
    client.register()
    const served = await next()
    tunnel.freeze()
    const message = 'the connection was closed: no answer to an HTTP/2 ping within 100 ms'
    expect(await served.ended).to.deep.equal({ kind: 'error', message })
  })

  it('accepts a stream on a connection where much is still to be taken', async () => {
    const { session, served } = await openStream()
    served.transport.send(Buffer.alloc(30_000_000))
    const check = openRequest(session, { ':path': '/grpc.health.v1.Health/Check' })
    expect(await outcomeOf(check.end(frame('')))).to.include({ code: 0 })
  })

  it('resets a closed stream whose client does not take the rest in time', async () => {
    const { stream, served } = await openStream({ pingTimeoutMs: 50 })
    const closed = once(stream, 'close')
    served.transport.send(Buffer.alloc(1_000_000))
    served.transport.close()
    await closed
    expect(stream.rstCode).to.equal(constants.NGHTTP2_CANCEL)
    expect(await served.ended).to.include({ kind: 'closed' })
  })
})
