import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { collectTransient } from './arguments.js'
import type { CliIo, Context } from './io.js'
import { version } from './version.js'

/** Takes the work that the command line asks for; `verbose` is known even where it fails. */
export type Take = (work: Promise<number>, verbose: boolean) => Promise<void>

interface CommonOptions {
  data: string
  verbose?: boolean
  json?: boolean
}

/** The grammar of the command line. Commands load their code when they run, so that each starts fast. */
export function createProgram(io: CliIo, take: Take): Command {
  const program = new Command('chaincoded')
    .description('Runs Hyperledger Fabric chaincode on this machine: one daemon with a ledger and a gateway.')
    .version(version, '-V, --version')
    .enablePositionalOptions()
    .showHelpAfterError('hint: chaincoded --help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'chaincoded: ')),
    })

  /** A command with what all have in common. */
  const command = (name: string, description: string, example: string) =>
    program
      .command(name)
      .description(description)
      .option('--data <dir>', 'data folder', io.env['CHAINCODED_DATA'] || '.chaincoded')
      .option('--verbose', 'show stack traces and debug output')
      .addHelpText('after', `\nExample:\n  $ ${example}`)
      .showHelpAfterError(`hint: chaincoded ${name} --help`)
  const json = ['--json', 'write the result as JSON'] as const

  /** Runs `work`, which is loaded only now, with the context that the options give. */
  const run =
    <Arguments extends unknown[]>(work: (context: Context, ...all: Arguments) => Promise<number>) =>
    (...all: [...Arguments, CommonOptions, Command]) => {
      const options = all.at(-2) as CommonOptions
      const context = contextOf(io, options)
      return take(work(context, ...(all.slice(0, -1) as unknown as Arguments)), context.verbose)
    }
  const hosting = (made: Command) =>
    made
      .option('--config <file>', 'core.yaml to read')
      .option('--peer-chaincodedev', 'dev mode: you start the chaincode by hand')
      .option('--gateway <host:port>', 'where the gateway listens (127.0.0.1:7051)')
      .option('--chaincode-listen <host:port>', 'where chaincodes connect to (127.0.0.1:7052)')
      .option('--no-tls', 'gateway without TLS')
  const deploying = (made: Command) =>
    made
      .option('--name <name>', "name of the chaincode (the package's, else the folder's)")
      .option('--version <version>', 'version of the chaincode (1.0)')
      .option('--channel <channel>', 'channel to define it on (mychannel)')
      .option('--command <line>', "what starts it, where the folder's files do not tell: 'node dist/main.js'")
      .option('--label <label>', 'label of its package id')
      .option('--init-required', 'the first invocation has to be an Init')
      .option('--runtime <kind>', 'what it runs in: process or docker (process)')
      .option('--lang <language>', 'language of a container: node, golang, java or car (told by the files)')
      .option('--ccid <id>', 'id that it registers with, for example its package id (NAME:VERSION)')

  hosting(
    command('start', 'Starts the daemon, and runs it until it is stopped.', 'chaincoded start --data /tmp/ledger'),
  )
    .option(...json)
    .action(run(async (context, options) => (await import('./commands/start.js')).start(context, options as object)))

  deploying(
    hosting(
      command(
        'dev',
        'Starts the daemon with the chaincode in DIR, and follows its log.',
        'chaincoded dev examples/asset-transfer',
      ),
    ),
  )
    .argument('<dir>', 'folder of the chaincode')
    .action(
      run(async (context, dir: string, options: object) =>
        (await import('./commands/dev.js')).dev(context, dir, options),
      ),
    )

  deploying(
    command(
      'deploy',
      'Starts the chaincode in a folder or package in the running daemon.',
      'chaincoded deploy ./my-chaincode --name basic',
    ),
  )
    .argument('[target]', 'folder of the chaincode or of its connection.json, package file, or id of a package')
    .option('--image <name>', 'image to run in a container as it is; without a target it needs --name')
    .option('--address <host:port>', 'a chaincode that runs as a service there, in place of a target')
    .option(...json)
    .action(
      run(async (context, target: string | undefined, options: object) =>
        (await import('./commands/deploy.js')).deploy(context, target, options),
      ),
    )

  for (const [name, description, example] of [
    [
      'invoke',
      'Submits a transaction, and waits for its commit.',
      'chaincoded invoke basic CreateAsset a1 blue 5 Tomoko 300',
    ],
    ['query', 'Runs a function without changing the ledger.', `chaincoded query basic '["ReadAsset","a1"]'`],
  ] as const) {
    command(name, description, example)
      .argument('<name>', 'name of the chaincode')
      .showHelpAfterError(`hint: an argument that begins with a dash stands after --; see chaincoded ${name} --help`)
      .argument('<function>', 'function; or function and arguments as one JSON array')
      .argument('[args...]', 'arguments; put -- before the first that begins with a dash')
      .option('--channel <channel>', "channel (the daemon's default)")
      .option('--transient <key=value>', 'transient data (repeatable)', collectTransient)
      .option('--user <user>', 'who signs', 'User1')
      .option(...json)
      .action(
        run(async (context, chaincode: string, first: string, rest: string[], options: { user: string }) =>
          (await import('./commands/transact.js'))[name](context, chaincode, first, rest, options),
        ),
      )
  }

  command('ps', 'Lists the chaincodes of the daemon.', 'chaincoded ps --json')
    .option(...json)
    .action(run(async (context) => (await import('./commands/ps.js')).ps(context)))

  command('logs', 'Prints the output of a chaincode.', 'chaincoded logs -f basic')
    .argument('<name>', 'name of the chaincode')
    .option('-f, --follow', 'go on with lines to come')
    .option('--tail <lines>', 'begin with the last lines only', positiveInteger)
    .option(...json)
    .action(
      run(async (context, name: string, options: object) =>
        (await import('./commands/logs.js')).logs(context, name, options),
      ),
    )

  for (const [name, verb, description] of [
    ['stop', 'stop', 'Stops a chaincode; the next call starts it again.'],
    ['restart', 'restart', 'Stops a chaincode and starts it again.'],
    ['rm', 'remove', 'Stops a chaincode and forgets it; its state stays on the ledger.'],
  ] as const) {
    command(name, description, `chaincoded ${name} basic`)
      .argument('<name>', 'name of the chaincode')
      .option(...json)
      .action(
        run(async (context, chaincode: string) => (await import('./commands/lifecycle.js'))[verb](context, chaincode)),
      )
  }

  command(
    'package',
    'Makes a chaincode package of the chaincode in DIR.',
    'chaincoded package ./my-chaincode -o basic.tar.gz',
  )
    .argument('<dir>', 'folder of the chaincode; the package keeps the path as it is written here')
    .option('-o, --output <file>', 'package file to write (LABEL.tar.gz)')
    .option('--label <label>', 'label of the package (NAME_1.0)')
    .option('--lang <language>', "node, golang or java (by the folder's files)")
    .option(...json)
    .action(
      run(async (context, dir: string, options: object) =>
        (await import('./commands/package.js')).packageCommand(context, dir, options),
      ),
    )

  for (const [name, argument, description, example] of [
    ['install', '<file>', 'Checks a chaincode package and keeps it.', 'chaincoded install basic.tar.gz'],
    ['uninstall', '<package-id>', 'Removes a package that no chaincode runs from.', 'chaincoded uninstall basic:1.0'],
  ] as const) {
    command(name, description, example)
      .argument(argument)
      .option(...json)
      .action(run(async (context, what: string) => (await import('./commands/packages.js'))[name](context, what)))
  }

  command('packages', 'Lists the packages that are installed.', 'chaincoded packages --json')
    .option(...json)
    .action(run(async (context) => (await import('./commands/packages.js')).packages(context)))

  command('cert', 'Issues what a chaincode that you start by hand proves itself with.', 'chaincoded cert basic')
    .argument('<name>', 'name of the chaincode')
    .option('-o, --output <dir>', 'folder to write it to (tls/NAME in the data folder)')
    .option(...json)
    .action(
      run(async (context, name: string, options: { output?: string }) =>
        (await import('./commands/cert.js')).cert(context, name, options),
      ),
    )

  command('status', 'Tells how the daemon is; exit code 0 only while it serves.', 'chaincoded status --json')
    .option(...json)
    .action(run(async (context) => (await import('./commands/status.js')).status(context)))

  command('version', 'Prints the version of this program.', 'chaincoded version')
    .option(...json)
    .action(run(async (context) => (await import('./commands/version.js')).version(context)))

  return program
}

function contextOf(io: CliIo, { data, verbose = false, json = false }: CommonOptions): Context {
  const isDefault = data === (io.env['CHAINCODED_DATA'] || '.chaincoded')
  return { io, dataDir: resolve(io.cwd, data), dataFlag: isDefault ? '' : ` --data ${data}`, verbose, json }
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It has to be a whole number from 1.')
  return Number(text)
}
