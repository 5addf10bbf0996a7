import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { ChannelHeader, Envelope, HeaderType, Payload } from '../../proto/gen/common/common.js'
import { ChaincodeDeploymentSpec, ChaincodeSpec_Type } from '../../proto/gen/peer/chaincode.js'
import { SignedChaincodeDeploymentSpec } from '../../proto/gen/peer/signed-deployment.js'

/** An entry of an archive of a test: a file with this content unless `type` says otherwise. */
export interface TestEntry extends Partial<Pick<Header, 'type' | 'mode' | 'linkname' | 'pax'>> {
  name: string
  content?: string | Buffer
}

/** A tar archive, made by tar-stream and not by the code under test. */
export async function tarOf(entries: readonly TestEntry[]): Promise<Buffer> {
  const archive = pack()
  for (const { content = '', ...header } of entries) archive.entry(header, content)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A gzipped tar archive. */
export const tarGzOf = async (entries: readonly TestEntry[]): Promise<Buffer> => gzipSync(await tarOf(entries))

/** Code of a Node chaincode that does nothing. */
export const codeEntries: TestEntry[] = [
  { name: 'src/package.json', content: '{"name":"sample"}' },
  { name: 'src/index.js', content: '// nothing\n' },
]

/** The file of a package of Fabric 2.0 and later. */
export async function lifecyclePackage({
  metadata = JSON.stringify({ path: 'sample', type: 'node', label: 'sample_1.0' }),
  code = codeEntries,
}: { metadata?: string; code?: readonly TestEntry[] } = {}): Promise<Buffer> {
  return tarGzOf([
    { name: 'metadata.json', content: metadata },
    { name: 'code.tar.gz', content: await tarGzOf(code) },
  ])
}

/** A package of Fabric 1.x. */
export async function deploymentSpec({
  name = 'sample',
  version = '1.0',
  type = ChaincodeSpec_Type.NODE as ChaincodeSpec_Type,
  code = codeEntries,
}: { name?: string; version?: string; type?: ChaincodeSpec_Type; code?: readonly TestEntry[] } = {}): Promise<Buffer> {
  const spec = ChaincodeDeploymentSpec.fromPartial({
    chaincodeSpec: { type, chaincodeId: { name, version, path: 'some/path' } },
    codePackage: code.length > 0 ? await tarGzOf(code) : Buffer.alloc(0),
  })
  return Buffer.from(ChaincodeDeploymentSpec.encode(spec).finish())
}

/** A package of Fabric 1.x that its owners sign. */
export function signedSpec(spec: Buffer, type = HeaderType.CHAINCODE_PACKAGE): Buffer {
  const data = SignedChaincodeDeploymentSpec.encode(
    SignedChaincodeDeploymentSpec.fromPartial({
      chaincodeDeploymentSpec: spec,
      instantiationPolicy: Buffer.from('policy'),
      ownerEndorsements: [{ endorser: Buffer.from('owner'), signature: Buffer.from('signature') }],
    }),
  ).finish()
  const channelHeader = Buffer.from(ChannelHeader.encode(ChannelHeader.fromPartial({ type })).finish())
  const payload = Payload.encode(Payload.fromPartial({ header: { channelHeader }, data: Buffer.from(data) })).finish()
  return Buffer.from(Envelope.encode(Envelope.fromPartial({ payload: Buffer.from(payload) })).finish())
}

/** Folders of the tests of one file. */
export class TestFolders {
  readonly #folders: string[] = []

  /** A new folder with these files; a path that ends with a slash is a folder. */
  make(files: Readonly<Record<string, string | Buffer>> = {}): string {
    const folder = mkdtempSync(join(tmpdir(), 'chaincoded-test-'))
    this.#folders.push(folder)
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    return folder
  }

  /** Removes all of them. */
  removeAll(): void {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  }
}
