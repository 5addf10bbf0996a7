import { readdirSync, statSync } from 'node:fs'
import type { ContainerLanguage } from './docker-languages.js'

/** Files that tell the language of a chaincode's folder, most telling first. */
const telling: readonly { language: ContainerLanguage; has: (name: string) => boolean }[] = [
  { language: 'golang', has: (name) => name === 'go.mod' },
  { language: 'java', has: (name) => ['pom.xml', 'build.gradle', 'build.gradle.kts'].includes(name) },
  { language: 'node', has: (name) => name === 'package.json' },
  { language: 'golang', has: (name) => name.endsWith('.go') },
]

/** The language of the chaincode in `path`, from its files alone; undefined where they do not tell. Throws as `fs` does. */
export function detectContainerLanguage(path: string): ContainerLanguage | undefined {
  if (!statSync(path).isDirectory()) return path.endsWith('.car') ? 'car' : undefined
  const names = readdirSync(path)
  return telling.find(({ has }) => names.some(has))?.language
}
