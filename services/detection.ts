import type { BuildPlan } from './plan-build.js'

/** How a chaincode is to be started. */
export interface DetectedChaincode {
  ok: true
  /** `command`: the user said how. */
  language: 'node' | 'go' | 'java' | 'executable' | 'command'
  /**
   * Program and arguments, with the address of the chaincode listener where the shim of the language reads it; where
   * there is a build with a result of its own, `{output}` stands for the folder of that.
   */
  command: [string, ...string[]]
  /** The folder to start it in. */
  cwd: string
  /** A few words for people: what was found, and how it is started. */
  describe: string
  /** What has to be done before it can be started. */
  build?: BuildPlan
}

/** Why a folder cannot be run as a chaincode. */
export interface UndetectedChaincode {
  ok: false
  kind:
    | 'NO_FOLDER'
    | 'UNREADABLE'
    | 'BAD_COMMAND'
    | 'BAD_PACKAGE'
    | 'NOT_INSTALLED'
    | 'NOT_BUILT'
    | 'NOT_EXECUTABLE'
    | 'AMBIGUOUS'
    | 'GO_SOURCE'
    | 'JAVA_SOURCE'
    | 'NOT_FOUND'
  /** One sentence that names the path. */
  message: string
  /** What to do about it. */
  hint: string
}

/** Either how to start a chaincode, or why not. */
export type Detection = DetectedChaincode | UndetectedChaincode

/** Makes the reason why a chaincode cannot be run. */
export const undetected = (kind: UndetectedChaincode['kind'], message: string, hint: string): UndetectedChaincode => ({
  ok: false,
  kind,
  message,
  hint,
})

/** The way out that is always there, as the end of a hint. */
export const OR_COMMAND = 'or say how to start it with --command'
