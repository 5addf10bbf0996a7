/**
 * The diagnosis of a chaincode that does not come up: what its last output and its end are known to mean, and the one
 * thing to do about it. Two tables, read from the top, and the first row that fits speaks: what a program prints says more
 * than how it ends.
 */
import { knownOutput, program } from './known-output.js'

/** What is known of the end of a chaincode process, or of the attempt to start it. */
export interface EndFacts {
  /** Exit code; null or absent where a signal ended it or it never ran. */
  exitCode?: number | null
  /** Name of the signal that ended it. */
  signal?: string | null
  /** Errno name and text, where the program could not be started. */
  spawnErrno?: string
  spawnMessage?: string
  /** Its last stderr lines, oldest first. */
  lastWords?: readonly string[]
  /** The last lines of stdout and stderr together, oldest first. */
  output?: readonly string[]
  /** Program and arguments that it was started with. */
  command: readonly string[]
  /** The folder that it was started in. */
  folder?: string
  /** The id that it should register with. */
  ccid: string
  /** `host:port` of the chaincode listener. */
  address: string
  /** State of the chaincode when the process ended: `launching`, `awaitingRegister`, `registered`, `ready` … */
  state: string
}

/** How programs could not be started, and how they end, most telling first. */
const ends: readonly { when: (facts: EndFacts) => boolean; say: (facts: EndFacts) => string }[] = [
  {
    when: ({ spawnMessage = '' }) => /^no program /.test(spawnMessage),
    say: (facts) => `install ${program(facts)}, put it into the PATH of the daemon, or give another --command`,
  },
  {
    when: ({ spawnMessage = '' }) => /the folder .* does not exist|is not a folder/.test(spawnMessage),
    say: () => 'name the folder of the chaincode, and deploy it again if it was moved',
  },
  {
    when: ({ spawnMessage = '' }) => /carriage return/.test(spawnMessage),
    say: (facts) => `give ${program(facts)} the line ends of Unix: sed -i 's/\\r$//' ${program(facts)}`,
  },
  {
    when: ({ spawnMessage = '' }) => /^the interpreter /.test(spawnMessage),
    say: (facts) => `correct the first line of ${program(facts)}, or install the interpreter that it names`,
  },
  {
    when: ({ spawnMessage = '' }) => /dynamic loader/.test(spawnMessage),
    say: (facts) => `build ${program(facts)} on this system, or with CGO_ENABLED=0: it was made for another C library`,
  },
  {
    when: ({ spawnMessage = '' }) => /is a folder, not a program/.test(spawnMessage),
    say: () => 'let the command begin with a program',
  },
  { when: ({ spawnErrno }) => spawnErrno === 'EACCES', say: (facts) => `chmod +x ${program(facts)}` },
  {
    when: ({ spawnErrno }) => spawnErrno === 'ENOENT',
    say: (facts) => `build the chaincode, or correct the path: there is no ${program(facts)}`,
  },
  {
    when: ({ spawnErrno }) => spawnErrno === 'ENOEXEC',
    say: (facts) => `build ${program(facts)} for this system, or begin a script with a line such as #!/bin/sh`,
  },
  {
    when: ({ spawnErrno = '' }) => ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(spawnErrno),
    say: () => 'the system is at a limit of processes, files or memory: stop something, or raise it (ulimit -a)',
  },
  {
    when: ({ signal, exitCode }) => signal === 'SIGKILL' || exitCode === 137,
    say: () => 'something killed it: if memory ran out (dmesg tells), give it more, or let the chaincode need less',
  },
  {
    when: ({ signal, exitCode }) => signal === 'SIGILL' || signal === 'SIGSEGV' || exitCode === 132 || exitCode === 139,
    say: (facts) => `build ${program(facts)} and its native libraries anew on this system: machine code in it failed`,
  },
  {
    when: ({ signal }) => signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP',
    say: () => 'something outside ended it: look for a script or a supervisor that stops it',
  },
  {
    when: (facts) => facts.exitCode === 126 && !isUp(facts),
    say: (facts) => `make what ${facts.command.join(' ')} runs executable: chmod +x`,
  },
  {
    when: (facts) => facts.exitCode === 127 && !isUp(facts),
    say: (facts) => `install what ${facts.command.join(' ')} runs, or correct its name: a command was not found`,
  },
  {
    when: (facts) => facts.exitCode === 0 && facts.state !== 'registered' && !isUp(facts),
    say: () =>
      'its main function returned without registering: let it call shim.start (Go: shim.Start) and not end before it',
  },
]

const isUp = ({ state }: EndFacts): boolean => state === 'ready' || state === 'running' || state === 'stopping'

/**
 * One sentence that says what to do about a chaincode that ended or could not be started; `undefined` where nothing
 * helpful is known. Of a chaincode that was up only the last words count, because its log may tell of anything.
 */
export function suggestFix(facts: EndFacts): string | undefined {
  const up = isUp(facts)
  const text = [...(up ? [] : (facts.output ?? [])), ...(facts.lastWords ?? [])].join('\n')
  for (const row of knownOutput) {
    const match = !up || row.alsoWhenUp ? row.when.exec(text) : null
    if (match) return row.say(facts, match)
  }
  return ends.find(({ when }) => when(facts))?.say(facts)
}
