/** What kind of trouble there is with a container engine. */
export type DockerTrouble =
  | 'NO_ENDPOINT'
  | 'NO_ENGINE'
  | 'NO_PERMISSION'
  | 'API_VERSION'
  | 'TLS_MATERIAL'
  | 'NO_IMAGE'
  | 'BAD_NAME'
  | 'NAME_TAKEN'
  | 'BUILD_FAILED'
  | 'NO_SPACE'
  | 'ENGINE_LOST'
  | 'REFUSED'

/** A step with containers that did not work: one clear line, what to do about it, and what the failing step printed. */
export class DockerFailure extends Error {
  override readonly name = 'DockerFailure'

  constructor(
    readonly trouble: DockerTrouble,
    message: string,
    /** What to do about it, one sentence; absent where the message says all that is known. */
    readonly hint?: string,
    /** The last lines that the failing step printed, oldest first. */
    readonly output: readonly string[] = [],
  ) {
    super(message)
  }
}

/** What dockerode throws: an answer of the engine with its status, or an error of the connection. */
interface EngineError extends Error {
  statusCode?: number
  json?: { message?: string }
  code?: string
}

const UNREACHABLE = ['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']
const BROKEN = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']

/** The engine's own text, without the frame that dockerode puts around it. */
export function engineText(error: unknown): string {
  const { json, message = '' } = error as EngineError
  return (json?.message ?? message.replace(/^\(HTTP code \d+\) [a-z ,]+ - /i, '')).trim()
}

/** Status of the engine's answer; undefined where there was none. */
export const statusOf = (error: unknown): number | undefined => (error as EngineError).statusCode

/** Finds out what an error of dockerode is about; `step` says what was being done (`create the container x`). */
export function dockerFailure(error: unknown, endpoint: string, step: string): DockerFailure {
  if (error instanceof DockerFailure) return error
  const { code = '' } = error as EngineError
  const text = engineText(error)
  if (/no space left on device/i.test(text))
    return new DockerFailure(
      'NO_SPACE',
      `cannot ${step}: the disk of the container engine is full: ${text}`,
      'make room, for example with: docker system prune',
    )
  if (statusOf(error) !== undefined) return new DockerFailure('REFUSED', `cannot ${step}: ${text}`, hintFor(text))
  if (code === 'EACCES' || code === 'EPERM')
    return new DockerFailure(
      'NO_PERMISSION',
      `cannot ${step}: this user may not use the container engine at ${endpoint} (${code})`,
      'add the user to the group that owns the socket (sudo usermod -aG docker $USER, then log in again)',
    )
  if (UNREACHABLE.includes(code))
    return new DockerFailure(
      'NO_ENGINE',
      `cannot ${step}: no container engine answers at ${endpoint} (${code})`,
      'start it (sudo systemctl start docker), set vm.endpoint to where it listens, or leave out --runtime docker',
    )
  if (/certificate|SSL|TLS|self.signed/i.test(`${code} ${text}`))
    return new DockerFailure(
      'TLS_MATERIAL',
      `cannot ${step}: no TLS connection to the container engine at ${endpoint}: ${text}`,
      'check vm.docker.tls.ca.file, vm.docker.tls.cert.file and vm.docker.tls.key.file',
    )
  if (BROKEN.includes(code) || /socket hang up|aborted/.test(text))
    return new DockerFailure(
      'ENGINE_LOST',
      `cannot ${step}: the container engine at ${endpoint} broke off the connection`,
      'see whether it was restarted (docker info); the next call starts the chaincode again',
    )
  return new DockerFailure('REFUSED', `cannot ${step}: ${text}`)
}

/** What to do about the engine's commoner refusals. */
function hintFor(text: string): string | undefined {
  if (/executable file not found|no such file or directory/i.test(text) && /exec|runc|OCI/i.test(text))
    return 'the image has no such program: choose another image, or say how the chaincode is started with --command'
  if (/client version .* is too (old|new)/i.test(text)) return 'use another version of the container engine'
  if (/network .* not found/i.test(text)) return 'set vm.docker.hostConfig.NetworkMode to a network that exists'
  if (/invalid|cpuset|memory|capabilit|security/i.test(text))
    return 'look at the settings below vm.docker.hostConfig: the engine takes them as they are'
  return undefined
}
