import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { suggestFix, type EndFacts } from '../src/suggest-fix.js'
import { detectChaincode } from '../services/detect-chaincode.js'
import { example, TestProcesses } from './fixtures/start-chaincode.js'

const base: EndFacts = {
  command: ['/cc/run', '--peer.address', '127.0.0.1:7052'],
  folder: '/cc',
  ccid: 'cc:1.0',
  address: '127.0.0.1:7052',
  state: 'awaitingRegister',
  exitCode: 1,
}

/** What a program printed on stderr, and what is said about it. */
const printed: Record<string, [lines: string, suggestion: string | RegExp, facts?: Partial<EndFacts>]> = {
  'a package that is not installed': [
    `node:internal/modules/cjs/loader:1210
  throw err;
  ^

Error: Cannot find module 'nosuch-module'
Require stack:
- /cc/index.js
    at Module._resolveFilename (node:internal/modules/cjs/loader:1207:15)
  code: 'MODULE_NOT_FOUND',`,
    'run npm install in /cc; if its package.json does not list nosuch-module, npm install nosuch-module',
  ],
  'a scoped package that is not installed, in an ES module': [
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/name' imported from /cc/e.mjs",
    'run npm install in /cc; if its package.json does not list @scope/name, npm install @scope/name',
  ],
  'a file of a package that is not installed': [
    "Error: Cannot find module 'lodash/fp'",
    /^run npm install in \/cc; .* npm install lodash$/,
  ],
  'a file of its own that does not exist': [
    "Error: Cannot find module './lib/contract'\nRequire stack:\n- /cc/rel.cjs",
    'the file ./lib/contract does not exist: build the chaincode (npm run build), or correct the path',
  ],
  'a main file that does not exist': [
    "Error: Cannot find module '/cc/dist/index.js'\n    at Module._resolveFilename",
    'the file /cc/dist/index.js does not exist: build the chaincode (npm run build), or correct the path',
  ],
  'no start script': [
    'npm error Missing script: "start"\nnpm error\nnpm error Did you mean one of these?',
    'add a start script to the package.json in /cc: "start": "fabric-chaincode-node start"',
  ],
  'no package.json': [
    "npm error code ENOENT\nnpm error path /cc/package.json\nnpm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/cc/package.json'",
    'there is no readable package.json in /cc: name the folder of the chaincode',
  ],
  'no main entry': [
    "Error: package.json does not contain a 'main' entry for the module",
    'let "main" in the package.json in /cc name the file that exports the contracts',
  ],
  'no contracts': [
    'Error: invalid contract instance {}',
    'let the main file export its contract classes: module.exports.contracts = [MyContract]',
  ],
  'an ES module where CommonJS is expected': [
    "/cc/esm.cjs:1\nimport x from 'fs'\n^^^^^^\n\nSyntaxError: Cannot use import statement outside a module",
    /^Fabric's command line loads CommonJS only/,
  ],
  'native modules of another Node': [
    "Error: The module '/cc/node_modules/x/build/x.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 115.",
    'run npm rebuild in /cc: native modules were built for another Node',
  ],
  'a Node that is too old': [
    'error fabric-shim@2.5.8: The engine "node" is incompatible with this module. Expected version ">=18". Got "16.20.0"',
    /^start it with a newer Node/,
  ],
  'a Node without a module that it needs': [
    'Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:sqlite',
    /^start it with a newer Node/,
  ],
  'a syntax error and its place': [
    '/cc/syn.cjs:3\n\n\n\nSyntaxError: Unexpected end of input\n    at wrapSafe (node:internal/modules/cjs/loader:1464:18)',
    'correct the syntax error in /cc/syn.cjs:3: Unexpected end of input',
  ],
  'a syntax error without its place': [
    'SyntaxError: Unexpected token } in JSON at position 7',
    'correct the syntax error: Unexpected token } in JSON at position 7',
  ],
  'a debugger port in use': [
    'Starting inspector on 127.0.0.1:9229 failed: address already in use',
    /^another process is being debugged at 127\.0\.0\.1:9229/,
  ],
  'a heap that is too small': [
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    /max-old-space-size/,
    { exitCode: null, signal: 'SIGABRT' },
  ],
  'a port in use, in Node': [
    'Error: listen EADDRINUSE: address already in use 127.0.0.1:40895',
    'another process uses the port of 127.0.0.1:40895: stop it, or let the chaincode listen elsewhere',
  ],
  'a port in use, on all addresses': [
    'Error: listen EADDRINUSE: address already in use :::8080',
    'another process uses the port of :::8080: stop it, or let the chaincode listen elsewhere',
  ],
  'a port in use, in Go': [
    'panic: listen tcp 0.0.0.0:9999: bind: address already in use',
    'another process uses the port of 0.0.0.0:9999: stop it, or let the chaincode listen elsewhere',
  ],
  'a port in use, in Java': [
    'Caused by: java.net.BindException: Address already in use',
    'another process uses the port: stop it, or let the chaincode listen elsewhere',
  ],
  'a wrong address, in Node': [
    'error [c-api:lib/handler.js] Chat stream with peer - on error: %j "Error: 14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: \\n    at callErrorFromStatus',
    'it dialled 127.0.0.1:1, but the chaincode listener is 127.0.0.1:7052: let it take the address from --peer.address',
    { exitCode: 0 },
  ],
  'a wrong address, in Go': [
    'Error starting chaincode: connection error: desc = "transport: error while dialing: dial tcp 127.0.0.1:7051: connect: connection refused"',
    /^it dialled 127\.0\.0\.1:7051, but/,
  ],
  'a wrong address, in Java': [
    'Caused by: io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: localhost/127.0.0.1:7051',
    /^it dialled 127\.0\.0\.1:7051, but/,
  ],
  'the right address where nobody is': [
    'Error: 14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:7052.',
    'nothing answered at 127.0.0.1:7052: see whether the daemon serves with: chaincoded status',
  ],
  'a host that does not exist': [
    'Error: 14 UNAVAILABLE: Name resolution failed for target dns:peer0.org1.example.com:7052',
    /^it dialled peer0\.org1\.example\.com:7052, but/,
  ],
  'a host that does not exist, in Go': [
    'dial tcp: lookup peer0.org1.example.com on 127.0.0.53:53: no such host',
    /^it dialled peer0\.org1\.example\.com, but/,
  ],
  'a peer that was not reached in time': [
    'Error starting chaincode: context deadline exceeded',
    'it did not reach the peer in time: let it dial 127.0.0.1:7052, as --peer.address tells it',
  ],
  'something else that does not answer': [
    'Error: connect ECONNREFUSED 127.0.0.1:5432\n    at TCPConnectWrap.afterConnect',
    'nothing answered at 127.0.0.1:5432: start what the chaincode needs there',
  ],
  'an id that was not awaited': [
    'Error: 2 UNKNOWN: chaincode registered as other:1.0, but the id that is awaited is cc:1.0',
    'let it register as cc:1.0, not other:1.0: CORE_CHAINCODE_ID_NAME=cc:1.0',
  ],
  'a foreign id': [
    'Error: 2 UNKNOWN: peer will not accept external chaincode connection other:1.0 (except in dev mode)',
    'it registered as other:1.0, but it was started as cc:1.0: take the id from CORE_CHAINCODE_ID_NAME',
  ],
  'a registration that nobody asked for': [
    'Error: 2 UNKNOWN: peer will not accept external chaincode connection cc:1.0 (except in dev mode)',
    /^cc:1\.0 registered when it was not being started: stop other copies/,
  ],
  'an empty id': [
    'Error: 2 UNKNOWN: error in handling register chaincode, chaincodeID name is empty',
    'it registered without a name: take the id from CORE_CHAINCODE_ID_NAME (cc:1.0)',
  ],
  'an id that is taken': [
    'stream failed: 2 UNKNOWN: duplicate chaincodeID: cc:1.0',
    'another process is registered as cc:1.0: stop that one',
  ],
  'a REGISTER that is none': [
    'Error in received REGISTER, could NOT unmarshal registration info: unexpected EOF',
    /^its REGISTER is not one of Fabric/,
  ],
  'a Go chaincode without the flag': [
    "panic: flag 'peer.address' must be set",
    'it was not told the address: pass --peer.address 127.0.0.1:7052 as an argument',
    { exitCode: 2 },
  ],
  'a Node chaincode without the flag': [
    'error [c-api:_] uncaughtException: Missing required argument peer.address',
    'it was not told the address: pass --peer.address 127.0.0.1:7052 as an argument',
    { exitCode: 0 },
  ],
  'an address that is a URL': [
    'The "peer.address" program argument can not be set to an "http(s)" url, use grpc(s) or omit the protocol',
    'give the address without http://, as --peer.address 127.0.0.1:7052',
    { exitCode: 0 },
  ],
  'a Go chaincode without an id': [
    "Error starting chaincode: 'CORE_CHAINCODE_ID_NAME' must be set",
    'it was not told its id: keep CORE_CHAINCODE_ID_NAME=cc:1.0 in its environment',
  ],
  'a Node chaincode without an id': [
    'Missing required argument: chaincode-id-name',
    'it was not told its id: keep CORE_CHAINCODE_ID_NAME=cc:1.0 in its environment',
  ],
  'a Go chaincode without the TLS switch': [
    "'CORE_PEER_TLS_ENABLED' must be set to 'true' or 'false'",
    'keep CORE_PEER_TLS_ENABLED=false in its environment',
  ],
  'a chaincode without an MSP id': [
    "'CORE_PEER_LOCALMSPID' is not set",
    'keep CORE_PEER_LOCALMSPID in its environment',
  ],
  'a chaincode that wants TLS': [
    'Error: The client key and cert are needed when TLS is enabled, but environment variables specifying the paths to these files are missing',
    /^it uses TLS, and the chaincode listener does not/,
  ],
  'a Java that is too old': [
    'java.lang.UnsupportedClassVersionError: A has been compiled by a more recent version of the Java Runtime (class file version 66.0), this version of the Java Runtime only recognizes class file versions up to 61.0',
    'start it with Java 22 or later: the present one is Java 17',
  ],
  'a jar that is not there': [
    'Error: Unable to access jarfile chaincode.jar',
    'build the chaincode: chaincode.jar is not a jar that can be started',
  ],
  'a jar that has no main class': [
    'no main manifest attribute, in build/libs/cc.jar',
    'build the chaincode: build/libs/cc.jar is not a jar that can be started',
  ],
  'a main class that is not there': [
    'Error: Could not find or load main class org.Contract\nCaused by: java.lang.ClassNotFoundException: org.Contract',
    /^build the chaincode, or correct the class path: there is no class org\.Contract$/,
  ],
  'a Java heap that is too small': ['java.lang.OutOfMemoryError: Java heap space', /JAVA_TOOL_OPTIONS/],
  'a library that is missing': [
    './chaincode: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory',
    'install libfoo.so.1, or build the chaincode on this system',
    { exitCode: 127 },
  ],
  'a C library that is too old': [
    "./chaincode: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by ./chaincode)",
    /^it needs a newer C library \(GLIBC_2\.38\)/,
  ],
  'a binary for another processor, tried by dash': [
    '/cc/run: 1: Syntax error: ";" unexpected',
    'build it here, or begin a script with a line such as #!/bin/sh',
    { exitCode: 2 },
  ],
  'a binary for another processor, tried by bash': [
    'bash: ./run: cannot execute binary file: Exec format error',
    /^\/cc\/run is no program for this system/,
    { exitCode: 126 },
  ],
  'a broken binary, tried by dash': [
    './run: 1: ELF\u0002\u0001\u0001garbage: not found',
    /^\/cc\/run is no program for this system/,
    { exitCode: 127 },
  ],
  'an interpreter that env does not find': [
    '/usr/bin/env: ‘nosuchprog’: No such file or directory',
    'install nosuchprog, or put it into the PATH of the daemon',
    { exitCode: 127 },
  ],
  'a start script whose command is not installed': [
    'sh: 1: fabric-chaincode-node: not found',
    'run npm install fabric-shim in /cc: its start script needs it',
    { exitCode: 127 },
  ],
  'a start script whose command does not exist': [
    'sh: line 1: ts-nod: command not found',
    'install ts-nod, or correct the start script in /cc',
    { exitCode: 127 },
  ],
  'a start script whose command is not executable': [
    'sh: 1: ./noexec: Permission denied',
    'chmod +x ./noexec',
    { exitCode: 126 },
  ],
  'a file that may not be read': [
    "Error: EACCES: permission denied, open '/cc/secret.json'",
    'let this user have access to /cc/secret.json',
  ],
}

