import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  type handleUnaryCall,
  makeGenericClientConstructor,
  credentials,
  status,
  type ServiceError,
} from '@grpc/grpc-js'
import { expect } from 'chai'
import { generateKeyPairSync } from 'node:crypto'
import { issueCertificate } from '../../services/issue-certificate.js'
import { type GrpcServer, type GrpcServerOptions, serveGrpc } from '../../services/serve-grpc.js'

const identity = (bytes: Buffer) => bytes
const definition = {
  call: {
    path: '/test.Service/Call',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
} as const

/** A self-signed certificate for the name `test`. */
function tlsMaterial() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const subject = [['CN', 'test']] as const
  const notBefore = new Date(Date.now() - 60_000)
  const notAfter = new Date(Date.now() + 3_600_000)
  const names = ['test']
  const certificate = issueCertificate(
    { subject, publicKey, notBefore, notAfter, isCa: true, names },
    { subject, privateKey },
  )
  return {
    certificate: Buffer.from(certificate),
    key: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

describe('a gRPC server', () => {
  const closers: (() => Promise<unknown> | void)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  const echo: handleUnaryCall<Buffer, Buffer> = (call, callback) => callback(null, call.request)

  const start = (options: Partial<GrpcServerOptions> = {}, call = echo) =>
    serveGrpc({
      host: '127.0.0.1',
      port: 0,
      services: [{ definition, handlers: { call } }],
      maxMessageBytes: 1_000_000,
      ...options,
    })

  const started = async (options: Partial<GrpcServerOptions> = {}, call = echo): Promise<GrpcServer> => {
    const outcome = await start(options, call)
    if (!outcome.listening) throw new Error(outcome.message)
    closers.push(() => outcome.server.close(0))
    return outcome.server
  }

  const clientOf = ({ port }: GrpcServer, ca?: Buffer) => {
    const Client = makeGenericClientConstructor(definition, 'test.Service')
    const client = new Client(`127.0.0.1:${port}`, ca ? credentials.createSsl(ca) : credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.ssl_target_name_override': 'test',
    })
    closers.push(() => client.close())
    return (request: Buffer) =>
      new Promise<Buffer | ServiceError>((resolve) => {
        client.makeUnaryRequest(definition.call.path, identity, identity, request, (error, answered) =>
          resolve(error ?? answered!),
        )
      })
  }

  const socketTo = async ({ port }: { port: number }): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    closers.push(() => void socket.destroy())
    await once(socket, 'connect')
    return socket
  }

  it('answers in plaintext on the port that the system chose', async () => {
    const server = await started()
    expect(server.host).to.equal('127.0.0.1')
    expect(await clientOf(server)(Buffer.from('hi'))).to.deep.equal(Buffer.from('hi'))
  })

  it('answers over TLS', async () => {
    const tls = tlsMaterial()
    const server = await started({ tls })
    expect(await clientOf(server, tls.certificate)(Buffer.from('hi'))).to.deep.equal(Buffer.from('hi'))
  })

  it('binds a name at its IPv4 address', async () => {
    expect((await started({ host: 'localhost' })).host).to.equal('127.0.0.1')
  })

  it('refuses messages over the limit, in both directions', async () => {
    const server = await started({}, (_call, callback) => callback(null, Buffer.alloc(1_000_001)))
    const call = clientOf(server)
    for (const request of [Buffer.alloc(1_000_001), Buffer.alloc(1)]) {
      expect(await call(request)).to.have.property('code', status.RESOURCE_EXHAUSTED)
    }
  })

  it('tells a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    closers.push(() => void taken.close())
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    expect(await start({ port })).to.deep.include({
      listening: false,
      errno: 'EADDRINUSE',
      address: `127.0.0.1:${port}`,
    })
  })

  it('tells an address that is not of this machine', async () => {
    const outcome = await start({ host: '192.0.2.1' })
    expect(outcome).to.deep.include({ listening: false, address: '192.0.2.1:0', errno: 'EADDRNOTAVAIL' })
  })

  it('tells TLS material that is none', async () => {
    const outcome = await start({ tls: { key: Buffer.from('no key'), certificate: Buffer.from('no certificate') } })
    expect(outcome.listening).to.equal(false)
    expect(outcome).to.have.property('message').that.matches(/PEM/)
  })

  for (const [what, tls] of [
    ['plaintext', undefined],
    ['TLS', tlsMaterial()],
  ] as const) {
    it(`outlives garbage on its ${what} port`, async () => {
      const server = await started({ tls })
      const socket = await socketTo(server)
      const closed = once(socket, 'close')
      socket.resume().write('GET / HTTP/1.1\r\nHost: nobody\r\n\r\n')
      await closed
      expect(await clientOf(server, tls?.certificate)(Buffer.from('hi'))).to.deep.equal(Buffer.from('hi'))
    })

    it(`cuts a ${what} connection that never says anything when it closes`, async () => {
      const server = await started({ tls })
      const socket = await socketTo(server)
      // The server has taken the connection once it answers one that came later.
      await clientOf(server, tls?.certificate)(Buffer.from('hi'))
      const closed = once(socket.resume(), 'close')
      await server.close(50)
      await closed
    })
  }

  it('lets a call end before it closes, and takes no further one', async () => {
    let answer!: () => void
    let arrive!: () => void
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const server = await started({}, (call, callback) => {
      answer = () => callback(null, call.request)
      arrive()
    })
    const answered = clientOf(server)(Buffer.from('late'))
    await arrived
    const closing = server.close(60_000)
    expect(await clientOf(server)(Buffer.from('new'))).to.have.property('code', status.UNAVAILABLE)
    answer()
    expect(await answered).to.deep.equal(Buffer.from('late'))
    await closing
  })

  it('cuts a call that does not end in the grace, and tells its handler', async () => {
    let arrive!: () => void
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const cancelled: string[] = []
    const server = await started({}, (call) => {
      call.on('cancelled', () => cancelled.push('cancelled'))
      arrive()
    })
    const answered = clientOf(server)(Buffer.from('hang'))
    await arrived
    await Promise.all([server.close(10), server.close(10)])
    expect(await answered).to.be.instanceOf(Error)
    expect(cancelled).to.deep.equal(['cancelled'])
  })

  it('frees the port', async () => {
    const server = await started()
    await server.close(0)
    const again = await started({ port: server.port })
    expect(again.port).to.equal(server.port)
  })
})
