import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { root } from './fixtures/built-program.js'

const mocha = join(dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'bin/mocha.js')
const reporter = fileURLToPath(new URL('report.cjs', import.meta.url))
const needs = new URL('fixtures/needs.ts', import.meta.url).href

describe('the report of a test run', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'chaincoded-report-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const run = (tests: string, env: Record<string, string> = {}) => {
    const spec = join(folder, 'some.test.mjs')
    writeFileSync(spec, tests)
    const { CI: _, ...without } = process.env
    const { status, stdout } = spawnSync(
      process.execPath,
      [mocha, '--no-config', '--node-option', 'import=tsx/esm', '--reporter', reporter, spec],
      { cwd: root, encoding: 'utf8', env: { ...without, ...env } },
    )
    return { status, stdout, lastLine: stdout.split('\n').at(-2) }
  }

  it('ends with how many tests passed and failed', () => {
    const tests = `it('a', () => {}); it('b', () => {}); it('c', () => { throw new Error('no') })`
    expect(run(tests)).to.include({ status: 1, lastLine: '2 passed, 1 failed' })
    expect(run(`it('a', () => {})`)).to.include({ status: 0, lastLine: '1 passed, 0 failed' })
  })

  it('counts what is skipped, and under CI names it and fails', () => {
    const tests = `describe('x', () => { it('a', () => {}); it('b'); it('c', function () { this.skip() }) })`
    expect(run(tests)).to.include({ status: 0, lastLine: '1 passed, 0 failed, 2 skipped' })
    const underCi = run(tests, { CI: 'true' })
    expect(underCi).to.include({ status: 2, lastLine: '1 passed, 0 failed, 2 skipped' })
    expect(underCi.stdout).to.contain('CI=true, so none may be skipped:\n  x b\n  x c\n')
  })

  it('shows which tool a skipped test needs, and under CI fails for want of it', () => {
    const tests = `import { needs } from '${needs}'
      describe('x', () => { before(needs('go')); it('builds', () => {}) })`
    const PATH = folder
    expect(run(tests, { PATH })).to.include({ status: 0, lastLine: '0 passed, 0 failed, 1 skipped' })
    expect(run(tests, { PATH }).stdout).to.contain('- builds (needs go, which is missing here)\n')
    const underCi = run(tests, { PATH, CI: 'true' })
    expect(underCi.status).to.equal(1)
    expect(underCi.stdout).to.contain('go is missing, and under CI=true every test has to run')
  })

  it('runs the tests where the tool is there', () => {
    writeFileSync(join(folder, 'go'), '#!/bin/sh\n', { mode: 0o755 })
    const tests = `import { needs } from '${needs}'
      describe('x', () => { before(needs('go')); it('builds', () => {}) })`
    expect(run(tests, { PATH: folder, CI: 'true' })).to.include({ status: 0, lastLine: '1 passed, 0 failed' })
  })
})