/** How a program could not be started or ended, and what is said about it. */
const ended: Record<string, [facts: Partial<EndFacts>, suggestion: string | RegExp | undefined]> = {
  'a program that is not in PATH': [
    { spawnErrno: 'ENOENT', spawnMessage: 'no program npm in PATH (ENOENT)', command: ['npm', 'start'] },
    'install npm, put it into the PATH of the daemon, or give another --command',
  ],
  'a folder that is gone': [
    { spawnErrno: 'ENOENT', spawnMessage: 'the folder /cc does not exist (ENOENT)' },
    'name the folder of the chaincode, and deploy it again if it was moved',
  ],
  'a script with the line ends of Windows': [
    {
      spawnErrno: 'ENOENT',
      spawnMessage: 'the first line of /cc/run ends in a carriage return, so its interpreter is not found (ENOENT)',
    },
    "give /cc/run the line ends of Unix: sed -i 's/\\r$//' /cc/run",
  ],
  'an interpreter that does not exist': [
    { spawnErrno: 'ENOENT', spawnMessage: 'the interpreter /no/such of /cc/run does not exist (ENOENT)' },
    'correct the first line of /cc/run, or install the interpreter that it names',
  ],
  'a dynamic loader that does not exist': [
    { spawnErrno: 'ENOENT', spawnMessage: '/cc/run needs a dynamic loader that this system does not have (ENOENT)' },
    /^build \/cc\/run on this system/,
  ],
  'a program that is a folder': [
    { spawnErrno: 'EACCES', spawnMessage: '/cc/run is a folder, not a program (EACCES)' },
    'let the command begin with a program',
  ],
  'a program that is not executable': [
    { spawnErrno: 'EACCES', spawnMessage: '/cc/run is not executable (EACCES)' },
    'chmod +x /cc/run',
  ],
  'a program that does not exist': [
    { spawnErrno: 'ENOENT', spawnMessage: '/cc/run does not exist (ENOENT)' },
    'build the chaincode, or correct the path: there is no /cc/run',
  ],
  'a file that the system cannot run': [
    { spawnErrno: 'ENOEXEC', spawnMessage: 'spawn ENOEXEC' },
    /^build \/cc\/run for this system, or begin a script/,
  ],
  'too many processes': [{ spawnErrno: 'EAGAIN', spawnMessage: 'spawn EAGAIN' }, /^the system is at a limit/],
  'an error that is not known': [{ spawnErrno: 'E2BIG', spawnMessage: 'spawn E2BIG' }, undefined],
  'a kill': [{ exitCode: null, signal: 'SIGKILL' }, /^something killed it/],
  'a kill of what a shell ran': [{ exitCode: 137 }, /^something killed it/],
  'an illegal instruction': [{ exitCode: null, signal: 'SIGILL' }, /^build \/cc\/run and its native libraries anew/],
  'a segmentation fault of what a shell ran': [{ exitCode: 139 }, /^build \/cc\/run and its native libraries anew/],
  'a signal from outside': [{ exitCode: null, signal: 'SIGTERM' }, /^something outside ended it/],
  'a code 126': [{ exitCode: 126 }, /^make what .* runs executable/],
  'a code 127': [{ exitCode: 127 }, /^install what .* runs, or correct its name/],
  'a code 0 before it has registered': [{ exitCode: 0 }, /^its main function returned without registering/],
  'a code 0 after it has registered': [{ exitCode: 0, state: 'registered' }, undefined],
  'a code that says nothing': [{ exitCode: 3 }, undefined],
}

