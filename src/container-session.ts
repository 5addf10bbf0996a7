import { createHash } from 'node:crypto'
import type { ContainerCommand, ContainerEvent } from '../machines/index.js'
import { type Capture, captureOutput } from '../services/capture-output.js'
import { attachOutput } from '../services/docker-attach.js'
import { buildImage } from '../services/docker-build.js'
import type { Engine } from '../services/docker-connect.js'
import { type UploadedFile, createContainer, startContainer, uploadFiles } from '../services/docker-container.js'
import { DockerFailure, dockerFailure } from '../services/docker-failure.js'
import { findImage, requireImage } from '../services/docker-find-image.js'
import { hostConfig } from '../services/docker-host-config.js'
import { type BuildPlan, type ContainerLanguage, buildPlan, containerCommand } from '../services/docker-languages.js'
import { containerName, imageName } from '../services/docker-names.js'
import { removeOwnContainers, removeOwnImages } from '../services/docker-remove.js'
import { waitForExit } from '../services/docker-wait.js'
import type { CodeArchive } from '../services/pack-folder.js'
import { writeLog } from '../services/write-log.js'
import type { DockerConfig } from './config/docker-settings.js'
import { messageOf } from './errors.js'

/** What one container is made from. */
export interface ContainerPlan {
  ccid: string
  config: DockerConfig
  /** Tells the daemons of an engine apart. */
  owner: string
  logFile: string
  logLinesKept: number
  /** Where the chaincode has to register. */
  address: string
  environment: Readonly<Record<string, string>>
  /** Program and arguments in the place of Fabric's; empty: Fabric's, or what a given image says. */
  command: readonly string[]
  language: ContainerLanguage | undefined
  /** An image that is run as it is; without it one is built from the code. */
  image: string | undefined
  code: () => Promise<CodeArchive>
  /** TLS material. */
  files: readonly UploadedFile[]
}

/** Time that a container's output and exit have to arrive when it is gone, ms. */
const LAST_WORDS_WAIT_MS = 500

/** One container and its way: carries out the chart's commands one after the other, and tells what became of them. */
export class ContainerSession {
  private readonly abort = new AbortController()
  private engine: Engine | undefined
  private build: { plan: BuildPlan; archive: Buffer; content: string } | undefined
  private containerId = ''
  private capture: Capture | undefined
  private exit: Promise<void> = Promise.resolve()
  private work: Promise<void> = Promise.resolve()
  private isRemoving = false
  private buildLines = 0

  constructor(
    private readonly connect: () => Promise<Engine>,
    private readonly plan: ContainerPlan,
    private readonly notify: (event: ContainerEvent) => void,
  ) {}

  /** Does one step after those that were asked for before; REMOVE ends the step in work. Never throws. */
  send({ type }: ContainerCommand): void {
    if (type === 'REMOVE') {
      if (this.isRemoving) return
      this.isRemoving = true
      this.abort.abort()
      this.work = this.work.then(() => this.remove())
      return
    }
    this.work = this.work.then(async () => {
      if (this.abort.signal.aborted) return
      try {
        await this[type]()
      } catch (error) {
        if (!this.abort.signal.aborted) this.notify({ type: 'STEP_FAILED', ...this.reasonOf(error) })
      }
    })
  }

  /** How many lines the container and its build have written, as far as they are kept. */
  get lines(): number {
    return this.buildLines + (this.capture?.recentLines().length ?? 0)
  }

  private async FIND_IMAGE(): Promise<void> {
    const { config, image } = this.plan
    const engine = (this.engine = await this.connect())
    if (image !== undefined) {
      await requireImage(engine, { image, key: '--image' }, { pull: config.build.pull, signal: this.abort.signal })
      this.notify({ type: 'IMAGE_FOUND' })
      return
    }
    const plan = this.languagePlan()
    const code = await this.plan.code().catch((error: unknown) => {
      throw new DockerFailure('BUILD_FAILED', `the chaincode cannot be packed: ${messageOf(error)}`)
    })
    const content = createHash('sha256').update(JSON.stringify(plan)).update(code.hash).digest('hex')
    this.build = { plan, archive: code.archive, content }
    const found = await findImage(engine, this.imageName)
    this.notify({ type: found?.content === content ? 'IMAGE_FOUND' : 'IMAGE_MISSING' })
  }

