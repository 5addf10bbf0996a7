import { readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import * as z from 'zod'
import type { ContainerLanguage } from '../services/docker-languages.js'
import { failure, messageOf } from './errors.js'

/** A chaincode as it was deployed: how its process is started, or where its service is dialled. */
export interface Deployment {
  ccid: string
  name: string
  version: string
  kind: 'process' | 'docker' | 'byHand' | 'service'
  /** Folder of the chaincode, or of its connection.json; empty where there is none. */
  path: string
  /** `host:port` of a service that has no connection.json. */
  address?: string | undefined
  /** Program and arguments; empty where it is started by hand. */
  command: string[]
  /** Image that is run in a container as it is. */
  image?: string | undefined
  /** Language that a container is built and started for, where the files do not tell. */
  language?: ContainerLanguage | undefined
}

/** A chaincode as a channel knows it (Fabric: the committed definition). */
export interface Definition {
  channelId: string
  name: string
  version: string
  sequence: number
  ccid: string
  initRequired: boolean
}

interface Stored {
  deployments: Deployment[]
  definitions: Definition[]
}

const storedSchema: z.ZodType<Stored> = z.object({
  deployments: z.array(
    z.object({
      ccid: z.string(),
      name: z.string(),
      version: z.string(),
      kind: z.enum(['process', 'docker', 'byHand', 'service']),
      path: z.string(),
      address: z.optional(z.string()),
      command: z.array(z.string()),
      image: z.string().optional(),
      language: z.enum(['golang', 'node', 'java', 'car']).optional(),
    }),
  ),
  definitions: z.array(
    z.object({
      channelId: z.string(),
      name: z.string(),
      version: z.string(),
      sequence: z.number(),
      ccid: z.string(),
      initRequired: z.boolean(),
    }),
  ),
})

/** What is deployed and what is defined where; kept in one file, replaced as a whole. */
export class Definitions {
  private readonly deployments = new Map<string, Deployment>()
  private readonly channels = new Map<string, Map<string, Definition>>()
  private saved: Promise<void> = Promise.resolve()

  /** Reads `file`, if there is one. Throws DATA_FILE_UNREADABLE. */
  constructor(private readonly file: string) {
    const stored = this.read()
    for (const deployment of stored.deployments) this.deployments.set(deployment.ccid, deployment)
    for (const definition of stored.definitions) this.put(definition)
  }

  get(channelId: string, name: string): Definition | undefined {
    return this.channels.get(channelId)?.get(name)
  }

  deployment(ccid: string): Deployment | undefined {
    return this.deployments.get(ccid)
  }

  /** Every deployment, in the order of their coming. */
  all(): Deployment[] {
    return [...this.deployments.values()]
  }

  byName(name: string): Deployment | undefined {
    return this.all().find((deployment) => deployment.name === name)
  }

  channelsOf(ccid: string): string[] {
    return [...this.channels].flatMap(([channelId, names]) =>
      [...names.values()].some((definition) => definition.ccid === ccid) ? [channelId] : [],
    )
  }

  /** Adds a deployment, and its definition on a channel, and makes both durable. Rejects with DATA_FILE_UNWRITABLE. */
  async define(deployment: Deployment, definition: Omit<Definition, 'sequence' | 'ccid' | 'name' | 'version'>) {
    const { ccid, name, version } = deployment
    const sequence = (this.get(definition.channelId, name)?.sequence ?? 0) + 1
    this.deployments.set(ccid, deployment)
    this.put({ ...definition, ccid, name, version, sequence })
    await this.save()
  }

  /** Forgets a deployment and every definition of it. Rejects with DATA_FILE_UNWRITABLE. */
  async remove(ccid: string): Promise<void> {
    this.deployments.delete(ccid)
    for (const names of this.channels.values())
      for (const definition of names.values()) if (definition.ccid === ccid) names.delete(definition.name)
    await this.save()
  }

  private put(definition: Definition): void {
    const names = this.channels.get(definition.channelId) ?? new Map<string, Definition>()
    names.set(definition.name, definition)
    this.channels.set(definition.channelId, names)
  }

  private read(): Stored {
    try {
      const stored = storedSchema.safeParse(JSON.parse(readFileSync(this.file, 'utf8')))
      if (stored.success) return stored.data
      const { path = [], message = 'unknown content' } = stored.error.issues[0] ?? {}
      throw new Error([path.join('.'), message].filter(Boolean).join(': '))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { deployments: [], definitions: [] }
      throw failure('DATA_FILE_UNREADABLE', { file: this.file, detail: messageOf(error) }, error)
    }
  }

  private save(): Promise<void> {
    const definitions = [...this.channels.values()].flatMap((names) => [...names.values()])
    const text = JSON.stringify({ deployments: this.all(), definitions } satisfies Stored, undefined, 2)
    const written = this.saved.then(() => this.replace(text))
    this.saved = written.catch(() => undefined)
    return written
  }

  private async replace(text: string): Promise<void> {
    try {
      const next = await open(`${this.file}.new`, 'w', 0o600)
      try {
        await next.writeFile(text)
        // Without it a power failure could leave the new name with nothing behind it.
        await next.sync()
      } finally {
        await next.close()
      }
      await rename(`${this.file}.new`, this.file)
    } catch (error) {
      throw failure('DATA_FILE_UNWRITABLE', { file: this.file, detail: messageOf(error) }, error)
    }
  }
}
