#!/usr/bin/env node
import { runCli } from './cli.js'
import { processIo } from './cli/io.js'

// A reader that goes away (`chaincoded logs x | head`) ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const exitCode = await runCli(process.argv.slice(2), processIo())
// Output to a pipe may still be on its way; nothing else is worth waiting for.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))
