import { CommanderError } from 'commander'
import { tell, type CliIo } from './cli/io.js'
import { createProgram } from './cli/program.js'
import { errorText, exitCodeOf, exitCodes } from './cli/report-error.js'

export type { CliIo, Output } from './cli/io.js'

/**
 * Runs the command line `argv` (without the program's name) and resolves to its exit code: 0 done, 1 the transaction
 * or operation failed, 2 wrong use, 3 no daemon. Results go to `io.stdout`, everything else to `io.stderr`.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = exitCodes.done
  let isVerbose = false
  const program = createProgram(io, async (work, verbose) => {
    isVerbose = verbose
    exitCode = await work
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse
    tell(io, errorText(error, isVerbose))
    return exitCodeOf(error)
  }
}
