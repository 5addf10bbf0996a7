import { readFile, readdir, readlink } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { endianness, networkInterfaces } from 'node:os'

/** Whose the other end of a connection is. `unknown`: the platform does not tell. */
export type ConnectionOwner = 'own' | 'other' | 'unknown'

/** A connection, as the listener sees it. */
export interface AcceptedConnection {
  /** `host:port` of the client. */
  remoteAddress: string
  listenerPort: number
}

/**
 * Whether the client of a connection is in the process group that `leader` leads, or descends from it. Linux only, and
 * only for processes whose files this user may look at. It reads the table of connections once, then the open files of
 * the leader, and only where it is not the leader's, the list of processes and the open files of the group.
 */
export async function findConnectionOwner(leader: number, connection: AcceptedConnection): Promise<ConnectionOwner> {
  if (process.platform !== 'linux') return 'unknown'
  const client = parseAddress(connection.remoteAddress)
  if (!client) return 'unknown'
  const inode = await findInode(client, connection.listenerPort)
  if (inode === undefined) return isLocal(client.host) ? 'unknown' : 'other'
  const link = `socket:[${inode}]`
  if (await holds(leader, link)) return 'own'
  let isCertain = true
  for (const pid of await familyOf(leader)) {
    const held = await holds(pid, link)
    if (held) return 'own'
    isCertain &&= held !== undefined
  }
  return isCertain ? 'other' : 'unknown'
}

interface Address {
  host: string
  port: number
}

function parseAddress(text: string): Address | undefined {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(text)
  return match ? { host: (match[1] as string).replace(/^::ffff:/, ''), port: Number(match[2]) } : undefined
}

const isLocal = (host: string): boolean =>
  /^127\.|^::1$/.test(host) ||
  Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === host))

/** The number of the client's socket; undefined where no such connection is in this machine's tables. */
async function findInode(client: Address, listenerPort: number): Promise<string | undefined> {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'latin1').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/)
      if (!local || !remote || !inode || inode === '0') continue
      if (parseInt(remote.slice(remote.indexOf(':') + 1), 16) !== listenerPort) continue
      const [host = '', port = ''] = local.split(':')
      if (parseInt(port, 16) === client.port && sameHost(host, client.host)) return inode
    }
  }
  return undefined
}

/** Whether the kernel's hexadecimal address, words in the machine's byte order, is that of `host`. */
function sameHost(hex: string, host: string): boolean {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.map((word) => {
    const buffer = Buffer.from(word, 'hex')
    return endianness() === 'LE' ? buffer.reverse() : buffer
  })
  if (isIPv6(host)) return bytes.length === 4 && Buffer.concat(bytes).equals(ipv6Bytes(host))
  // An IPv4 address in the table of IPv6 is the last word of a mapped one.
  return bytes.at(-1)?.join('.') === host
}

function ipv6Bytes(host: string): Buffer {
  const [head = '', tail] = (host.split('%')[0] as string).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail ?? '')
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** Whether a process has that file open; undefined where it may not be looked at. A process that is gone has none. */
async function holds(pid: number, link: string): Promise<boolean | undefined> {
  try {
    for (const fd of await readdir(`/proc/${pid}/fd`))
      if ((await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')) === link) return true
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : false
  }
}

/** Every process of the group, and every one that descends from it. */
async function familyOf(leader: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const parents = new Map<number, { parent: number; group: number }>()
  await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
      // The command name in brackets may itself hold blanks and brackets. After it: state, parent, group …
      const [, parent, group] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      if (group !== undefined) parents.set(pid, { parent: Number(parent), group: Number(group) })
    }),
  )
  const belongs = (pid: number, steps = 0): boolean => {
    const process = parents.get(pid)
    if (!process || steps > parents.size) return false
    return pid === leader || process.group === leader || belongs(process.parent, steps + 1)
  }
  return [...parents.keys()].filter((pid) => belongs(pid))
}
