import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { followLog, readLogTail } from '../../services/follow-log.js'
import { writeLog } from '../../services/write-log.js'

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`)
const text = (lines: string[]) => lines.map((line) => `${line}\n`).join('')

describe('log files', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chaincoded-test-'))
    file = join(folder, 'x.log')
  })
  afterEach(() => rm(folder, { recursive: true }))

  describe('readLogTail', () => {
    it('is empty where there is no log or no line', async () => {
      expect(await readLogTail(file, 10)).to.deep.equal([])
      await writeFile(file, '')
      expect(await readLogTail(file, 10)).to.deep.equal([])
    })

    it('returns the last lines, all where there are fewer, and none where none is wanted', async () => {
      await writeFile(file, text(numbered(1, 5)))
      expect(await readLogTail(file, 2)).to.deep.equal(['line 4', 'line 5'])
      expect(await readLogTail(file, 5)).to.deep.equal(numbered(1, 5))
      expect(await readLogTail(file, 50)).to.deep.equal(numbered(1, 5))
      expect(await readLogTail(file, 0)).to.deep.equal([])
    })

    it('counts a last line that has not ended', async () => {
      await writeFile(file, 'one\ntwo\nthr')
      expect(await readLogTail(file, 2)).to.deep.equal(['two', 'thr'])
    })

    it('reaches over many blocks of a long file', async () => {
      const lines = numbered(1, 30_000)
      await writeFile(file, text(lines))
      expect(await readLogTail(file, 20_001)).to.deep.equal(lines.slice(-20_001))
    })

    it('reaches into the rotated file', async () => {
      await writeFile(`${file}.1`, text(numbered(1, 5)))
      expect(await readLogTail(file, 3)).to.deep.equal(numbered(3, 5))
      await writeFile(file, text(numbered(6, 7)))
      expect(await readLogTail(file, 4)).to.deep.equal(numbered(4, 7))
      expect(await readLogTail(file, 2)).to.deep.equal(numbered(6, 7))
    })

    it('throws for what is no file', async () => {
      const error: unknown = await readLogTail(folder, 1).catch((thrown: unknown) => thrown)
      expect(error).to.have.property('code', 'EISDIR')
    })
  })

  describe('followLog', () => {
    /** Follows the log until it has delivered `count` lines. */
    async function follow(
      count: number,
      act: (seen: string[]) => Promise<void>,
      lastLines?: number,
    ): Promise<string[]> {
      const stop = new AbortController()
      const seen: string[] = []
      const following = followLog(
        file,
        (line) => {
          seen.push(line)
          if (seen.length >= count) stop.abort()
        },
        stop.signal,
        { pollMs: 2, lastLines },
      )
      await act(seen)
      await following
      return seen
    }
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
    }

    it('delivers what is appended from now on, and first the last lines if they are wanted', async () => {
      await writeFile(file, text(numbered(1, 5)))
      const seen = await follow(
        4,
        async (seen) => {
          await until(() => seen.length === 2)
          await appendFile(file, text(numbered(6, 7)))
        },
        2,
      )
      expect(seen).to.deep.equal(numbered(4, 7))
    })

    it('waits for a log that does not exist yet', async () => {
      expect(await follow(2, () => writeFile(file, text(numbered(1, 2))))).to.deep.equal(numbered(1, 2))
    })

    it('delivers a line when it has ended', async () => {
      await writeFile(file, 'before\n')
      const seen = await follow(
        2,
        async (seen) => {
          await until(() => seen.length === 1)
          await appendFile(file, 'half')
          await appendFile(file, ' and half\n')
        },
        1,
      )
      expect(seen).to.deep.equal(['before', 'half and half'])
    })

    it('loses nothing when the log is rotated', async () => {
      await writeFile(file, '')
      const lines = numbered(1, 60)
      const seen = await follow(lines.length, async (seen) => {
        const log = writeLog(file, { maxBytes: 100 })
        for (const line of lines) {
          log.append([line])
          // Two rotations between two looks at the file would lose lines, whoever follows.
          await until(() => seen.at(-1) === line)
        }
        await log.close()
      })
      expect(seen).to.deep.equal(lines)
    })

    it('reads what came into the old file after its last look', async () => {
      await writeFile(file, text(['seen']))
      const seen = await follow(
        3,
        async (seen) => {
          await until(() => seen.length === 1)
          await appendFile(file, 'late\n')
          await rename(file, `${file}.1`)
          await writeFile(file, 'new\n')
        },
        1,
      )
      expect(seen).to.deep.equal(['seen', 'late', 'new'])
    })

    it('starts again from the beginning of a log that was emptied', async () => {
      await writeFile(file, text(['a long line before']))
      const seen = await follow(
        2,
        async (seen) => {
          await until(() => seen.length === 1)
          await truncate(file)
          await appendFile(file, 'after\n')
        },
        1,
      )
      expect(seen).to.deep.equal(['a long line before', 'after'])
    })

    it('rejects with what the receiver throws', async () => {
      await writeFile(file, 'one\n')
      const refuse = () => {
        throw new Error('no more')
      }
      const error: unknown = await followLog(file, refuse, new AbortController().signal, { lastLines: 1 }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).to.have.property('message', 'no more')
    })
  })
})
