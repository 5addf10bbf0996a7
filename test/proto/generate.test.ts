import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { protoDir } from './descriptors.js'

describe('proto/generate.mjs', () => {
  let folder: string
  let copy: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-generate-'))
    copy = join(folder, 'proto')
    cpSync(protoDir, copy, { recursive: true })
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'), 'junction')
  })

  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const generate = (...options: string[]) =>
    spawnSync(process.execPath, [join(copy, 'generate.mjs'), ...options], { encoding: 'utf8' })

  const generated = (path: string) => readFileSync(join(copy, 'gen', path), 'utf8')

  function edit(path: string, change: (text: string) => string) {
    writeFileSync(join(copy, path), change(readFileSync(join(copy, path), 'utf8')))
  }

  it('finds every committed file as the .proto files give it', () => {
    const run = generate('--check')
    expect(run.stderr).to.equal('')
    expect(run.status).to.equal(0)
  })

  it('lists each generated file that differs, is missing or is left over, and puts them right', () => {
    edit('msp/identities.proto', (text) => text.replace('id_bytes = 2', 'id_bytes = 3'))
    const seek = generated('orderer/seek.ts')
    rmSync(join(copy, 'gen/orderer/seek.ts'))
    writeFileSync(join(copy, 'gen/peer/old.ts'), 'export {}\n')

    const check = generate('--check')
    expect(check.status).to.equal(1)
    expect(check.stderr).to.match(
      /differs +proto\/gen\/msp\/identities\.ts:\d+\n +committed: .*\(18\).*\n +generated: .*\(26\)/,
    )
    expect(check.stderr).to.match(/missing +proto\/gen\/orderer\/seek\.ts/)
    expect(check.stderr).to.match(/left over +proto\/gen\/peer\/old\.ts/)
    expect(check.stderr.match(/proto\/gen\//g)).to.have.lengthOf(3)

    expect(generate().status).to.equal(0)
    expect(generated('msp/identities.ts')).to.include('uint32(26)')
    expect(generated('orderer/seek.ts')).to.equal(seek)
    expect(existsSync(join(copy, 'gen/peer/old.ts'))).to.equal(false)
  })

  it('leaves proto/gen as it was when a .proto file is wrong, and says where', () => {
    edit('msp/identities.proto', (text) => text.replace('bytes id_bytes', 'byte id_bytes'))
    const before = generated('msp/identities.ts')
    const run = generate()
    expect(run.status).to.equal(1)
    expect(run.stderr).to.match(/identities\.proto:\d+/)
    expect(generated('msp/identities.ts')).to.equal(before)
  })
})
