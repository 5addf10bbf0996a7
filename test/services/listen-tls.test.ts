import { connect as connectTls } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { expect } from 'chai'
import {
  type ChaincodeAuthority,
  type KeyPairPem,
  certificateHash,
  createChaincodeAuthority,
} from '../../services/chaincode-authority.js'
import { listenGrpcJs } from '../../services/listen-grpc-js.js'
import { listenHttp2 } from '../../services/listen-http2.js'
import { RawCall, recordStreams, registerPath, sendRaw } from './grpc-clients.js'

const UNAVAILABLE = 14
const asIs = (bytes: Buffer) => bytes

let authority: ChaincodeAuthority
let server: KeyPairPem
let client: KeyPairPem
let stranger: ChaincodeAuthority

before(async () => {
  authority = await createChaincodeAuthority()
  stranger = await createChaincodeAuthority()
  server = await authority.issueServer(['localhost', '127.0.0.1'])
  client = await authority.issueClient(60_000)
})

for (const listen of [listenHttp2, listenGrpcJs]) {
  describe(`The listener of ${listen.name} with TLS`, () => {
    const cleanUps: (() => unknown)[] = []
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
    })

    async function start() {
      const refusals: string[] = []
      const waiting: (() => void)[] = []
      const { accept, next } = recordStreams((transport, message) => transport.send(message))
      const listener = await listen({
        host: '127.0.0.1',
        port: 0,
        accept,
        tls: { ...server, root: authority.root },
        maxMessageBytes: 1024 * 1024,
        pingIntervalMs: 0,
        pingTimeoutMs: 20_000,
        isServing: () => true,
        onRefused: (_address, why) => {
          refusals.push(why)
          for (const wake of waiting.splice(0)) wake()
        },
      })
      cleanUps.push(() => listener.close())
      const refused = async () => {
        while (refusals.length === 0) await new Promise<void>((resolve) => waiting.push(resolve))
        return refusals[0]
      }
      return { port: listener.port, next, refused }
    }
    const call = (port: number, pair?: KeyPairPem, root = authority.root): RawCall => {
      const shown = pair ? [Buffer.from(pair.key), Buffer.from(pair.certificate)] : []
      const made = credentials.createSsl(Buffer.from(root), ...(shown as [Buffer, Buffer]))
      const grpc = new Client(`127.0.0.1:${port}`, made, { 'grpc.use_local_subchannel_pool': 1 })
      cleanUps.push(() => grpc.close())
      return new RawCall(grpc.makeBidiStreamRequest(registerPath, asIs, asIs))
    }

    it('carries messages both ways, and knows the hash of the certificate that the client has shown', async () => {
      const { port, next } = await start()
      const open = call(port, client)
      const { transport } = await next()
      expect(transport.certificateHash).to.equal(certificateHash(client.certificate))
      const message = Buffer.alloc(200_000, 'chaincode')
      const [answer] = await open.send(message).receive(1)
      expect(answer?.equals(message)).to.equal(true)
    })

    const refused: Record<string, { pair: () => Promise<KeyPairPem | undefined>; why: RegExp }> = {
      'no certificate': { pair: () => Promise.resolve(undefined), why: /^a TLS client without a certificate$/ },
      'a certificate of another authority': {
        pair: () => stranger.issueClient(60_000),
        why: /^a TLS client with a certificate of another authority$/,
      },
      'a certificate of its own making': {
        pair: async () => ({ ...(await stranger.issueClient(60_000)), ...(await ownMade()) }),
        why: /^a TLS client with a certificate of (its own making|another authority)$/,
      },
      'an expired certificate': {
        pair: () => authority.issueClient(-25 * 60 * 60 * 1000),
        why: /^a TLS client whose certificate has expired$/,
      },
      'a certificate for servers': {
        pair: () => Promise.resolve(server),
        why: /^a TLS client with a certificate that is not for clients$/,
      },
    }
    for (const [what, { pair, why }] of Object.entries(refused))
      it(`takes no client with ${what}`, async () => {
        const { port, refused: told } = await start()
        const { code } = await call(port, await pair()).status
        expect(code).to.equal(UNAVAILABLE)
        if (listen === listenHttp2) expect(await told()).to.match(why)
      })

    it('is not taken for a peer by a client that trusts another authority', async () => {
      const { port } = await start()
      const { code } = await call(port, client, stranger.root).status
      expect(code).to.equal(UNAVAILABLE)
    })

    it('closes while a client is in the middle of its handshake', async () => {
      const { port } = await start()
      const left = sendRaw(port, Buffer.from([0x16, 0x03, 0x01]))
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
      await left
    })
  })
}

async function ownMade(): Promise<KeyPairPem> {
  const { generate } = await import('selfsigned')
  const made = await generate([{ name: 'commonName', value: 'own' }], { keyType: 'ec', algorithm: 'sha256' })
  return { key: made.private, certificate: made.cert }
}

describe('The listener of listenHttp2 with TLS tells of a client that', () => {
  /** What the listener says of a client that does `work`. */
  async function refusalOf(work: (port: number) => Promise<unknown>): Promise<string> {
    let tell: (why: string) => void = () => undefined
    const told = new Promise<string>((resolve) => (tell = resolve))
    const listener = await listenHttp2({
      host: '127.0.0.1',
      port: 0,
      accept: recordStreams().accept,
      tls: { ...server, root: authority.root },
      maxMessageBytes: 1024,
      pingIntervalMs: 0,
      pingTimeoutMs: 20_000,
      isServing: () => true,
      onRefused: (_address, why) => tell(why),
    })
    try {
      await work(listener.port)
      return await told
    } finally {
      await listener.close()
    }
  }
  const secured = (ALPNProtocols: string[] | undefined) => async (port: number) => {
    const { key, certificate } = client
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      key,
      cert: certificate,
      ca: authority.root,
      ...(ALPNProtocols ? { ALPNProtocols } : {}),
    })
    socket.on('error', () => undefined) // One way to refuse.
    await new Promise((resolve) => socket.once('close', resolve))
  }

  it('speaks HTTP/2 without TLS', async () => {
    const why = await refusalOf((port) => sendRaw(port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))
    expect(why).to.equal('a client without TLS, but this port speaks TLS')
  })

  it('speaks HTTP/1 without TLS', async () => {
    const why = await refusalOf((port) => sendRaw(port, 'GET / HTTP/1.1\r\n\r\n'))
    expect(why).to.equal('an HTTP/1 client without TLS, but this port speaks TLS')
  })

  for (const [what, protocols] of [
    ['offers another protocol', ['http/1.1']],
    ['offers none', undefined],
  ] as const)
    it(`${what} in its handshake`, async () => {
      const why = await refusalOf(secured(protocols ? [...protocols] : undefined))
      expect(why).to.equal('a TLS client that does not offer HTTP/2 (ALPN h2)')
    })
})
