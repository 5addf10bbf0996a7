import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync, chmodSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type BuildSettings, buildPlan, containerCommand, dockerfile } from '../../services/docker-languages.js'

const settings: BuildSettings = {
  builder: 'ccenv',
  pull: false,
  golangRuntime: 'baseos',
  golangDynamicLink: false,
  nodeRuntime: 'nodeenv',
  javaRuntime: 'javaenv',
  carRuntime: 'carenv',
}

describe('The plan for a chaincode in a container', () => {
  it("starts each language with the peer's command", () => {
    expect(containerCommand('golang', '127.0.0.1:7052')).to.deep.equal(['chaincode', '-peer.address=127.0.0.1:7052'])
    expect(containerCommand('car', 'h:1')).to.deep.equal(['chaincode', '-peer.address=h:1'])
    expect(containerCommand('java', 'h:1')).to.deep.equal(['/root/chaincode-java/start', '--peerAddress', 'h:1'])
    const [shell, flag, script] = containerCommand('node', 'h:1')
    expect([shell, flag]).to.deep.equal(['/bin/sh', '-c'])
    expect(script).to.match(/cd \/usr\/local\/src; exec npm start -- --peer\.address h:1$/)
  })

  it('builds and places each language in the images that the keys name', () => {
    const plan = (language: Parameters<typeof buildPlan>[0]) => {
      const { builder, base, target } = buildPlan(language, settings)
      return [builder.image, builder.key, base.image, base.key, target]
    }
    const ccenv = ['ccenv', 'chaincode.builder']
    const node = ['nodeenv', 'chaincode.node.runtime']
    const java = ['javaenv', 'chaincode.java.runtime']
    expect(plan('golang')).to.deep.equal([...ccenv, 'baseos', 'chaincode.golang.runtime', '/usr/local/bin'])
    expect(plan('car')).to.deep.equal([...ccenv, 'carenv', 'chaincode.car.runtime', '/usr/local/bin'])
    expect(plan('node')).to.deep.equal([...node, ...node, '/usr/local/src'])
    expect(plan('java')).to.deep.equal([...java, ...java, '/root/chaincode-java/chaincode'])
  })

  it('refuses a language that it does not know', () => {
    expect(() => buildPlan('rust' as never, settings)).to.throw('Unknown chaincodeType: rust')
    expect(() => containerCommand('rust' as never, 'h:1')).to.throw('Unknown chaincodeType: rust')
  })

  it("hands on the daemon's Go proxy, and leaves Go its own where there is none", () => {
    expect(buildPlan('golang', settings).env).to.deep.equal([])
    expect(buildPlan('golang', settings, '.', { GOPROXY: 'off', GOSUMDB: 'off' }).env).to.deep.equal([
      'GOPROXY=off',
      'GOSUMDB=off',
    ])
  })

  it('quotes the values of labels, so that no value begins another instruction', () => {
    const text = dockerfile(buildPlan('node', settings), { a: 'x "y" $HOME\nRUN evil' }, '3.1.1')
    expect(text.split('\n')).to.deep.equal([
      'FROM nodeenv',
      'ADD binpackage.tar /usr/local/src',
      'LABEL a="x \\"y\\" \\$HOME\\nRUN evil"',
      'ENV CORE_CHAINCODE_BUILDLEVEL=3.1.1',
      '',
    ])
  })
})

describe('The script that builds Go chaincode', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'bin/go'), `#!/bin/sh\necho "$PWD|$GO111MODULE|$*" >> ${folder}/calls\n`)
    chmodSync(join(folder, 'bin/go'), 0o755)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** What the script has the tool chain do in a container with these files below /chaincode/input. */
  const calls = (files: string[], path = '.', golangDynamicLink = false): string => {
    for (const file of files) {
      mkdirSync(join(folder, 'input', file, '..'), { recursive: true })
      writeFileSync(join(folder, 'input', file), '')
    }
    const { script } = buildPlan('golang', { ...settings, golangDynamicLink }, path)
    const env = { PATH: `${folder}/bin:/usr/bin:/bin` }
    execFileSync('/bin/sh', ['-c', script.replaceAll('/chaincode/input', `${folder}/input`)], { env })
    return readFileSync(join(folder, 'calls'), 'utf8').trim().replaceAll(`${folder}/input`, 'IN')
  }

  it('builds a module as its go.mod and go.sum say', () => {
    expect(calls(['src/go.mod'])).to.equal(
      `IN/src||build -v -mod=readonly -ldflags -linkmode external -extldflags '-static' -o /chaincode/output/chaincode .`,
    )
  })

  it('builds a module with its vendored packages, where it has them', () => {
    expect(calls(['src/go.mod', 'src/vendor/modules.txt'], '.', true)).to.equal(
      'IN/src||build -v -mod=vendor -o /chaincode/output/chaincode .',
    )
  })

  it('builds the package of a module that the path names', () => {
    expect(calls(['src/go.mod', 'src/cmd/cc/main.go'], 'cmd/cc', true)).to.equal(
      'IN/src||build -v -mod=readonly -o /chaincode/output/chaincode ./cmd/cc',
    )
  })

  it('builds a module that lies under the path of the package', () => {
    expect(calls(['src/example.com/cc/go.mod'], 'example.com/cc', true)).to.equal(
      'IN/src/example.com/cc||build -v -mod=readonly -o /chaincode/output/chaincode .',
    )
  })

  it('builds code without a module in the way of GOPATH', () => {
    expect(calls(['src/example.com/cc/main.go'], 'example.com/cc', true)).to.match(
      /\|off\|build -v -o \/chaincode\/output\/chaincode example\.com\/cc$/,
    )
  })
})