describe('suggestFix', () => {
  for (const [what, [lines, suggestion, facts]] of Object.entries(printed))
    it(`knows ${what}`, () => {
      const said = suggestFix({ ...base, ...facts, lastWords: lines.split('\n') })
      if (typeof suggestion === 'string') expect(said).to.contain(suggestion)
      else expect(said).to.match(suggestion)
    })

  for (const [what, [facts, suggestion]] of Object.entries(ended))
    it(`${suggestion ? 'knows' : 'says nothing about'} ${what}`, () => {
      const said = suggestFix({ ...base, exitCode: undefined, ...facts })
      if (suggestion instanceof RegExp) expect(said).to.match(suggestion)
      else expect(said).to.equal(suggestion)
    })

  it('reads the output of both streams, and more of it than the last words', () => {
    const output = ["Error: Cannot find module 'x'", ...Array.from({ length: 30 }, () => '    at somewhere')]
    expect(suggestFix({ ...base, output, lastWords: output.slice(-20) })).to.match(/^run npm install/)
  })

  it('takes what a program printed for more telling than how it ended', () => {
    const lastWords = ['sh: 1: fabric-chaincode-node: not found']
    expect(suggestFix({ ...base, exitCode: 127, lastWords })).to.match(/fabric-shim/)
  })

  it('does not look in the log of a chaincode that was up for reasons why it could not start', () => {
    const up = { ...base, state: 'ready', exitCode: 3 }
    const lines = ['Error: connect ECONNREFUSED 127.0.0.1:5432', "Cannot find module 'x'"]
    expect(suggestFix({ ...up, output: lines, lastWords: lines })).to.equal(undefined)
    expect(suggestFix({ ...up, exitCode: 0 })).to.equal(undefined)
    expect(suggestFix({ ...up, exitCode: 127 })).to.equal(undefined)
    expect(suggestFix({ ...up, lastWords: ['JavaScript heap out of memory'] })).to.match(/NODE_OPTIONS/)
    expect(suggestFix({ ...up, exitCode: null, signal: 'SIGKILL' })).to.match(/^something killed it/)
  })

  it('says "its folder" where the folder is not known', () => {
    const lastWords = ['npm error Missing script: "start"']
    expect(suggestFix({ ...base, folder: undefined, lastWords })).to.contain('the package.json in its folder')
  })

  describe('of real processes', () => {
    const processes = new TestProcesses()
    afterEach(() => processes.end())

    /** The suggestion for a chaincode that ends by itself, started as the daemon would. */
    const suggestionFor = async (path: string, address = '127.0.0.1:1') => {
      const { exitCode, signal, lastWords, output } = await (
        await processes.startChaincode(path, address)
      ).until('EXITED')
      const detection = detectChaincode(path, { address })
      const command = detection.ok ? detection.command : []
      return suggestFix({ ...base, command, folder: path, exitCode, signal, lastWords, output })
    }

    it("finds the missing module above the stack of Fabric's command line", async () => {
      const folder = join(await processes.folder(), 'cc')
      await mkdir(folder)
      await symlink(new URL('../node_modules', import.meta.url).pathname, join(folder, 'node_modules'))
      const scripts = { start: 'fabric-chaincode-node start' }
      const manifest = { main: 'index.js', scripts, dependencies: { 'fabric-shim': '2' } }
      await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
      await writeFile(join(folder, 'index.js'), "require('no-such-module')")
      expect(await suggestionFor(folder)).to.match(/^run npm install in .*no-such-module$/)
    })

    it('finds the wrong address although the shim tells it on stdout and ends with code 0', async () => {
      expect(await suggestionFor(example('counter'))).to.match(
        /^it dialled 127\.0\.0\.1:1, but the chaincode listener is/,
      )
    })

    it('sees that a program did nothing', async () => {
      const file = join(await processes.folder(), 'idle')
      await writeFile(file, '#!/bin/sh\n', { mode: 0o755 })
      expect(await suggestionFor(file)).to.match(/^its main function returned without registering/)
    })
  })
})
