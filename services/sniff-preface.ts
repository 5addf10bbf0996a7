import type { Socket } from 'node:net'

/** What every HTTP/2 client sends first. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** What becomes of a connection: one of these is called, once, unless the client leaves without a word. */
export interface PrefaceVerdict {
  /** The client speaks HTTP/2; nothing of what it sent is lost. */
  accept: (socket: Socket) => void
  /** The client speaks something else, which `why` names as well as can be told; the socket is destroyed. */
  refuse: (why: string) => void
}

/** Reads the first bytes of a connection and decides whether they are HTTP/2's; waits at most `timeoutMs` for them. */
export function sniffPreface(socket: Socket, timeoutMs: number, { accept, refuse }: PrefaceVerdict): void {
  let seen: Buffer = Buffer.alloc(0)
  const stop = (why?: string) => {
    clearTimeout(timer)
    socket.off('readable', look).off('close', leave)
    if (why === undefined) return
    socket.destroy()
    refuse(why)
  }
  const look = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    seen = Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, preface.length)
    if (seen.compare(preface, 0, length, 0, length) !== 0) return stop(nameProtocol(seen))
    if (length < preface.length) return
    stop()
    socket.unshift(seen)
    accept(socket)
  }
  const leave = () => stop(seen.length > 0 ? `closed after ${seen.length} bytes` : undefined)
  const timer = setTimeout(() => stop(`no HTTP/2 within ${timeoutMs} ms`), timeoutMs)
  socket.on('error', () => undefined) // Always followed by `close`.
  socket.on('readable', look).on('close', leave)
}

/** What bytes that are not HTTP/2's look like. */
function nameProtocol(bytes: Buffer): string {
  if (bytes[0] === 0x16 && bytes[1] === 0x03) return 'a TLS client, but this port is plain text'
  if (/^[A-Z]+ \S+ HTTP\/1/.test(bytes.toString('latin1'))) return 'an HTTP/1 client, but this port speaks gRPC'
  return `no HTTP/2, the first bytes are ${bytes.subarray(0, 8).toString('hex')}`
}
