import { DockerFailure } from './docker-failure.js'

/** The chaincode languages that a container can be built for; the type of a package, in lower case. */
export type ContainerLanguage = 'golang' | 'node' | 'java' | 'car'

/** Images and switches of a build. Fabric's keys below `chaincode`. */
export interface BuildSettings {
  /** `chaincode.builder` */
  builder: string
  /** `chaincode.pull`: ask the registry for newer base images at each build. */
  pull: boolean
  /** `chaincode.golang.runtime` */
  golangRuntime: string
  /** `chaincode.golang.dynamicLink` */
  golangDynamicLink: boolean
  /** `chaincode.node.runtime` */
  nodeRuntime: string
  /** `chaincode.java.runtime` */
  javaRuntime: string
  /** `chaincode.car.runtime` */
  carRuntime: string
}

/** How a language is built and started in containers, by Fabric's rules. */
export interface BuildPlan {
  /** The image that builds, and the key that names it. */
  builder: { image: string; key: string }
  /** What it runs: for `/bin/sh -c`, from /chaincode/input into /chaincode/output. */
  script: string
  env: string[]
  /** The image that the chaincode is put on, and the key that names it. */
  base: { image: string; key: string }
  /** Where in it what was built goes. */
  target: string
}

const INPUT = '/chaincode/input'
const OUTPUT = '/chaincode/output'

/** Static linking, as the peer does it, needs the external linker. */
const STATIC = `-ldflags "-linkmode external -extldflags '-static'"`

function golangScript(path: string, isDynamic: boolean): string {
  const flags = isDynamic ? '' : STATIC
  const build = (mode: string, what: string) => `go build -v ${mode} ${flags} -o ${OUTPUT}/chaincode ${what}`
  const inModule = (folder: string, what: string) => `
if [ -f ${quote(`${folder}/go.mod`)} ]; then
  cd ${quote(folder)}
  if [ -d vendor ]; then mode=-mod=vendor; else mode=-mod=readonly; fi
  ${build('$mode', quote(what))}
  exit
fi`
  const nested = path === '.' ? '' : inModule(`${INPUT}/src/${path}`, '.')
  return `set -e${inModule(`${INPUT}/src`, path === '.' ? '.' : `./${path}`)}${nested}
export GO111MODULE=off GOPATH=${INPUT}:$GOPATH
${path === '.' ? `cd ${INPUT}/src` : ''}
${build('', quote(path))}
`
}

/** The plan for a language; `path` is that of the package's metadata. `env`: proxies of the daemon's environment. */
export function buildPlan(
  language: ContainerLanguage,
  settings: BuildSettings,
  path = '.',
  env: Readonly<Record<string, string | undefined>> = {},
): BuildPlan {
  const builder = { image: settings.builder, key: 'chaincode.builder' }
  switch (language) {
    case 'golang':
      return {
        builder,
        script: golangScript(path, settings.golangDynamicLink),
        // Without them Go uses its own defaults.
        env: ['GOPROXY', 'GOSUMDB'].flatMap((name) => (env[name] === undefined ? [] : [`${name}=${env[name]}`])),
        base: { image: settings.golangRuntime, key: 'chaincode.golang.runtime' },
        target: '/usr/local/bin',
      }
    case 'car':
      return {
        builder,
        script: `java -jar /usr/local/bin/chaintool buildcar ${INPUT}/codepackage.car -o ${OUTPUT}/chaincode`,
        env: [],
        base: { image: settings.carRuntime, key: 'chaincode.car.runtime' },
        target: '/usr/local/bin',
      }
    case 'node': {
      const image = { image: settings.nodeRuntime, key: 'chaincode.node.runtime' }
      return {
        builder: image,
        script: `set -e
if [ -x /chaincode/build.sh ]; then exec /chaincode/build.sh; fi
cp -R ${INPUT}/src/. ${OUTPUT}
cd ${OUTPUT}
npm install --production
`,
        env: [],
        base: image,
        target: '/usr/local/src',
      }
    }
    case 'java': {
      const image = { image: settings.javaRuntime, key: 'chaincode.java.runtime' }
      return { builder: image, script: './build.sh', env: [], base: image, target: '/root/chaincode-java/chaincode' }
    }
    default:
      throw unknownType(language)
  }
}

/** The command of a chaincode's container, by Fabric's rules. */
export function containerCommand(language: ContainerLanguage, address: string): [string, ...string[]] {
  switch (language) {
    case 'golang':
    case 'car':
      return ['chaincode', `-peer.address=${address}`]
    case 'java':
      return ['/root/chaincode-java/start', '--peerAddress', address]
    case 'node':
      return [
        '/bin/sh',
        '-c',
        `set -e; if [ -x /chaincode/start.sh ]; then exec /chaincode/start.sh --peer.address ${quote(address)}; fi; ` +
          `cd /usr/local/src; exec npm start -- --peer.address ${quote(address)}`,
      ]
    default:
      throw unknownType(language)
  }
}

/** The files that make a container an image of the chaincode: `FROM`, `ADD`, labels, as the peer writes them. */
export function dockerfile(plan: BuildPlan, labels: Readonly<Record<string, string>>, buildLevel: string): string {
  return [
    `FROM ${plan.base.image}`,
    `ADD binpackage.tar ${plan.target}`,
    ...Object.entries(labels).map(([name, value]) => `LABEL ${name}=${JSON.stringify(value).replaceAll('$', '\\$')}`),
    `ENV CORE_CHAINCODE_BUILDLEVEL=${buildLevel}`,
    '',
  ].join('\n')
}

const unknownType = (language: never) => new DockerFailure('REFUSED', `Unknown chaincodeType: ${String(language)}`)

/** A word for the shell. */
const quote = (word: string): string => (/^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
