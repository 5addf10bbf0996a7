import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { build, root } from '../fixtures/built-program.js'
import { Shell } from '../fixtures/shell.js'

const program = join(root, 'examples/embed/embed.mjs')

describe('the example embed', function () {
  this.timeout(30_000)
  const shell = new Shell()
  before(build)
  after(() => shell.close())

  it('deploys, watches, calls and closes, and prints what its README says', async () => {
    const { exitCode, stdout, stderr } = await shell.start('node', [program]).ended
    expect([stderr, exitCode]).to.deep.equal(['', 0])
    const readme = readFileSync(join(root, 'examples/embed/README.md'), 'utf8')
    expect(readme).to.contain(`\`\`\`\n${stdout}\`\`\`\n`)
    expect(shell.living()).to.deep.equal([])
  })
})
