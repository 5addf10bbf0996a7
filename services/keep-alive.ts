import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** When to ping an idle connection, and how long to wait for the answer. */
export interface KeepAliveOptions {
  /** Time without a byte received after which a ping is sent, at most twice as long, ms; 0 = never. */
  pingIntervalMs: number
  pingTimeoutMs: number
}

/** Pings a session while it lives. `onSilence` is called when a ping is not answered in time. */
export function keepAlive(
  session: Http2Session,
  socket: Socket,
  { pingIntervalMs, pingTimeoutMs }: KeepAliveOptions,
  onSilence: () => void,
): void {
  if (pingIntervalMs === 0) return
  let bytesSeen = socket.bytesRead
  let deadline: NodeJS.Timeout | undefined
  const look = () => {
    const isIdle = socket.bytesRead === bytesSeen
    bytesSeen = socket.bytesRead
    if (!isIdle || deadline !== undefined || session.destroyed) return
    deadline = setTimeout(onSilence, pingTimeoutMs)
    session.ping(() => {
      clearTimeout(deadline)
      deadline = undefined
      bytesSeen = socket.bytesRead
    })
  }
  const timer = setInterval(look, pingIntervalMs)
  session.once('close', () => {
    clearInterval(timer)
    clearTimeout(deadline)
  })
}
