import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type RequestListener, type Server, createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { generate } from 'selfsigned'
import { agreeOnApi, connectEngine } from '../../services/docker-connect.js'
import { createContainer } from '../../services/docker-container.js'
import type { DockerFailure } from '../../services/docker-failure.js'

const failureOf = (promise: Promise<unknown>): Promise<DockerFailure> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: DockerFailure) => error,
  )

describe('The connection to a container engine', () => {
  let folder: string
  const servers: Server[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
    rmSync(folder, { recursive: true, force: true })
  })

  /** An engine of which only the version is real, on a socket in the test's folder. */
  const engine = async (answer: RequestListener, version: object = { ApiVersion: '1.41', Version: '20' }) => {
    const server = createServer((request, response) =>
      request.url === '/version' ? response.end(JSON.stringify(version)) : answer(request, response),
    )
    servers.push(server)
    const path = join(folder, 'engine.sock')
    await new Promise<void>((resolve) => server.listen(path, resolve))
    return `unix://${path}`
  }
  const nothing: RequestListener = (_request, response) => void response.writeHead(404).end('{"message":"no"}')

  it('fails where no engine listens, with its address and what to do', async () => {
    for (const endpoint of [`unix://${folder}/none.sock`, 'tcp://127.0.0.1:1', 'http://[::1]:1']) {
      const { trouble, message, hint } = await failureOf(connectEngine({ endpoint }))
      expect(trouble).to.equal('NO_ENGINE')
      expect(message).to.match(/^cannot connect to the container engine: no container engine answers at /)
      expect(message).to.contain(endpoint)
      expect(hint).to.contain('vm.endpoint')
    }
  })

  it('fails where this user may not use the socket, and names the group', async function () {
    const endpoint = await engine(nothing)
    chmodSync(endpoint.replace('unix://', ''), 0)
    const isRoot = process.getuid?.() === 0
    // Nothing is forbidden to root.
    if (isRoot) chmodSync(folder, 0o755)
    if (isRoot) process.seteuid?.(65534)
    const failure = await failureOf(connectEngine({ endpoint })).finally(() => isRoot && process.seteuid?.(0))
    expect(failure.trouble).to.equal('NO_PERMISSION')
    expect(failure.message).to.contain('this user may not use the container engine at unix://')
    expect(failure.hint).to.contain('usermod -aG docker')
  })

  it('fails where containers are switched off, or the endpoint is none', async () => {
    expect((await failureOf(connectEngine({ endpoint: '' }))).message).to.equal(
      'containers are switched off: vm.endpoint is empty',
    )
    const { message, hint } = await failureOf(connectEngine({ endpoint: 'docker.sock' }))
    expect(message).to.equal('vm.endpoint is "docker.sock", which is no address of a container engine')
    expect(hint).to.contain('unix:///PATH')
  })

  it('does not follow DOCKER_HOST: the endpoint is what the settings say', async () => {
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1'
    try {
      expect((await connectEngine({ endpoint: await engine(nothing) })).version).to.equal('20')
    } finally {
      delete process.env['DOCKER_HOST']
    }
  })

  it('fails where something else answers', async () => {
    const { message } = await failureOf(connectEngine({ endpoint: await engine(nothing, { hello: 1 }) }))
    expect(message).to.equal('cannot connect to the container engine: it answers, but not as a container engine does')
  })

  it('speaks the newest API version that both know', async () => {
    expect(agreeOnApi('1.41', '1.12')).to.equal('1.41')
    expect(agreeOnApi('1.99', '1.44')).to.equal('1.47')
    expect(agreeOnApi('1.34', '1.12')).to.equal(undefined)
    expect(agreeOnApi('2.0', '1.48')).to.equal(undefined)
    const paths: string[] = []
    const endpoint = await engine((request, response) => {
      paths.push(request.url ?? '')
      response.end('[]')
    })
    const { calls, apiVersion } = await connectEngine({ endpoint })
    await calls.listContainers()
    expect([apiVersion, paths]).to.deep.equal(['1.41', ['/v1.41/containers/json']])
  })

  it('fails where there is no API version that both know, with the versions of both', async () => {
    const version = { ApiVersion: '1.60', MinAPIVersion: '1.50', Version: '40.0' }
    const { trouble, message } = await failureOf(connectEngine({ endpoint: await engine(nothing, version) }))
    expect(trouble).to.equal('API_VERSION')
    expect(message).to.match(
      /container engine 40\.0 .* speaks the API 1\.50 to 1\.60, and 1\.35 to 1\.47 are known here/,
    )
  })

  const spec = { image: 'cc', env: [], hostConfig: {}, owner: 'me', ccid: 'cc:1', role: 'chaincode' as const }
  const refusal = async (status: number, message: string) => {
    const endpoint = await engine(
      (_request, response) => void response.writeHead(status).end(JSON.stringify({ message })),
    )
    return failureOf(createContainer(await connectEngine({ endpoint }), spec))
  }

  it("says that the engine's disk is full, and how to make room", async () => {
    const { trouble, message, hint } = await refusal(500, 'mkdir /var/lib/docker/x: no space left on device')
    expect(trouble).to.equal('NO_SPACE')
    expect(message).to.equal(
      'cannot create the container of cc: the disk of the container engine is full: ' +
        'mkdir /var/lib/docker/x: no space left on device',
    )
    expect(hint).to.contain('docker system prune')
  })

  it("gives the engine's own words for what it refuses, with the settings to look at", async () => {
    const { trouble, message, hint } = await refusal(400, 'invalid CPU shares')
    expect([trouble, message]).to.deep.equal(['REFUSED', 'cannot create the container of cc: invalid CPU shares'])
    expect(hint).to.contain('vm.docker.hostConfig')
  })

  it('says that the engine broke off in the middle of a call', async () => {
    const endpoint = await engine((request) => void request.socket.destroy())
    const { trouble, hint } = await failureOf(createContainer(await connectEngine({ endpoint }), spec))
    expect(trouble).to.equal('ENGINE_LOST')
    expect(hint).to.contain('restarted')
  })

  describe('over TLS', () => {
    const files = async (name: string) => {
      const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
        keyType: 'ec',
        extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
      })
      const write = (kind: string, text: string) => {
        writeFileSync(join(folder, `${name}.${kind}`), text)
        return join(folder, `${name}.${kind}`)
      }
      return { key, cert, keyFile: write('key', key), certFile: write('crt', cert) }
    }

    it('shows the client certificate, and trusts the given CA only', async () => {
      const [server, client] = [await files('server'), await files('client')]
      const tls = { key: server.key, cert: server.cert, ca: client.cert, requestCert: true, rejectUnauthorized: true }
      const listener = createTlsServer(tls, (_request, response) =>
        response.end(JSON.stringify({ ApiVersion: '1.41', Version: '20' })),
      )
      servers.push(listener)
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
      const endpoint = `tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`
      const { keyFile, certFile } = client
      const connected = await connectEngine({
        endpoint,
        tls: { enabled: true, caFile: server.certFile, certFile, keyFile },
      })
      expect(connected.version).to.equal('20')
      const failure = await failureOf(
        connectEngine({ endpoint, tls: { enabled: true, caFile: client.certFile, certFile, keyFile } }),
      )
      expect(failure.trouble).to.equal('TLS_MATERIAL')
      expect(failure.hint).to.contain('vm.docker.tls.ca.file')
    })

    it('names the key whose file cannot be read', async () => {
      const { keyFile } = await files('client')
      const tls = { enabled: true, caFile: keyFile, certFile: join(folder, 'none.pem'), keyFile }
      const { message, hint } = await failureOf(connectEngine({ endpoint: 'tcp://127.0.0.1:1', tls }))
      expect(message).to.match(/^vm\.docker\.tls\.cert\.file cannot be read: ENOENT.*none\.pem/)
      expect(hint).to.contain('vm.docker.tls.cert.file')
    })
  })
})
