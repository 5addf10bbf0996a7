import type { DeployRequest } from './control/types.js'
import type { Deployment } from './definitions.js'
import { failure } from './errors.js'

/** The runtime that a request asks for. Throws ARGUMENTS_INVALID. */
export function runtimeOf({ runtime = '', image = '' }: DeployRequest): 'process' | 'docker' {
  if (runtime === 'docker' || (runtime === '' && image !== '')) return 'docker'
  if (runtime !== '' && runtime !== 'process')
    throw failure('ARGUMENTS_INVALID', { detail: `there is no runtime "${runtime}"`, hint: 'it is process or docker' })
  if (image !== '') throw failure('ARGUMENTS_INVALID', { detail: 'an image runs in a container: --runtime docker' })
  return 'process'
}

/** The language that a request names. Throws ARGUMENTS_INVALID. */
export function containerLanguage(language: string): NonNullable<Deployment['language']> {
  const known = ['node', 'golang', 'java', 'car'] as const
  const found = known.find((name) => name === language)
  if (found) return found
  const detail = `containers cannot be built for the language "${language}"`
  throw failure('ARGUMENTS_INVALID', { detail, hint: `it is ${known.join(', ')}` })
}
