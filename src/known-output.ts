import type { EndFacts } from './suggest-fix.js'

/** One thing that programs print, and what to do about it. */
export interface KnownOutput {
  when: RegExp
  /** `match`: what `when` has found; groups count from 1. */
  say: (facts: EndFacts, match: RegExpExecArray) => string
  /** The row also explains the end of a chaincode that was up. */
  alsoWhenUp?: true
}

const inFolder = ({ folder }: EndFacts) => (folder ? `in ${folder}` : 'in its folder')

/** The program of the command. */
export const program = ({ command }: EndFacts) => command[0] ?? 'the program'

const lacking = (facts: EndFacts, name: string): string => {
  if (/^[./]|^[A-Za-z]:|^file:/.test(name))
    return `the file ${name} does not exist: build the chaincode (npm run build), or correct the path`
  const packageName = /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name
  return `run npm install ${inFolder(facts)}; if its package.json does not list ${packageName}, npm install ${packageName}`
}

const dialled = (facts: EndFacts, address: string): string => {
  const same = address.replace(/^(localhost|\[?::1\]?)(?=:)/, '127.0.0.1') === facts.address
  return same
    ? `nothing answered at ${facts.address}: see whether the daemon serves with: chaincoded status`
    : `it dialled ${address}, but the chaincode listener is ${facts.address}: let it take the address from --peer.address`
}

