import { execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ProcessSpec } from '../../machines/events.js'
import { TestProcesses } from '../fixtures/start-chaincode.js'

describe('runProcess', () => {
  const processes = new TestProcesses()
  let folder: string
  let logFile: string
  beforeEach(async () => {
    folder = await processes.folder()
    logFile = join(folder, 'x.log')
  })
  afterEach(() => processes.end())

  const env = { PATH: process.env['PATH']! }
  const specOf = (...command: [string, ...string[]]): ProcessSpec => ({ command, cwd: folder, env, logFile })
  const shell = (script: string) => specOf('sh', '-c', script)
  const node = (script: string) => specOf(process.execPath, '-e', script)

  it('reports the life of a process in order, and nothing before it has returned', async () => {
    const run = processes.start(shell('echo out; echo err >&2; exit 3'))
    expect(run.events).to.deep.equal([])
    await run.closed
    expect(run.events.map(({ type }) => type)).to.deep.equal(['SPAWNED', 'EXITED', 'GROUP_GONE'])
    const { pid } = await run.until('SPAWNED')
    expect(pid).to.be.greaterThan(1)
    expect(await run.until('EXITED')).to.deep.include({ exitCode: 3, signal: null, lastWords: ['err'] })
    expect((await readFile(logFile, 'utf8')).split('\n').sort()).to.deep.equal(['', 'err', 'out'])
  })

  it('starts the program without a shell, with exactly this environment, in this folder, without stdin', async () => {
    const script =
      'console.log(JSON.stringify([process.cwd(), process.env, process.argv.slice(1), fs.readFileSync(0, "utf8")]))'
    const run = processes.start({
      ...specOf(process.execPath, '-e', script, '$HOME *', ''),
      env: { ONLY: 'this' },
    })
    await run.closed
    const written = JSON.parse(run.recentLines()[0]!) as unknown
    expect(written).to.deep.equal([folder, { ONLY: 'this' }, ['$HOME *', ''], ''])
  })

  it('tells by which signal a process ended', async () => {
    const run = processes.start(shell('kill -SEGV $$'))
    expect(await run.until('EXITED')).to.include({ exitCode: null, signal: 'SIGSEGV' })
  })

  it('tells the last 20 lines of stderr, plain and of bounded length, and the last of both streams', async () => {
    const script = `
      for (let i = 1; i <= 25; i++) console.error('reason ' + i)
      console.error('\\x1b[31mred\\x1b[0m ' + 'x'.repeat(9000))
      process.stderr.write('cut off')`
    const { lastWords, output } = await processes.start(node(script)).until('EXITED')
    expect(lastWords).to.have.length(20)
    expect(lastWords[0]).to.equal('reason 8')
    expect(lastWords[18])
      .to.match(/^red x+ …$/)
      .and.have.length.lessThan(600)
    expect(lastWords[19]).to.equal('cut off')
    expect(output!.slice(0, 2)).to.deep.equal(['reason 1', 'reason 2'])
  })

  it('takes the last words from stdout where stderr stayed silent', async () => {
    const run = processes.start(shell('echo reason; exit 1'))
    expect((await run.until('EXITED')).lastWords).to.deep.equal(['reason'])
  })

  it('keeps a bounded number of lines of both streams and passes each line on with its source', async () => {
    const seen: string[] = []
    const run = processes.start(shell('for i in 1 2 3 4 5; do echo $i; done; echo e >&2'), {
      bufferedLines: 3,
      onLine: (source, text) => seen.push(`${source} ${text}`),
    })
    await run.closed
    expect(run.recentLines()).to.have.length(3)
    expect(seen.sort()).to.deep.equal(['stderr e', ...[1, 2, 3, 4, 5].map((i) => `stdout ${i}`)])
  })

  it('does not wait with the exit for a grandchild that holds the pipes, but with the end of the group', async () => {
    const run = processes.start(shell('sleep 60 & echo last >&2; exit 4'))
    const { pid } = await run.until('SPAWNED')
    expect(await run.until('EXITED')).to.deep.include({ exitCode: 4, lastWords: ['last'] })
    expect(process.kill(-pid, 0)).to.equal(true)
    expect(run.events.map(({ type }) => type)).not.to.include('GROUP_GONE')
    run.signal('SIGTERM')
    await run.until('GROUP_GONE')
  })

  it('tells a last line without a line end while a grandchild holds the pipe', async () => {
    const run = processes.start(shell('sleep 60 & printf "last words" >&2; exit 4'))
    expect((await run.until('EXITED')).lastWords).to.deep.equal(['last words'])
  })

  it('signals the whole group, also before it has told that it was spawned', async () => {
    const run = processes.start(shell('sleep 60 & sleep 60'))
    run.signal('SIGKILL')
    expect(await run.until('EXITED')).to.include({ signal: 'SIGKILL' })
    await run.until('GROUP_GONE')
  })

  it('does not throw when it signals what is gone or never was', async () => {
    const gone = processes.start(shell('exit 0'))
    await gone.closed
    const never = processes.start(specOf('./never-was'))
    never.signal('SIGTERM')
    await never.closed
    gone.signal('SIGTERM')
    expect(gone.events).to.have.length(3)
    expect(never.events).to.have.length(1)
  })

  it('lets a log that is behind hold the process back, and still has every line', async () => {
    execFileSync('mkfifo', [logFile])
    let characters = 0
    const line = 'x'.repeat(99)
    const script = `const fs = require('fs'); for (let i = 0; i < 100000; i++) fs.writeSync(1, '${line}\\n')`
    const run = processes.start(node(script), { onLine: (_source, text) => (characters += text.length + 1) })
    // Nobody reads the log yet: the flow stops far below the 10 MB that the process wants to write.
    for (let before = -1; before !== characters || characters === 0;) {
      before = characters
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const held = characters
    let logged = 0
    const log = createReadStream(logFile).on('data', (chunk) => (logged += chunk.length))
    expect(await run.until('EXITED')).to.include({ exitCode: 0 })
    await run.closed
    await once(log, 'close')
    expect(held).to.be.lessThan(2_000_000)
    expect(characters).to.equal(10_000_000)
    expect(logged).to.equal(10_000_000)
  })

  it('tells the last words of a process although its log is behind', async () => {
    execFileSync('mkfifo', [logFile])
    const script = `
      const { writeSync } = require('fs')
      writeSync(1, 'x\\n'.repeat(150000))
      writeSync(2, 'y\\n'.repeat(60000) + 'last words')
      process.exit(6)`
    const run = processes.start(node(script))
    const { exitCode, lastWords } = await run.until('EXITED')
    const log = createReadStream(logFile).resume()
    await Promise.all([run.closed, once(log, 'close')])
    expect(exitCode).to.equal(6)
    expect(lastWords.slice(-2)).to.deep.equal(['y', 'last words'])
  })

  it('goes on when the log cannot be written', async () => {
    await writeFile(join(folder, 'blocked'), '')
    const errors: string[] = []
    const run = processes.start(
      { ...shell('echo out; exit 5'), logFile: join(folder, 'blocked', 'x.log') },
      { log: { onError: (error) => errors.push(error.code!) } },
    )
    expect(await run.until('EXITED')).to.include({ exitCode: 5 })
    await run.closed
    expect(errors).to.deep.equal(['EEXIST'])
    expect(run.recentLines()).to.deep.equal(['out'])
  })

  if (process.platform === 'linux')
    it('closes although a process that has left the group holds the pipes', async () => {
      const run = processes.start(shell('setsid sh -c "echo \\$\\$; kill \\$PPID; exec sleep 60" & exec sleep 60'))
      await run.closed
      expect(run.events.at(-1)).to.deep.equal({ type: 'GROUP_GONE' })
      process.kill(Number(run.recentLines()[0]), 'SIGKILL')
    })

  describe('tells which path is at fault when the program is', () => {
    const failures: [what: string, spec: () => Partial<ProcessSpec>, errno: string, message: () => string][] = [
      [
        'not in PATH',
        () => ({ command: ['no-such-program'] }),
        'ENOENT',
        () => 'no program no-such-program in PATH (ENOENT)',
      ],
      ['not there', () => ({ command: ['./nothing'] }), 'ENOENT', () => `${folder}/nothing does not exist (ENOENT)`],
      [
        'not executable',
        () => ({ command: ['./plain'] }),
        'EACCES',
        () => `${folder}/plain is not executable (EACCES)`,
      ],
      ['a folder', () => ({ command: ['./sub'] }), 'EACCES', () => `${folder}/sub is a folder, not a program (EACCES)`],
      [
        'a script whose interpreter does not exist',
        () => ({ command: ['./script'] }),
        'ENOENT',
        () => `the interpreter /no/such/interpreter of ${folder}/script does not exist (ENOENT)`,
      ],
      [
        'a script with the line ends of Windows',
        () => ({ command: ['./windows'] }),
        'ENOENT',
        () => `the first line of ${folder}/windows ends in a carriage return, so its interpreter is not found (ENOENT)`,
      ],
      [
        'to be started in a folder that does not exist',
        () => ({ cwd: join(folder, 'gone') }),
        'ENOENT',
        () => `the folder ${folder}/gone does not exist (ENOENT)`,
      ],
      [
        'to be started in a file',
        () => ({ cwd: join(folder, 'plain') }),
        'ENOTDIR',
        () => `${folder}/plain is not a folder (ENOTDIR)`,
      ],
      [
        'to be started in a folder that cannot be looked at',
        () => ({ cwd: join(folder, 'loop') }),
        'ELOOP',
        () =>
          `sh could not be started in ${folder}/loop: ELOOP: too many symbolic links encountered, stat '${folder}/loop' (ELOOP)`,
      ],
      [
        'given more arguments than the system takes',
        () => ({ command: ['/bin/sh', 'x'.repeat(4_000_000)] }),
        'E2BIG',
        () => '/bin/sh could not be started: spawn E2BIG (E2BIG)',
      ],
    ]
    for (const [what, change, errno, message] of failures)
      it(what, async () => {
        await writeFile(join(folder, 'plain'), 'x', { mode: 0o644 })
        await mkdir(join(folder, 'sub'), { recursive: true })
        await writeFile(join(folder, 'script'), '#! /no/such/interpreter -x\n', { mode: 0o755 })
        await writeFile(join(folder, 'windows'), '#!/bin/sh\r\necho\r\n', { mode: 0o755 })
        await symlink('loop', join(folder, 'loop'))
        const run = processes.start({ ...shell('exit 0'), ...change() })
        expect(run.events).to.deep.equal([])
        await run.closed
        expect(run.events).to.deep.equal([{ type: 'SPAWN_FAILED', errno, message: message() }])
        expect(run.recentLines()).to.deep.equal([])
      })
  })
})
