import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { build, root } from '../fixtures/built-program.js'
import { needs } from '../fixtures/needs.js'
import { anyPorts, Shell } from '../fixtures/shell.js'
import { example } from '../fixtures/start-chaincode.js'

interface Manifest {
  version: string
  bin: Record<string, string>
  exports: Record<string, string | { types: string; default: string }>
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

describe('The package', function () {
  this.timeout(30_000)
  const shell = new Shell()
  let files: string[]
  let tarball: string

  before(build)
  before(async () => {
    const { ended } = shell.start('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', shell.folder], {
      cwd: root,
    })
    const { stdout, stderr } = await ended
    const [packed] = JSON.parse(stdout || `[{"error": ${JSON.stringify(stderr)}}]`) as [
      { filename: string; files: { path: string }[] },
    ]
    files = packed.files.map(({ path }) => path)
    tarball = join(shell.folder, packed.filename)
  })
  after(() => shell.close())

  it('holds the program, the library, what they are made from on the wire, the examples and the words to them', () => {
    const allowed =
      /^(dist\/(bin|machines|proto|services|src)\/|proto\/.+\.proto$|examples\/|LICENSE$|package\.json$|.+\.md$)/
    expect(files.filter((file) => !allowed.test(file))).to.deep.equal([])
    expect(files.filter((file) => /node_modules|tsbuildinfo|(^|\/)test\//.test(file))).to.deep.equal([])
    expect(files).to.include.members(['LICENSE', 'README.md', 'examples/asset-transfer/package.json'])
  })

  it('holds what its entries name', () => {
    const entries = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : [entry.types, entry.default],
    )
    const named = [...Object.values(manifest.bin), ...entries].map((path) => path.replace(/^\.\//, ''))
    expect(files).to.include.members(named)
  })

  it('holds the files that its README links to, but for the tests', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, path]) => path!)
    expect(links).to.include.members(['src/config/README.md', 'test/README.md'])
    const isThere = (path: string) =>
      files.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, '')}/`))
    expect(links.filter((path) => !isThere(path))).to.deep.equal(['test/README.md'])
  })

  describe('installed in a folder of its own', () => {
    before(needs('registry'))
    before(async function () {
      this.timeout(180_000)
      writeFileSync(join(shell.folder, 'package.json'), '{ "private": true }')
      // No package needs its install script: native ones bring their binaries, and the others only check or optimise.
      const { ended } = shell.start('npm', [
        'install',
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        tarball,
      ])
      const { exitCode, stderr } = await ended
      expect(exitCode, stderr).to.equal(0)
    })

    it('is run by npx', async () => {
      const { stdout, exitCode } = await shell.start('npx', ['chaincoded', 'version']).ended
      expect([stdout, exitCode]).to.deep.equal([`chaincoded ${manifest.version}\n`, 0])
    })

    it('runs a daemon with a chaincode, which answers', async () => {
      const program = join(shell.folder, 'node_modules/.bin/chaincoded')
      const run = (...words: string[]) => shell.start(program, words)
      const daemon = run('dev', example('counter'), ...anyPorts)
      await daemon.shows(/^Ctrl-C stops /m)
      expect(await run('invoke', 'counter', 'increment', 'visits').ended).to.include({ exitCode: 0, stdout: '1' })
      expect(await run('query', 'counter', 'read', 'visits').ended).to.include({ exitCode: 0, stdout: '1' })
      expect((await daemon.stop()).exitCode).to.equal(0)
      expect(shell.living()).to.deep.equal([])
    })

    it('is a library with the daemon and the charts', async () => {
      writeFileSync(
        join(shell.folder, 'program.mjs'),
        `import { createDaemon } from 'chaincoded'
        import { chaincodeMachine } from 'chaincoded/machines'
        const daemon = await createDaemon({ dataDir: 'embedded' })
        console.log((await daemon.status()).state, chaincodeMachine.id)
        await daemon.close()`,
      )
      const { stdout, stderr } = await shell.start('node', ['program.mjs']).ended
      expect([stdout, stderr]).to.deep.equal(['serving chaincode\n', ''])
    })
  })
})
