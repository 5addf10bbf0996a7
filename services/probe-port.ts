import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DialFailure, DialTarget } from './explain-dial-failure.js'

/** What an HTTP/2 client sends first, with an empty SETTINGS frame. */
const greeting = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')

/**
 * Finds out what listens at a port that ended a plain text HTTP/2 connection, by connecting to it again: once in plain text
 * for the first bytes of its answer, and once with TLS. Never rejects; `signal` ends it.
 */
export async function probePort(target: DialTarget, signal: AbortSignal): Promise<DialFailure> {
  const { address } = target
  const answer = await firstBytes(target, signal)
  if (/^HTTP\/1/.test(answer))
    return {
      errno: 'HTTP1',
      message: `${address} speaks HTTP/1, not gRPC: it answers "${answer.split('\r\n')[0]}"`,
    }
  if (await speaksTls(target, signal))
    return { errno: 'TLS_PORT', message: `${address} speaks TLS, and tls_required is false` }
  if (answer === '') return { errno: 'NO_HTTP2', message: `${address} closed the connection without an HTTP/2 frame` }
  const bytes = Buffer.from(answer, 'latin1').subarray(0, 8).toString('hex')
  return { errno: 'NO_HTTP2', message: `${address} speaks no HTTP/2: its first bytes are ${bytes}` }
}

/** The first bytes that are answered to HTTP/2, one character each; empty where none are. */
async function firstBytes({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<string> {
  const socket = connectTcp({ host, port })
  socket.on('error', () => undefined) // What is awaited below rejects, too.
  try {
    socket.write(greeting)
    const ended = once(socket, 'close', { signal }).then(() => '')
    const first = once(socket, 'data', { signal }).then(([chunk]) => (chunk as Buffer).toString('latin1'))
    return await Promise.race([first, ended])
  } catch {
    return ''
  } finally {
    socket.destroy()
  }
}

/** Whether a TLS handshake begins at all; certificates play no part. */
async function speaksTls({ host, port }: { host: string; port: number }, signal: AbortSignal): Promise<boolean> {
  const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
  socket.on('error', () => undefined)
  try {
    await once(socket, 'secureConnect', { signal })
    return true
  } catch (error) {
    // An alert is an answer in TLS, too.
    return /alert/i.test(String((error as Error).message))
  } finally {
    socket.destroy()
  }
}
