import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerCredentials, status } from '@grpc/grpc-js'
import { expect } from 'chai'
import { generate } from 'selfsigned'
import { chaincodeInfo } from './fake-daemon.js'
import { FakeGateway, GatewayRefusal } from './fake-gateway.js'
import { FakeIo } from './fake-io.js'
import { ServedDaemon } from './served-daemon.js'

const failed = (text: string) =>
  new GatewayRefusal(status.ABORTED, 'failed to endorse transaction, see attached details for more info', [text])

describe('invoke and query', () => {
  let served: ServedDaemon
  let gateway: FakeGateway
  let io: FakeIo

  const makeUser = (user: string) => {
    const msp = join(
      served.folder,
      `organizations/peerOrganizations/org1.example.com/users/${user}@org1.example.com/msp`,
    )
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const folder of ['signcerts', 'keystore']) mkdirSync(join(msp, folder), { recursive: true })
    writeFileSync(join(msp, 'signcerts', 'cert.pem'), 'a certificate')
    writeFileSync(join(msp, 'keystore', 'priv_sk'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  }

  beforeEach(() => {
    served = new ServedDaemon()
    served.daemon.chaincodes = [chaincodeInfo('basic')]
    gateway = new FakeGateway()
    io = new FakeIo()
    io.env = { CHAINCODED_DATA: served.folder }
    makeUser('User1')
  })
  afterEach(async () => {
    gateway.close()
    await served.end()
  })
  const start = async () => served.start({ gatewayAddress: await gateway.listen() })

  it('give strings, or one JSON text, to the function', async () => {
    await start()
    const calls: string[][] = [
      ['query', 'basic', 'Read', 'a 1', '', '-5', '["x"]'],
      ['query', 'basic', '["Read","a 1","","-5","[\\"x\\"]"]'],
      ['invoke', 'basic', '{"Args":["Read","a 1","","-5","[\\"x\\"]"]}'],
      ['invoke', 'basic', '{"function":"Read","args":["a 1","","-5","[\\"x\\"]"]}'],
    ]
    for (const words of calls) expect(await io.run(words)).to.equal(0)
    for (const { args } of gateway.seen) expect(args).to.deep.equal(['Read', 'a 1', '', '-5', '["x"]'])
    expect(gateway.seen).to.have.length(4)
  })

  it('take arguments that begin with a dash behind --', async () => {
    await start()
    expect(await io.run('query basic --channel ch f -- --x -y')).to.equal(0)
    expect(gateway.seen[0]).to.deep.include({ channel: 'ch', args: ['f', '--x', '-y'] })
    expect(await io.run('query basic f --x')).to.equal(2)
    expect(io.stderr.text).to.contain('an argument that begins with a dash stands after --')
  })

  it('send transient data, on the channel that is named, else on the default of the daemon', async () => {
    await start()
    await io.run(['invoke', 'basic', 'f', '--transient', 'k=v=w', '--transient', 'empty=', '--channel', 'other'])
    await io.run('invoke basic f')
    expect(gateway.seen).to.deep.equal([
      { channel: 'other', chaincode: 'basic', args: ['f'], transient: { k: 'v=w', empty: '' } },
      { channel: 'mychannel', chaincode: 'basic', args: ['f'], transient: {} },
    ])
  })

  it('write the bytes of the result to stdout as they are, and everything else to stderr', async () => {
    await start()
    const result = Buffer.from([0xff, 0x00, 0x0a, 0x80])
    gateway.answer = () => result
    expect(await io.run('query basic f')).to.equal(0)
    expect(io.stdout.bytes).to.deep.equal(result)
    expect(io.stderr.text).to.equal('')
    expect(await io.run('invoke basic f')).to.equal(0)
    expect(io.stdout.bytes).to.deep.equal(Buffer.concat([result, result]))
    expect(io.stderr.text).to.match(/^committed in block 7, transaction [0-9a-f]{64}\n$/)
  })

  it('end the result with a newline on a terminal only, and only where there is a result', async () => {
    await start()
    io.stdout.isTTY = true
    for (const answer of ['abc', 'abc\n', '']) {
      gateway.answer = () => answer
      await io.run('query basic f')
    }
    expect(io.stdout.text).to.equal('abc\nabc\n')
  })

  it('write JSON when asked: text as text, other bytes in Base64', async () => {
    await start()
    gateway.answer = () => 'ünï'
    await io.run('query basic f --json')
    expect(JSON.parse(io.stdout.text)).to.deep.equal({ result: 'ünï' })
    gateway.answer = () => Buffer.from([0xff])
    const other = Object.assign(new FakeIo(), { env: io.env })
    expect(await other.run('invoke basic f --json')).to.equal(0)
    const { transactionId, ...rest } = JSON.parse(other.stdout.text) as Record<string, unknown>
    expect(rest).to.deep.equal({ resultBase64: '/w==', blockNumber: 7, status: 'VALID' })
    expect(transactionId).to.match(/^[0-9a-f]{64}$/)
    expect(other.stderr.text).to.equal('')
  })

  it('use TLS for the name of the peer, with the authority in the data folder', async () => {
    const pems = await generate([{ name: 'commonName', value: 'peer0.org1.example.com' }], {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: 'peer0.org1.example.com' }] },
      ],
    } as never)
    const pair = { private_key: Buffer.from(pems.private), cert_chain: Buffer.from(pems.cert) }
    const tlsDir = join(
      served.folder,
      'organizations/peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls',
    )
    mkdirSync(tlsDir, { recursive: true })
    writeFileSync(join(tlsDir, 'ca.crt'), pems.cert)
    gateway.answer = () => 'secret'
    await served.start({
      gatewayAddress: await gateway.listen(ServerCredentials.createSsl(null, [pair])),
      gatewayTls: true,
    })
    expect(await io.run('query basic f')).to.equal(0)
    expect(io.stdout.text).to.equal('secret')
  })

  describe('show of a failure', () => {
    beforeEach(start)

    const reasons: [string, () => GatewayRefusal, string][] = [
      [
        "the chaincode's own message",
        () => failed('chaincode response 500, the asset a1 exists'),
        'the asset a1 exists',
      ],
      ['its status where it is not 500', () => failed('chaincode response 404, no asset'), 'no asset (status 404)'],
      [
        'the reason of the peer without the transaction id',
        () => failed('error in simulation: failed to execute transaction 0af9: chaincode stream terminated'),
        'chaincode stream terminated',
      ],
      [
        'the text of the gateway where there are no details',
        () => new GatewayRefusal(status.FAILED_PRECONDITION, 'no peers available to evaluate chaincode basic'),
        'no peers available to evaluate chaincode basic',
      ],
    ]
    for (const [what, refusal, text] of reasons) {
      it(`${what}, and exit with 1`, async () => {
        gateway.answer = () => {
          throw refusal()
        }
        for (const command of ['query', 'invoke']) {
          const other = Object.assign(new FakeIo(), { env: io.env })
          expect(await other.run([command, 'basic', 'Create'])).to.equal(1)
          expect(other.stderr.text).to.equal(`chaincoded: Create failed: ${text}\n`)
          expect(other.stdout.text).to.equal('')
        }
      })
    }

    it('the text of an evaluation, which has a prefix of its own', async () => {
      gateway.answer = () => {
        throw new GatewayRefusal(
          status.UNKNOWN,
          'evaluate call to endorser returned error: chaincode response 500, boom',
        )
      }
      expect(await io.run('query basic f')).to.equal(1)
      expect(io.stderr.text).to.equal('chaincoded: f failed: boom\n')
    })

    it('the stack trace and the gRPC error only when asked', async () => {
      gateway.answer = () => {
        throw failed('chaincode response 500, boom')
      }
      await io.run('invoke basic f')
      expect(io.stderr.text).not.to.contain('ABORTED')
      await io.run('invoke basic f --verbose')
      expect(io.stderr.text).to.match(/10 ABORTED: failed to endorse transaction.*\n {4}at /)
    })

    it('a transaction that is in a block but not valid', async () => {
      gateway.validationCode = 11
      expect(await io.run('invoke basic f')).to.equal(1)
      expect(io.stdout.text).to.equal('')
      expect(io.stderr.text).to.match(
        /^chaincoded: transaction [0-9a-f]{64} is in block 7, but it was not committed: MVCC_READ_CONFLICT \(11\)\nhint: .*send it again\n$/,
      )
    })

    it('the channels that the chaincode is deployed on, where it was called on another', async () => {
      gateway.answer = () => {
        throw new GatewayRefusal(status.FAILED_PRECONDITION, 'no peers available')
      }
      expect(await io.run('query basic f --channel other')).to.equal(1)
      expect(io.stderr.text).to.equal(
        'chaincoded: f failed: no peers available\nhint: basic is deployed on mychannel, not on other\n',
      )
    })

    it('the nearest chaincode where the name is not deployed', async () => {
      gateway.answer = () => {
        throw new GatewayRefusal(status.FAILED_PRECONDITION, 'no peers available')
      }
      expect(await io.run('query basci f')).to.equal(1)
      expect(io.stderr.text).to.equal('chaincoded: there is no chaincode "basci"\nhint: did you mean "basic"?\n')
    })

    const metadata = JSON.stringify({
      contracts: {
        AssetContract: {
          name: 'AssetContract',
          default: true,
          transactions: [{ name: 'ReadAsset' }, { name: 'CreateAsset' }],
        },
        Audit: { name: 'Audit', transactions: [{ name: 'Report' }] },
        'org.hyperledger.fabric': { name: 'org.hyperledger.fabric', transactions: [{ name: 'GetMetadata' }] },
      },
    })
    const unknownFunctions: [string, string, string][] = [
      ['ReadAset', "You've asked to invoke a function that does not exist: ReadAset", 'did you mean "ReadAsset"?'],
      ['Audit:Raport', 'Function Raport not found in contract Audit', 'did you mean "Audit:Report"?'],
      ['Zzz', 'Undefined contract method called', 'its functions are ReadAsset, CreateAsset, Audit:Report'],
    ]
    for (const [name, text, hint] of unknownFunctions) {
      it(`the functions near ${name}, as the contract API tells them`, async () => {
        gateway.answer = ({ args }) => {
          if (args[0] === 'org.hyperledger.fabric:GetMetadata') return metadata
          throw failed(`chaincode response 500, ${text}`)
        }
        expect(await io.run(['invoke', 'basic', name])).to.equal(1)
        expect(io.stderr.text).to.equal(`chaincoded: ${name} failed: ${text}\nhint: ${hint}\n`)
      })
    }

    it('an unknown function of a chaincode that has no metadata, without a hint', async () => {
      gateway.answer = () => {
        throw failed("chaincode response 500, You've asked to invoke a function that does not exist: x")
      }
      expect(await io.run('query basic x')).to.equal(1)
      expect(io.stderr.text).not.to.contain('hint')
    })

    it('a gateway that does not answer, with exit code 3', async () => {
      gateway.close()
      expect(await io.run('query basic f')).to.equal(3)
      expect(io.stderr.text).to.match(
        /^chaincoded: the gateway at 127\.0\.0\.1:\d+ does not answer: .*\nhint: .*status\n$/,
      )
    })
  })

  describe('refuse as wrong use', () => {
    beforeEach(start)

    const wrong: [string, string[], string][] = [
      ['what looks like JSON and is none', ['["f", a]'], 'look like JSON, but are none'],
      ['JSON without a function', ['[]'], 'the JSON holds no function name'],
      ['JSON without arguments', ['{"Arg":["f"]}'], 'the JSON object has no list "Args"'],
      ['a number among the arguments', ['["f",5]'], 'element 1 of the JSON is a number'],
      ['an object among the arguments', ['["f",{"a":1}]'], 'hint: write "{\\"a\\":1}"'],
      ['a list among the arguments', ['["f",[]]'], 'element 1 of the JSON is an array'],
      ['null among the arguments', ['["f",null]'], 'element 1 of the JSON is null'],
      ['an illegal channel', ['f', '--channel', 'Ä'], 'it has to match [a-z][a-z0-9.-]*'],
      ['transient data without =', ['f', '--transient', 'k'], '--transient takes KEY=VALUE, not "k"'],
      ['transient data without a key', ['f', '--transient', '=v'], '--transient takes KEY=VALUE, not "=v"'],
      ['no function', [], "missing required argument 'function'"],
    ]
    for (const [what, words, text] of wrong) {
      it(what, async () => {
        expect(await io.run(['invoke', 'basic', ...words])).to.equal(2)
        expect(io.stderr.text).to.contain(text)
        expect(gateway.seen).to.deep.equal([])
      })
    }

    it('a user that is not there, with the nearest', async () => {
      makeUser('Admin')
      expect(await io.run('query basic f --user Admn@org1.example.com')).to.equal(2)
      expect(io.stderr.text).to.contain('there is no user "Admn"').and.to.contain('hint: did you mean "Admin"?')
    })
  })
})
