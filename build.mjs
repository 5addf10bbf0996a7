/**
 * Makes the program in dist/bin out of dist's sources: one file a part, with the packages that it uses, because most of a
 * start is spent on finding and reading files. Native packages stay outside. The library in dist/src is not touched.
 */
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('.', import.meta.url))
const outdir = join(folder, 'dist/bin')

// The first `npx chaincoded` in a clone builds, often while a daemon runs that has not loaded all of its parts yet.
const changedAt = (file) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
const newest = Math.max(...['dist/tsconfig.build.tsbuildinfo', 'package-lock.json', 'build.mjs'].map(changedAt))
if (changedAt('dist/bin/chaincoded.js') > newest) process.exit()

rmSync(outdir, { recursive: true, force: true })

const { metafile } = await build({
  absWorkingDir: folder,
  entryPoints: { chaincoded: 'src/bin.ts' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Native packages, and those in CommonJS that are loaded on demand by name.
  external: ['classic-level', 'pkcs11js', 'dockerode', 'yaml', 'chaincoded'],
  chunkNames: 'part-[hash]',
  // Packages in CommonJS that are bundled ask for Node's own modules in their way.
  banner: {
    js: "import { createRequire as _createRequire } from 'node:module'; const require = _createRequire(import.meta.url);",
  },
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
})
// npm does this when it links the program, which may have been before this build.
chmodSync(join(outdir, 'chaincoded.js'), 0o755)

/** The folder of the package that a bundled file belongs to. */
const packageOf = (file) => {
  for (let at = dirname(file); at.includes('node_modules'); at = dirname(at)) {
    try {
      return JSON.parse(readFileSync(join(folder, at, 'package.json'), 'utf8')).name ? at : undefined
    } catch {
      // Not the package's own folder yet.
    }
  }
  return undefined
}
const packages = new Set(
  Object.keys(metafile.inputs)
    .filter((file) => file.includes('node_modules'))
    .map(packageOf)
    .filter(Boolean),
)
const notices = [...packages].sort().map((at) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, at, 'package.json'), 'utf8'))
  const text = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license'].map((file) => {
    try {
      return readFileSync(join(folder, at, file), 'utf8')
    } catch {
      return undefined
    }
  })
  return `${name} ${version} (${license})\n\n${text.find(Boolean) ?? ''}`
})
writeFileSync(join(outdir, 'THIRD-PARTY.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`))
