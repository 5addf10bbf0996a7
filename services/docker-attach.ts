import { PassThrough, type Readable } from 'node:stream'
import type { Engine } from './docker-connect.js'

/** The outputs of a container as two streams; both end when the container does, or the engine. */
export interface ContainerOutput {
  stdout: PassThrough
  stderr: PassThrough
}

const HEADER_BYTES = 8

/** Attaches to a container's output, from its first byte on: to be called before it is started. */
export async function attachOutput(engine: Engine, id: string): Promise<ContainerOutput> {
  const container = engine.streams.getContainer(id)
  const frames = (await container.attach({
    stream: true,
    stdout: true,
    stderr: true,
    logs: true,
  })) as unknown as Readable
  const output = { stdout: new PassThrough(), stderr: new PassThrough() }
  void takeApart(frames, output)
  return output
}

/**
 * Takes the engine's frames apart (one byte of kind, three unused, four of length, then the bytes). Whoever does not
 * read holds the engine back. A frame may come in any number of pieces, and may be larger than what is kept of it.
 */
export async function takeApart(frames: Readable, { stdout, stderr }: ContainerOutput): Promise<void> {
  let header = Buffer.alloc(0)
  let target = stdout
  let left = 0
  // Who closes the streams has had enough of this container.
  const stop = () => void (stdout.destroyed && stderr.destroyed && frames.destroy())
  stdout.once('close', stop)
  stderr.once('close', stop)
  try {
    for await (const chunk of frames as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        if (left === 0) {
          const piece = chunk.subarray(at, at + HEADER_BYTES - header.length)
          header = Buffer.concat([header, piece])
          at += piece.length
          if (header.length < HEADER_BYTES) continue
          target = header[0] === 2 ? stderr : stdout
          left = header.readUInt32BE(4)
          header = Buffer.alloc(0)
          continue
        }
        const piece = chunk.subarray(at, at + left)
        at += piece.length
        left -= piece.length
        if (!target.destroyed && !target.write(piece)) await drained(target)
      }
    }
  } catch {
    // The engine broke off; that is told by whoever waits for the container.
  }
  stdout.end()
  stderr.end()
}

/** Resolves when the stream takes more, or is closed. */
const drained = (stream: PassThrough) =>
  new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.on('drain', done).on('close', done)
  })
