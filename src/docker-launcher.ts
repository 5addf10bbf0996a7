import type { ContainerCommand, ContainerEvent } from '../machines/index.js'
import { detectContainerLanguage } from '../services/detect-container-language.js'
import { type Engine, connectEngine } from '../services/docker-connect.js'
import type { UploadedFile } from '../services/docker-container.js'
import type { ContainerLanguage } from '../services/docker-languages.js'
import { removeOwnContainers, removeOwnImages } from '../services/docker-remove.js'
import { type CodeArchive, packFile, packFolder, readArchive } from '../services/pack-folder.js'
import type { DockerConfig } from './config/docker-settings.js'
import { ContainerSession } from './container-session.js'

/** What is known of a chaincode that runs in a container. */
export interface ContainerDeployment {
  /** Folder, `.car` file or code archive (`.tar.gz`); empty where the image is given. */
  path: string
  command: readonly string[]
  language?: ContainerLanguage | undefined
  image?: string | undefined
}

/** What a Docker launcher works with. */
export interface DockerLauncherOptions {
  config: DockerConfig
  /** Tells the daemons of an engine apart: what bears it is this daemon's, or was its predecessor's. */
  owner: string
  logFileOf: (ccid: string) => string
  logLinesKept: number
  /** `host:port` that chaincodes are told. */
  address: () => string
  environment: (ccid: string) => Readonly<Record<string, string>>
  /** Files that a container gets before it starts: TLS material. */
  files: (ccid: string) => readonly UploadedFile[]
  deployment: (ccid: string) => ContainerDeployment | undefined
}

/** Makes the containers of chaincodes, and removes what a daemon of this data folder has left. */
export class DockerLauncher {
  private readonly sessions = new Map<string, ContainerSession>()

  constructor(private readonly options: DockerLauncherOptions) {}

  /** The container service of one launch: takes the chart's commands, and tells what became of them. */
  start(ccid: string, notify: (event: ContainerEvent) => void): { send(command: ContainerCommand): void } {
    const { options } = this
    const { path = '', command = [], image, language } = options.deployment(ccid) ?? {}
    const session = new ContainerSession(
      () => this.connect(),
      {
        ccid,
        config: options.config,
        owner: options.owner,
        logFile: options.logFileOf(ccid),
        logLinesKept: options.logLinesKept,
        address: options.address(),
        environment: options.environment(ccid),
        command,
        language: language ?? languageOf(path),
        image,
        code: () => codeOf(path),
        files: options.files(ccid),
      },
      notify,
    )
    this.sessions.set(ccid, session)
    return session
  }

  /** How many lines the last container of a chaincode has written, as far as they are kept. */
  linesOf(ccid: string): number {
    return this.sessions.get(ccid)?.lines ?? 0
  }

  /** Forgets a chaincode: its containers and the image that was built for it go. Rejects with a DockerFailure. */
  async remove(ccid: string): Promise<void> {
    this.sessions.delete(ccid)
    const engine = await this.connect()
    await removeOwnContainers(engine, this.options.owner, ccid)
    await removeOwnImages(engine, this.options.owner, ccid)
  }

  /** Removes every container of this data folder, whichever daemon made it; resolves with their names. */
  async removeAll(): Promise<string[]> {
    return removeOwnContainers(await this.connect(), this.options.owner)
  }

  private connect(): Promise<Engine> {
    return connectEngine(this.options.config.engine)
  }
}

function languageOf(path: string): ContainerLanguage | undefined {
  try {
    return path === '' ? undefined : detectContainerLanguage(path)
  } catch {
    // Packing the folder tells what is wrong with it.
    return undefined
  }
}

function codeOf(path: string): Promise<CodeArchive> {
  if (path.endsWith('.car')) return packFile(path, 'codepackage.car')
  return path.endsWith('.tar.gz') ? readArchive(path) : packFolder(path)
}
