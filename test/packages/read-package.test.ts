import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { ChaincodeSpec_Type } from '../../proto/gen/peer/chaincode.js'
import { HeaderType } from '../../proto/gen/common/common.js'
import { isFailure } from '../../src/errors.js'
import { defaultPackageLimits } from '../../src/packages/limits.js'
import { sha256Hex } from '../../src/packages/package-id.js'
import { readPackage } from '../../src/packages/read-package.js'
import { codeEntries, deploymentSpec, lifecyclePackage, signedSpec, tarGzOf, tarOf } from './archives.js'

const read = (file: Buffer, limits = defaultPackageLimits) => readPackage(file, limits)

const failureOf = async (file: Buffer, limits = defaultPackageLimits) => {
  try {
    await readPackage(file, limits)
  } catch (error) {
    if (isFailure(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

const metadata = { name: 'metadata.json', content: '{"path":"p","type":"node","label":"l"}' }
const code = async () => ({ name: 'code.tar.gz', content: await tarGzOf(codeEntries) })

describe('readPackage', () => {
  describe('of a package of Fabric 2.0 and later', () => {
    it('gives its id, its metadata and the size of its code', async () => {
      const file = await lifecyclePackage()
      const { metadataBytes, code, ...facts } = await read(file)
      expect(facts).to.deep.equal({
        format: 'lifecycle',
        packageId: `sample_1.0:${sha256Hex(file)}`,
        hash: sha256Hex(file),
        label: 'sample_1.0',
        type: 'node',
        path: 'sample',
        files: 2,
        codeBytes: 28,
      })
      expect(metadataBytes.toString()).to.equal('{"path":"sample","type":"node","label":"sample_1.0"}')
      expect(code.equals(await tarGzOf(codeEntries))).to.equal(true)
    })

    it('gives the same content another id when it is compressed anew', async () => {
      const tar = await tarOf([metadata, await code()])
      const [fast, best] = await Promise.all([1, 9].map((level) => read(gzipSync(tar, { level }))))
      expect(fast!.packageId).not.to.equal(best!.packageId)
    })

    it('lets other files lie beside the two, and either come first', async () => {
      const file = await tarGzOf([{ name: 'README', content: 'x' }, await code(), metadata])
      expect(await read(file)).to.include({ label: 'l', files: 2 })
    })

    it('reads archives of the oldest form, which carry no name of their format', async () => {
      const tar = await tarOf([metadata, await code()])
      for (let at = 0; at < tar.length; at += 512) {
        if (tar.toString('latin1', at + 257, at + 262) !== 'ustar') continue
        tar.fill(0, at + 257, at + 265)
        tar.fill(' ', at + 148, at + 156)
        const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
        tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
      }
      expect(await read(gzipSync(tar))).to.include({ label: 'l' })
    })

    const bad: [string, () => Promise<Buffer> | Buffer, string, string][] = [
      ['an empty file', () => Buffer.alloc(0), 'PACKAGE_NOT_GZIP', 'error reading as gzip stream: EOF'],
      [
        'a file of another kind',
        () => Buffer.from('PK\x03\x04 not a package'),
        'PACKAGE_NOT_GZIP',
        'error reading as gzip stream: gzip: invalid header',
      ],
      [
        'a package that ends too early',
        async () => (await lifecyclePackage()).subarray(0, 200),
        'PACKAGE_ARCHIVE_DAMAGED',
        'error inspecting next tar header: unexpected end of file',
      ],
      [
        'a package with a byte changed',
        async () => {
          const file = await lifecyclePackage()
          file[file.length - 6]! ^= 1
          return file
        },
        'PACKAGE_ARCHIVE_DAMAGED',
        'error inspecting next tar header: incorrect data check',
      ],
      [
        'something gzipped that is no archive',
        () => gzipSync('x'.repeat(2000)),
        'PACKAGE_ARCHIVE_DAMAGED',
        'error inspecting next tar header: Invalid tar header. Maybe the tar is corrupted or it needs to be gunzipped?',
      ],
      [
        'an archive that breaks off',
        async () => gzipSync((await tarOf([metadata, await code()])).subarray(0, 700)),
        'PACKAGE_ARCHIVE_DAMAGED',
        'error inspecting next tar header: Unexpected end of data',
      ],
      [
        'a package without code',
        () => tarGzOf([metadata]),
        'PACKAGE_CODE_MISSING',
        'did not find a code package inside the package',
      ],
      ['an empty archive', () => tarGzOf([]), 'PACKAGE_CODE_MISSING', 'did not find a code package inside the package'],
      [
        'a package without metadata',
        async () => tarGzOf([await code()]),
        'PACKAGE_METADATA_MISSING',
        'did not find any package metadata (missing metadata.json)',
      ],
      [
        'a package with a folder in it',
        async () => tarGzOf([{ name: 'dir/', type: 'directory' }, metadata, await code()]),
        'PACKAGE_ENTRY_IRREGULAR',
        'tar entry dir/ is not a regular file, type 53',
      ],
      [
        'metadata that is a link',
        async () => tarGzOf([{ name: 'metadata.json', type: 'symlink', linkname: '/etc/passwd' }, await code()]),
        'PACKAGE_ENTRY_IRREGULAR',
        'tar entry metadata.json is not a regular file, type 50',
      ],
      [
        'metadata that is no object of texts',
        () => lifecyclePackage({ metadata: '{"label":1}' }),
        'PACKAGE_METADATA_UNREADABLE',
        'could not unmarshal metadata.json as json: path, type and label have to be texts',
      ],
      [
        'metadata without a label',
        () => lifecyclePackage({ metadata: 'null' }),
        'PACKAGE_LABEL_ILLEGAL',
        "invalid label ''. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics",
      ],
      [
        'a label that leads out of the store',
        () => lifecyclePackage({ metadata: '{"label":"../../x","type":"node","path":""}' }),
        'PACKAGE_LABEL_ILLEGAL',
        "invalid label '../../x'. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics",
      ],
      [
        'code that is no gzip file',
        () => tarGzOf([metadata, { name: 'code.tar.gz', content: 'code' }]),
        'PACKAGE_NOT_GZIP',
        'error retrieving DB artifacts from code package: error reading as gzip stream: gzip: invalid header',
      ],
      [
        'code that is damaged',
        async () => tarGzOf([metadata, { ...(await code()), content: (await code()).content.subarray(0, 60) }]),
        'PACKAGE_ARCHIVE_DAMAGED',
        'error retrieving DB artifacts from code package: error inspecting next tar header: unexpected end of file',
      ],
      [
        'code with an absolute path',
        () => lifecyclePackage({ code: [{ name: '/etc/passwd', content: 'x' }] }),
        'PACKAGE_PATH_ESCAPES',
        "tar contains the absolute or escaping path '/etc/passwd'",
      ],
      [
        'code with a path that leads out',
        () => lifecyclePackage({ code: [{ name: 'src/../../x', content: 'x' }] }),
        'PACKAGE_PATH_ESCAPES',
        "tar contains the absolute or escaping path 'src/../../x'",
      ],
      [
        'code with a path that leads out only in its extended name',
        () => lifecyclePackage({ code: [{ name: 'src/x', pax: { path: '../x' }, content: 'x' }] }),
        'PACKAGE_PATH_ESCAPES',
        "tar contains the absolute or escaping path '../x'",
      ],
      [
        'code with a symbolic link',
        () => lifecyclePackage({ code: [...codeEntries, { name: 'src/l', type: 'symlink', linkname: '/' }] }),
        'PACKAGE_FILE_IRREGULAR',
        "invalid file type '50' contained in archive for file 'src/l'",
      ],
      [
        'code with a hard link',
        () => lifecyclePackage({ code: [{ name: 'src/l', type: 'link', linkname: '/etc/passwd' }] }),
        'PACKAGE_FILE_IRREGULAR',
        "invalid file type '49' contained in archive for file 'src/l'",
      ],
      [
        'code with a device',
        () => lifecyclePackage({ code: [{ name: 'src/d', type: 'character-device' }] }),
        'PACKAGE_FILE_IRREGULAR',
        "invalid file type '51' contained in archive for file 'src/d'",
      ],
      [
        'code with a pipe',
        () => lifecyclePackage({ code: [{ name: 'src/p', type: 'fifo' }] }),
        'PACKAGE_FILE_IRREGULAR',
        "invalid file type '54' contained in archive for file 'src/p'",
      ],
    ]
    for (const [what, make, codeOfError, text] of bad) {
      it(`refuses ${what}`, async () => {
        const error = await failureOf(await make())
        expect([error.code, error.message]).to.deep.equal([codeOfError, text])
      })
    }
  })

  describe('with limits', () => {
    it('refuses a file that is too large before it looks at it', async () => {
      const error = await failureOf(Buffer.alloc(1001), { ...defaultPackageLimits, fileBytes: 1000 })
      expect(error.message).to.equal('the package has more than 1000 bytes (chaincoded.limits.packageBytes)')
    })

    it('refuses too many files, in the package and in its code', async () => {
      const limits = { ...defaultPackageLimits, files: 3 }
      const many = ['a', 'b', 'c', 'd'].map((name) => ({ name: `src/${name}`, content: 'x' }))
      for (const file of [await tarGzOf(many), await lifecyclePackage({ code: many })])
        expect((await failureOf(file, limits)).message).to.equal(
          'the package holds more than 3 files (chaincoded.limits.packageFiles)',
        )
    })

    it('stops unpacking a compression bomb at the limit, in the package and in its code', async () => {
      const limits = { ...defaultPackageLimits, unpackedBytes: 5_000_000 }
      const bomb = [{ name: 'src/zeros', content: Buffer.alloc(40_000_000) }]
      for (const file of [await tarGzOf(bomb), await lifecyclePackage({ code: bomb })]) {
        expect(file.length).to.be.lessThan(100_000)
        expect((await failureOf(file, limits)).message).to.equal(
          'the package unpacks to more than 5000000 bytes (chaincoded.limits.packageUnpackedBytes)',
        )
      }
    })

    it('does not believe an entry that claims to be larger than the archive', async () => {
      const tar = await tarOf([{ name: 'metadata.json', content: 'x' }])
      tar.write('77777777777\0', 124)
      tar.fill(' ', 148, 156)
      const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0)
      tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
      expect((await failureOf(gzipSync(tar))).code).to.equal('PACKAGE_ARCHIVE_DAMAGED')
    })

    it('refuses an extended header that would fill the memory', async () => {
      const tar = await tarOf([{ name: 'src/x', pax: { comment: 'y'.repeat(5_000_000) }, content: 'x' }])
      const error = await failureOf(gzipSync(tar))
      expect(error.message).to.equal('error inspecting next tar header: Header exceeds max size')
    })
  })

  describe('of a package of Fabric 1.x', () => {
    it('gives the name and version as its id, and the metadata that a peer gives external builders', async () => {
      const file = await deploymentSpec({ name: 'old', version: 'v1.2' })
      const { metadataBytes, code, ...facts } = await read(file)
      expect(facts).to.deep.equal({
        format: 'legacy',
        packageId: 'old:v1.2',
        hash: sha256Hex(file),
        label: 'old',
        type: 'NODE',
        path: 'some/path',
        files: 2,
        codeBytes: 28,
      })
      expect(metadataBytes.toString()).to.equal('{"type":"NODE","path":"some/path","label":"old"}')
      expect(code.equals(await tarGzOf(codeEntries))).to.equal(true)
    })

    it('reads one that its owners signed', async () => {
      const file = signedSpec(await deploymentSpec({ type: ChaincodeSpec_Type.GOLANG }))
      expect(await read(file)).to.include({ format: 'legacySigned', packageId: 'sample:1.0', type: 'GOLANG', files: 2 })
    })

    const bad: [string, () => Promise<Buffer> | Buffer, string, string][] = [
      [
        'a name that leads out of the store',
        () => deploymentSpec({ name: '../x' }),
        'CHAINCODE_NAME_ILLEGAL',
        '"../x" is no chaincode name: it has to match [a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*',
      ],
      [
        'a version that leads out of the store',
        () => deploymentSpec({ version: '/x' }),
        'CHAINCODE_VERSION_ILLEGAL',
        '"/x" is no chaincode version: it has to match [A-Za-z0-9_.+-]+',
      ],
      [
        'one without code',
        () => deploymentSpec({ code: [] }),
        'PACKAGE_SPEC_INVALID',
        'invalid deployment spec : it holds no code',
      ],
      [
        'code with a link',
        () => deploymentSpec({ code: [{ name: 'src/l', type: 'symlink', linkname: '..' }] }),
        'PACKAGE_FILE_IRREGULAR',
        "invalid file type '50' contained in archive for file 'src/l'",
      ],
      [
        'a signed one that signs nothing of the kind',
        () => signedSpec(Buffer.from([0xff, 0xff])),
        'PACKAGE_SPEC_INVALID',
        'invalid deployment spec : what is signed is no ChaincodeDeploymentSpec',
      ],
      [
        'a signed one that names no chaincode',
        () => signedSpec(Buffer.alloc(0)),
        'PACKAGE_SPEC_INVALID',
        'invalid deployment spec : what is signed is no ChaincodeDeploymentSpec',
      ],
      [
        'an envelope of another kind',
        async () => signedSpec(await deploymentSpec(), HeaderType.ENDORSER_TRANSACTION),
        'PACKAGE_NOT_GZIP',
        'error reading as gzip stream: gzip: invalid header',
      ],
      [
        'one with something behind its end',
        async () => Buffer.concat([await deploymentSpec(), Buffer.alloc(2)]),
        'PACKAGE_NOT_GZIP',
        'error reading as gzip stream: gzip: invalid header',
      ],
      [
        'one that breaks off',
        async () => (await deploymentSpec()).subarray(0, 60),
        'PACKAGE_NOT_GZIP',
        'error reading as gzip stream: gzip: invalid header',
      ],
    ]
    for (const [what, make, codeOfError, text] of bad) {
      it(`refuses ${what}`, async () => {
        const error = await failureOf(await make())
        expect([error.code, error.message]).to.deep.equal([codeOfError, text])
      })
    }
  })
})
