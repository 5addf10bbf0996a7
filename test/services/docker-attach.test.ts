import { PassThrough, Readable } from 'node:stream'
import { expect } from 'chai'
import { takeApart } from '../../services/docker-attach.js'

const frame = (kind: number, text: string): Buffer => {
  const header = Buffer.alloc(8)
  header[0] = kind
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

const outputs = (highWaterMark = 1 << 16) => ({
  stdout: new PassThrough({ highWaterMark }),
  stderr: new PassThrough({ highWaterMark }),
})

const read = async (stream: Readable): Promise<string> => {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe("The engine's output frames", () => {
  const bytes = Buffer.concat([frame(1, 'one\n'), frame(2, 'trouble\n'), frame(1, ''), frame(1, 'two\nthree\n')])

  for (const size of [1, 3, 8, 9, bytes.length])
    it(`come apart into stdout and stderr when they arrive in pieces of ${size} bytes`, async () => {
      const pieces: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      const { stdout, stderr } = outputs()
      const all = Promise.all([read(stdout), read(stderr)])
      await takeApart(Readable.from(pieces), { stdout, stderr })
      expect(await all).to.deep.equal(['one\ntwo\nthree\n', 'trouble\n'])
    })

  it('hold the engine back while nobody reads', async () => {
    let given = 0
    const endless = Readable.from(
      (function* () {
        for (; given < 1000; given++) yield frame(1, 'x'.repeat(1000))
      })(),
      { highWaterMark: 1 },
    )
    const { stdout, stderr } = outputs(4000)
    const apart = takeApart(endless, { stdout, stderr })
    await new Promise((resolve) => setImmediate(resolve))
    expect(given).to.be.lessThan(50)
    expect((await read(stdout)).length).to.equal(1_000_000)
    await apart
  })

  it('end both streams when the engine breaks off, and lose nothing that came', async () => {
    const broken = new PassThrough()
    broken.write(frame(2, 'last words'))
    const { stdout, stderr } = outputs()
    const all = Promise.all([read(stdout), read(stderr)])
    const apart = takeApart(broken, { stdout, stderr })
    stderr.once('data', () => broken.destroy(new Error('aborted')))
    await apart
    expect(await all).to.deep.equal(['', 'last words'])
  })

  it('let go of the engine when both streams are closed', async () => {
    const frames = new PassThrough()
    const { stdout, stderr } = outputs()
    const apart = takeApart(frames, { stdout, stderr })
    stdout.destroy()
    stderr.destroy()
    await apart
    expect(frames.destroyed).to.equal(true)
  })
})