  private async BUILD_IMAGE(): Promise<void> {
    const { ccid, config, owner, logFile } = this.plan
    const { plan, archive, content } = this.build!
    const engine = this.engine!
    const log = writeLog(logFile)
    const onLine = (line: string) => {
      this.buildLines += 1
      log.append([line])
    }
    const type = this.plan.language!.toUpperCase()
    const common = { owner, ccid, type, pull: config.build.pull, buildLevel: config.buildLevel }
    const spec = { ...common, plan, content, code: archive, image: this.imageName, hostConfig: hostConfig(config.host) }
    try {
      await buildImage(engine, spec, onLine, this.abort.signal)
    } finally {
      await log.close()
    }
    // What the tag named before has no name now, and nobody else would ever remove it.
    await removeOwnImages(engine, owner, ccid, (await findImage(engine, this.imageName))?.id)
    this.notify({ type: 'IMAGE_BUILT' })
  }

  private async CREATE(): Promise<void> {
    const { ccid, config, owner, environment, image } = this.plan
    const command = this.command()
    this.containerId = await createContainer(this.engine!, {
      name: containerName(ccid, config.names),
      image: image ?? this.imageName,
      ...(command ? { command } : {}),
      env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      hostConfig: hostConfig(config.host),
      owner,
      ccid,
      role: 'chaincode',
    })
    this.notify({ type: 'CREATED' })
  }

  private async UPLOAD(): Promise<void> {
    await uploadFiles(this.engine!, this.containerId, this.plan.files)
    this.notify({ type: 'UPLOADED' })
  }

  private async START(): Promise<void> {
    const { logFile, logLinesKept } = this.plan
    const engine = this.engine!
    this.capture = captureOutput(await attachOutput(engine, this.containerId), logFile, { bufferedLines: logLinesKept })
    const pid = await startContainer(engine, this.containerId)
    this.notify({ type: 'STARTED', pid })
    this.exit = this.reportExit(engine, this.capture)
  }

  /** Tells how the container ended; never rejects. */
  private async reportExit(engine: Engine, capture: Capture): Promise<void> {
    try {
      const { exitCode, isOutOfMemory } = await waitForExit(engine, this.containerId)
      capture.hurry(true)
      await within(LAST_WORDS_WAIT_MS, capture.ended)
      const { lastWords, output } = capture.lastWords()
      const why = isOutOfMemory ? ['the container needed more memory than vm.docker.hostConfig.Memory allows'] : []
      this.notify({ type: 'EXITED', exitCode, lastWords: [...lastWords, ...why], output: [...output, ...why] })
    } catch (error) {
      const { message, hint } = this.reasonOf(error)
      this.notify({ type: 'ENGINE_LOST', message, ...(hint ? { hint } : {}) })
    }
  }

  /** Removes what this chaincode has in the engine, also of a step that broke off. Never rejects. */
  private async remove(): Promise<void> {
    try {
      if (this.engine) await removeOwnContainers(await this.connect(), this.plan.owner, this.plan.ccid)
      await within(LAST_WORDS_WAIT_MS, this.exit)
      await this.capture?.close()
      this.notify({ type: 'REMOVED' })
    } catch (error) {
      this.isRemoving = false
      this.notify({ type: 'REMOVE_FAILED', message: messageOf(error) })
    }
  }

  private get imageName(): string {
    return imageName(this.plan.ccid, this.plan.config.names)
  }

  private languagePlan(): BuildPlan {
    const { language, config } = this.plan
    if (language) return buildPlan(language, config.build, '.', process.env)
    throw new DockerFailure(
      'BUILD_FAILED',
      'the language of the chaincode is not known: there is no go.mod, pom.xml, build.gradle or package.json',
      'say it with --lang node, golang, java or car',
    )
  }

  private command(): readonly string[] | undefined {
    const { command, language, address, image } = this.plan
    if (command.length > 0) return command.map((part) => part.replaceAll('{address}', address))
    return image !== undefined && language === undefined ? undefined : containerCommand(language!, address)
  }

  private reasonOf(error: unknown) {
    const { trouble, message, hint, output } = dockerFailure(
      error,
      this.plan.config.engine.endpoint,
      'run the container',
    )
    return { errno: trouble, message, ...(hint ? { hint } : {}), ...(output.length > 0 ? { lastWords: output } : {}) }
  }
}

/** Resolves with `done`, or after `ms` without it. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([done, new Promise((resolve) => (timer = setTimeout(resolve, ms)))])
  clearTimeout(timer)
}
