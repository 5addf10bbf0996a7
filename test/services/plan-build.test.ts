import { mkdir, mkdtemp, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { isOfNpm, planGo, planNode } from '../../services/plan-build.js'

describe('The plan of a build', () => {
  let folder: string
  beforeEach(async () => (folder = await realpath(await mkdtemp(join(tmpdir(), 'chaincoded-test-')))))
  afterEach(() => rm(folder, { recursive: true }))

  const write = async (name: string, content: string | object = '') => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  }

  describe('of a Go package', () => {
    it('counts the whole module among its sources, also where the package is a part of it', async () => {
      await write('go.mod', 'module cc\n')
      await write('cmd/cc/main.go')
      const plan = planGo(join(folder, 'cmd/cc'))
      expect(plan).to.include({ folder: join(folder, 'cmd/cc'), sources: folder, isOpen: false })
    })

    it('trusts no kept result where the module reads sources outside of itself', async () => {
      await write('go.mod', 'module cc\nreplace example.org/a => ../a\n')
      expect(planGo(folder)?.isOpen).to.equal(true)
      await write('go.mod', 'module cc\nreplace example.org/a => example.org/b v1.2.3\n')
      expect(planGo(folder)?.isOpen).to.equal(false)
      await write('go.work', 'use .\n')
      expect(planGo(folder)?.isOpen).to.equal(true)
    })

    it('is none without a module', () => {
      expect(planGo(folder)).to.equal(undefined)
    })
  })

  describe('of a Node package whose libraries are there', () => {
    const ci = ['npm', 'ci', '--no-audit', '--no-fund']
    const lock = (version: string, more = {}) => ({
      packages: { '': { version: '9.9.9' }, 'node_modules/a': { version, ...more } },
    })
    const age = async (name: string, seconds: number) => {
      const at = new Date(Date.now() - seconds * 1000)
      await utimes(join(folder, name), at, at)
    }
    /** A package that npm has installed, and whose lock file was changed since. */
    const installed = async (version: string, lockFile: object) => {
      await write('node_modules/.package-lock.json', lock(version))
      await age('node_modules/.package-lock.json', 60)
      await write('package-lock.json', lockFile)
    }
    const steps = () => planNode(folder, false, false)?.steps

    it('is none without a lock file, and none where the lock file is older than what is installed', async () => {
      await write('node_modules/a/package.json')
      expect(steps()).to.equal(undefined)
      await installed('1.0.0', lock('2.0.0'))
      await age('package-lock.json', 120)
      expect(steps()).to.equal(undefined)
    })

    it('installs anew where the lock file has changed since, and not where it was only touched', async () => {
      await installed('1.0.0', lock('1.0.0'))
      expect(steps()).to.equal(undefined)
      await installed('1.0.0', lock('2.0.0'))
      expect(steps()).to.deep.equal([ci])
    })

    it('lets packages be absent that are for development only, optional, peers, or links', async () => {
      for (const kind of ['dev', 'optional', 'peer', 'link'])
        for (const [there, expected] of [
          ['other', undefined],
          ['a', kind === 'link' ? undefined : [ci]],
        ] as const) {
          await installed('1.0.0', lock('2.0.0', { [kind]: true }))
          await write('node_modules/.package-lock.json', {
            packages: { [`node_modules/${there}`]: { version: '1.0.0' } },
          })
          await age('node_modules/.package-lock.json', 60)
          expect(steps(), `${kind}, ${there} is there`).to.deep.equal(expected)
        }
    })

    it('installs anew where the last installation was cut short, but leaves a linked folder alone', async () => {
      await write('package-lock.json', lock('1.0.0'))
      await write('node_modules/a/package.json')
      expect(steps()).to.deep.equal([ci])
      await rm(join(folder, 'node_modules'), { recursive: true })
      await symlink(tmpdir(), join(folder, 'node_modules'))
      expect(steps()).to.equal(undefined)
    })

    it('runs the build script last', async () => {
      await write('package-lock.json', lock('1.0.0'))
      const plan = planNode(folder, true, true)
      expect(plan?.steps).to.deep.equal([ci, ['npm', 'run', 'build']])
      expect(plan?.describe).to.equal('npm ci, npm run build')
    })
  })

  it('is left to another package manager that has left its lock file', async () => {
    expect(isOfNpm(folder)).to.equal(true)
    await write('pnpm-lock.yaml')
    expect(isOfNpm(folder)).to.equal(false)
  })
})
