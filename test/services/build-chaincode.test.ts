import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { type BuildOptions, buildChaincode } from '../../services/build-chaincode.js'
import type { BuildPlan } from '../../services/plan-build.js'
import { isAlive } from '../fixtures/embedded-daemon.js'

describe('buildChaincode', () => {
  let folder: string
  let sources: string
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'chaincoded-test-')))
    sources = join(folder, 'sources')
    await write('sources/main.go', 'package main')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const write = async (name: string, content = '') => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  const shell = (script: string): readonly [string, ...string[]] => ['sh', '-c', script]
  const planOf = (script: string, more: Partial<BuildPlan> = {}): BuildPlan => ({
    describe: 'the build',
    folder: sources,
    steps: [shell(script)],
    sources,
    ignored: ['.git'],
    ...more,
  })
  /** Builds, and says what came of it, how often a tool ran, and what was printed. */
  const build = async (plan: BuildPlan, more: Partial<BuildOptions> = {}) => {
    let begun = 0
    const lines: string[] = []
    const outcome = await buildChaincode(plan, {
      buildsDir: join(folder, 'builds'),
      env: { PATH: process.env['PATH']! },
      logFile: join(folder, 'build.log'),
      onBegun: () => begun++,
      onLine: (line) => lines.push(line),
      ...more,
    }).outcome
    return { outcome, begun, lines }
  }
  const outputOf = ({ outcome }: Awaited<ReturnType<typeof build>>): string => {
    if (!outcome.ok) throw new Error(outcome.message)
    return outcome.output
  }
  const copying = () => planOf('cat main.go > "{output}/chaincode"')

  it('keeps the result of the same sources, and builds others', async () => {
    const first = await build(copying())
    expect(first.begun).to.equal(1)
    expect(await readFile(join(outputOf(first), 'chaincode'), 'utf8')).to.equal('package main')
    const second = await build(copying())
    expect(second.begun, 'a kept result runs no tool').to.equal(0)
    expect(outputOf(second)).to.equal(outputOf(first))
    await write('sources/.git/index', 'changed')
    expect((await build(copying())).begun, 'what is ignored does not count').to.equal(0)
    await write('sources/inner/more.go')
    const third = await build(copying())
    expect(third.begun).to.equal(1)
    expect(outputOf(third)).not.to.equal(outputOf(first))
  })

  it('counts the version of the tool and the settings of its environment among what decides', async () => {
    const version = (text: string) => planOf('true', { version: ['echo', text] })
    const output = outputOf(await build(version('go1.26')))
    expect(outputOf(await build(version('go1.26')))).to.equal(output)
    expect(outputOf(await build(version('go1.27')))).not.to.equal(output)
    const env = { PATH: process.env['PATH']!, CGO_ENABLED: '0' }
    expect(outputOf(await build(version('go1.26'), { env }))).not.to.equal(output)
    expect(outputOf(await build(planOf('true', { version: ['no-such-tool'] })))).to.be.a('string')
  })

  it('lets the tool decide each time where it reads what lies outside, and keeps one result of it', async () => {
    const open = planOf('echo a >> main.go; cp main.go "{output}/chaincode"', { isOpen: true })
    const outputs = [await build(open), await build(open)].map(outputOf)
    expect(outputs[0]).to.equal(outputs[1])
    expect(await readFile(join(outputs[1]!, 'chaincode'), 'utf8')).to.equal('package maina\na\n')
    expect(await readdir(join(folder, 'builds'))).to.have.length(1)
  })

  it('tells each line that the tools print, and keeps them in the log file', async () => {
    const { lines } = await build(planOf('', { steps: [shell('echo one'), shell('echo two >&2')] }))
    expect(lines).to.deep.equal(['one', 'two'])
    expect(await readFile(join(folder, 'build.log'), 'utf8')).to.equal('one\ntwo\n')
  })

  it('stops at the first tool that fails, tells its end and last words, and keeps nothing of it', async () => {
    const failing = planOf('', { steps: [shell('echo ./main.go:7: undefined: x >&2; exit 3'), shell('touch later')] })
    const { outcome } = await build(failing)
    expect(outcome).to.deep.equal({
      ok: false,
      message: 'sh -c echo ./main.go:7: undefined: x >&2; exit 3 exited with 3',
      lastWords: ['./main.go:7: undefined: x'],
    })
    expect(existsSync(join(sources, 'later'))).to.equal(false)
    expect(await readdir(join(folder, 'builds'))).to.deep.equal([])
    expect((await build(failing)).begun, 'a failed build is tried again').to.equal(1)
    const killed = (await build(planOf('kill -TERM $$'))).outcome
    expect(!killed.ok && killed.message).to.contain('was ended by SIGTERM')
  })

  it('says what to install where there is no tool', async () => {
    const { outcome } = await build(planOf('', { steps: [['no-such-tool', 'build']] }))
    expect(!outcome.ok && outcome.message).to.equal('no-such-tool build: no program no-such-tool in PATH (ENOENT)')
    expect(!outcome.ok && outcome.hint).to.contain('install no-such-tool')
  })

  it('runs in the folder itself where the result stays there', async () => {
    const { sources: _, ...inPlace } = planOf('touch made')
    expect(outputOf(await build(inPlace))).to.equal(sources)
    expect(existsSync(join(sources, 'made'))).to.equal(true)
    expect(existsSync(join(folder, 'builds'))).to.equal(false)
  })

  it('kills the tools of a build that is cancelled, and is over when they are', async () => {
    let pid = 0
    const running = buildChaincode(planOf('echo $$; sleep 1000 & wait; sleep 1000'), {
      buildsDir: join(folder, 'builds'),
      env: { PATH: process.env['PATH']! },
      logFile: join(folder, 'build.log'),
      onLine: (line) => {
        pid = Number(line)
        running.cancel()
      },
    })
    const outcome = await running.outcome
    expect(outcome).to.deep.equal({ ok: false, message: 'the build was cancelled', lastWords: [] })
    expect(pid).to.be.greaterThan(1)
    expect(isAlive(pid)).to.equal(false)
  })

  it('starts no tool when it is cancelled before', async () => {
    const running = buildChaincode(planOf('touch made'), {
      buildsDir: join(folder, 'builds'),
      env: { PATH: process.env['PATH']! },
      logFile: join(folder, 'build.log'),
    })
    running.cancel()
    expect((await running.outcome).ok).to.equal(false)
    expect(existsSync(join(sources, 'made'))).to.equal(false)
  })

  it('says what it cannot read', async () => {
    const { outcome } = await build(planOf('true', { sources: join(folder, 'gone') }))
    expect(!outcome.ok && outcome.message).to.contain('could not be prepared: ENOENT')
  })

  it('forgets the results that were used longest ago', async () => {
    const output = outputOf(await build(copying()))
    for (let i = 0; i < 25; i++) {
      await mkdir(join(folder, 'builds', `old-${i}`))
      await utimes(join(folder, 'builds', `old-${i}`), i, i)
    }
    await build(copying())
    await write('sources/main.go', 'another')
    await build(copying())
    const left = await readdir(join(folder, 'builds'))
    expect(left).to.have.length(20)
    expect(left).to.include.members(['old-24', output.slice(output.lastIndexOf('/') + 1)])
    expect(left).not.to.include('old-0')
  })

  describe('of a Java project', () => {
    const leaving = (...names: string[]) =>
      planOf(`mkdir target; touch ${names.map((name) => `target/${name}`).join(' ')}`, {
        jars: join(sources, 'target'),
      })

    it('takes the jar that holds everything', async () => {
      for (const names of [
        ['chaincode.jar', 'cc-all.jar'],
        ['cc-1.0.jar', 'cc-1.0-all.jar'],
        ['cc.jar', 'original-cc.jar', 'cc-sources.jar', 'cc-plain.jar'],
      ]) {
        expect(await readdir(outputOf(await build(leaving(...names))))).to.deep.equal(['chaincode.jar'])
        await rm(join(sources, 'target'), { recursive: true })
      }
    })

    it('says which ones there are where it cannot choose', async () => {
      const { outcome } = await build(leaving('a.jar', 'b.jar'))
      expect(!outcome.ok && outcome.message).to.equal(`the build has left 2 jars (a.jar, b.jar) in ${sources}/target`)
      const none = (await build(planOf('true', { jars: join(sources, 'gone') }))).outcome
      expect(!none.ok && none.message).to.contain('has left no jar in')
    })
  })
})