/** What programs print, most telling first: a row that knows more stands above one that knows less. */
export const knownOutput: readonly KnownOutput[] = [
  // Registration was refused
  {
    when: /chaincode registered as (.+?), but the id that is awaited is ([^\s"]+)/,
    say: (_facts, [, came, expected]) =>
      `let it register as ${expected}, not ${came}: CORE_CHAINCODE_ID_NAME=${expected}`,
  },
  {
    when: /will not accept external chaincode connection (\S+)/,
    say: ({ ccid }, [, came]) =>
      came === ccid
        ? `${ccid} registered when it was not being started: stop other copies of it, and start it with: chaincoded deploy`
        : `it registered as ${came}, but it was started as ${ccid}: take the id from CORE_CHAINCODE_ID_NAME`,
  },
  {
    when: /chaincodeID name is empty/,
    say: ({ ccid }) => `it registered without a name: take the id from CORE_CHAINCODE_ID_NAME (${ccid})`,
  },
  {
    when: /duplicate chaincodeID: ([^\s"]+)/,
    say: (_facts, [, came]) => `another process is registered as ${came}: stop that one`,
  },
  {
    when: /could NOT unmarshal registration info/,
    say: () => 'its REGISTER is not one of Fabric: use a published shim, version 1.1 or later',
  },

  // The shim was not told what it needs
  {
    when: /flag 'peer\.address' must be set|Missing required argument:? peer\.address/,
    say: ({ address }) => `it was not told the address: pass --peer.address ${address} as an argument`,
  },
  {
    when: /can not be set to an "http\(s\)" url/,
    say: ({ address }) => `give the address without http://, as --peer.address ${address}`,
  },
  {
    when: /'CORE_CHAINCODE_ID_NAME' must be set|Missing required argument:? chaincode-id-name/,
    say: ({ ccid }) => `it was not told its id: keep CORE_CHAINCODE_ID_NAME=${ccid} in its environment`,
  },
  {
    when: /'CORE_PEER_TLS_ENABLED' must be set to 'true' or 'false'/,
    say: () => 'keep CORE_PEER_TLS_ENABLED=false in its environment',
  },
  {
    when: /CORE_PEER_LOCALMSPID'? is (?:unset|not set)/,
    say: () => 'keep CORE_PEER_LOCALMSPID in its environment',
  },
  {
    when: /client key and cert are needed when TLS is enabled|does not look like a TLS handshake|SSL routines:.*wrong version number/,
    say: () => 'it uses TLS, and the chaincode listener does not: keep CORE_PEER_TLS_ENABLED=false in its environment',
  },

  // It did not reach the peer
  { when: /UNAVAILABLE[^\n]*connect ECONNREFUSED ([^\s"]*[^\s".])/, say: (facts, [, to]) => dialled(facts, to!) },
  { when: /dial tcp (\S+): connect: connection refused/, say: (facts, [, to]) => dialled(facts, to!) },
  { when: /Connection refused: (?:[^\s/]*\/)?(\S+)/, say: (facts, [, to]) => dialled(facts, to!) },
  {
    when: /Name resolution failed for target (?:dns:)?([^\s"]+)|lookup (\S+).*no such host/,
    say: (facts, match) => dialled(facts, (match[1] ?? match[2])!),
  },
  {
    when: /context deadline exceeded/,
    say: ({ address }) => `it did not reach the peer in time: let it dial ${address}, as --peer.address tells it`,
  },
  {
    when: /connect ECONNREFUSED ([^\s"]*[^\s".])|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([^\s"]+)/,
    say: (_facts, match) => `nothing answered at ${match[1] ?? match[2]}: start what the chaincode needs there`,
  },

  // Node
  {
    when: /(?:Cannot find module|Cannot find package|Could not resolve) ['"]([^'"]+)['"]/,
    say: (facts, [, name]) => lacking(facts, name!),
  },
  {
    when: /Missing script: "?start"?/,
    say: (facts) => `add a start script to the package.json ${inFolder(facts)}: "start": "fabric-chaincode-node start"`,
  },
  {
    when: /Could not read package\.json|open '([^']*package\.json)'/,
    say: (facts) => `there is no readable package.json ${inFolder(facts)}: name the folder of the chaincode`,
  },
  {
    when: /does not contain a 'main' entry/,
    say: (facts) => `let "main" in the package.json ${inFolder(facts)} name the file that exports the contracts`,
  },
  {
    when: /invalid contract instance|contractClass is not a constructor/,
    say: () => 'let the main file export its contract classes: module.exports.contracts = [MyContract]',
  },
  {
    when: /Cannot use import statement outside a module|ERR_REQUIRE_ESM|require is not defined in ES module scope|Unexpected token 'export'/,
    say: () =>
      `Fabric's command line loads CommonJS only: build to CommonJS, or start the module with a script of its own`,
  },
  {
    when: /compiled against a different Node\.js version/,
    say: (facts) => `run npm rebuild ${inFolder(facts)}: native modules were built for another Node`,
  },
  {
    when: /engine "node" is incompatible|No such built-in module: (node:\S+)|npm v\S+ is known not to run on Node\.js|requires Node(?:\.js)? version/i,
    say: () => 'start it with a newer Node: this one is older than the chaincode or its libraries need',
  },
  {
    when: /^(\S+:\d+)\n(?:.*\n){0,6}?SyntaxError: (.+)$/m,
    say: (_facts, [, place, what]) => `correct the syntax error in ${place}: ${what}`,
  },
  { when: /SyntaxError: (.+)/, say: (_facts, [, what]) => `correct the syntax error: ${what}` },
  {
    when: /Starting inspector on (\S+) failed: address already in use/,
    say: (_facts, [, at]) =>
      `another process is being debugged at ${at}: take --inspect out of NODE_OPTIONS, or use --inspect=0`,
  },
  {
    when: /JavaScript heap out of memory/,
    say: () => 'it ran out of memory: give it more with NODE_OPTIONS=--max-old-space-size=4096',
    alsoWhenUp: true,
  },

  // A port of its own
  {
    when: /EADDRINUSE[^\n]*?(\S*:\d+)|listen \w+ (\S+): bind: address already in use|(BindException): Address already in use/,
    say: (_facts, match) =>
      `another process uses the port${match[3] ? '' : ` of ${match[1] ?? match[2]}`}: stop it, or let the chaincode listen elsewhere`,
  },

  // Java
  {
    when: /class file version (\d+)[^\n]*up to (\d+)/,
    say: (_facts, [, built, has]) =>
      `start it with Java ${Number(built) - 44} or later: the present one is Java ${Number(has) - 44}`,
  },
  {
    when: /Unable to access jarfile (\S+)|no main manifest attribute, in (\S+)/,
    say: (_facts, match) => `build the chaincode: ${match[1] ?? match[2]} is not a jar that can be started`,
  },
  {
    when: /Could not find or load main class (\S+)/,
    say: (_facts, [, name]) => `build the chaincode, or correct the class path: there is no class ${name}`,
  },
  {
    when: /java\.lang\.OutOfMemoryError/,
    say: () => 'it ran out of memory: give it more with JAVA_TOOL_OPTIONS=-Xmx1g',
    alsoWhenUp: true,
  },

  // Shells, loaders and the system
  {
    when: /error while loading shared libraries: (\S+):/,
    say: (_facts, [, library]) => `install ${library}, or build the chaincode on this system`,
  },
  {
    when: /version [`'](GLIBC_[\d.]+)' not found/,
    say: (_facts, [, version]) =>
      `it needs a newer C library (${version}): build it on this system, or with CGO_ENABLED=0`,
  },
  {
    when: /(\S+): cannot execute binary file|Exec format error|: \d+: Syntax error: .* unexpected|: \d+: \S*ELF\S*: not found/,
    say: (facts) =>
      `${program(facts)} is no program for this system: build it here, or begin a script with a line such as #!/bin/sh`,
  },
  {
    when: /env: ['‘]?([^'’:]+)['’]?: No such file or directory/,
    say: (_facts, [, name]) => `install ${name}, or put it into the PATH of the daemon`,
  },
  {
    when: /sh: (?:line )?(?:\d+: )?(\S+): (?:command )?not found|: command not found: (\S+)/,
    say: (facts, match) => {
      const name = match[1] ?? match[2]
      return name === 'fabric-chaincode-node'
        ? `run npm install fabric-shim ${inFolder(facts)}: its start script needs it`
        : `install ${name}, or correct the start script ${inFolder(facts)}`
    },
  },
  {
    when: /sh: (?:line )?(?:\d+: )?(\S+): Permission denied|EACCES: permission denied, \w+ '([^']+)'/,
    say: (_facts, match) => (match[1] ? `chmod +x ${match[1]}` : `let this user have access to ${match[2]}`),
  },
]
