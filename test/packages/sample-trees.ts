import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { letters } from './letters.js'
import type { TestFolders } from './archives.js'

const index = '{"index":{"fields":["owner",{"size":"asc"}]},"ddoc":"d","name":"n","type":"json"}'
const long = (letter: string, length: number): string => letter.repeat(length)

/** A tree of files, what it is packaged with, and the id that the peer CLI of Fabric 3 (main, Go 1.26) gave it. */
export interface SampleTree {
  what: string
  files: Record<string, string | Buffer>
  /** Symbolic links, by what they lead to. */
  links?: Record<string, string>
  type: string
  label: string
  /** The chaincode in the tree. */
  folder: string
  /** What the peer CLI was given as --path, in the folder that the tree lies in. */
  path: string
  peerId: string
  /** The names in the archive of the code. */
  names: string[]
}

export const sampleTrees: SampleTree[] = [
  {
    what: 'a Node chaincode with what does not belong into a package',
    type: 'node',
    label: 'basic_1.0',
    folder: 'cc',
    path: 'cc',
    files: {
      'cc/package.json': '{"name":"basic"}',
      'cc/index.js': letters(40, 150_000),
      'cc/lib/contract.js': '// contract\n',
      'cc/lib-old.js': '// sorts before lib/\n',
      'cc/.npmrc': 'x=y\n',
      'cc/empty': '',
      'cc/node_modules/a/index.js': 'not packaged',
      'cc/lib/node_modules/b/index.js': 'not packaged',
      'cc/.git/config': 'not packaged',
      'cc/META-INF/statedb/couchdb/indexes/owner.json': index,
      'cc/META-INF/.DS_Store': 'not packaged',
    },
    links: { 'cc/link.js': 'lib/contract.js' },
    peerId: 'basic_1.0:51d6b1092b3b44adfc0f29d061de6703492c9d9c3016731e05126cb02d770121',
    names: [
      'src/.npmrc',
      'META-INF/statedb/couchdb/indexes/owner.json',
      'src/empty',
      'src/index.js',
      'src/lib/contract.js',
      'src/lib-old.js',
      'src/link.js',
      'src/package.json',
    ],
  },
  {
    what: 'names that the oldest form of archives cannot hold',
    type: 'NODE',
    label: 'names+1',
    folder: 'a<b>&c',
    path: './a<b>&c/',
    files: {
      'a<b>&c/package.json': '{}',
      'a<b>&c/ünï/ß.txt': 'not ASCII',
      'a<b>&c/😀.txt': 'sorts behind the next one, by its bytes',
      'a<b>&c/ￜ.txt': 'sorts before',
      [`a<b>&c/${long('p', 90)}/${long('q', 90)}/f.txt`]: 'fits when it is split',
      [`a<b>&c/${long('r', 90)}/${long('s', 90)}/${long('t', 90)}/f.txt`]: 'does not fit',
      [`a<b>&c/${long('L', 130)}.txt`]: 'cannot be split',
      [`a<b>&c/${long('k', 95)}/xü`]: 'a name that is cut behind a slash',
    },
    peerId: 'names+1:8d6be4c5318e3eb84b61b217d291fb696b0ae93e4937f2b93f33a87ab296f767',
    names: [
      `src/${long('L', 130)}.txt`,
      `src/${long('k', 95)}/xü`,
      'src/package.json',
      `src/${long('p', 90)}/${long('q', 90)}/f.txt`,
      `src/${long('r', 90)}/${long('s', 90)}/${long('t', 90)}/f.txt`,
      'src/ünï/ß.txt',
      'src/ￜ.txt',
      'src/😀.txt',
    ],
  },
  {
    what: 'a Java chaincode with build output',
    type: 'java',
    label: 'java_1',
    folder: 'cc',
    path: 'cc',
    files: {
      'cc/build.gradle': '// gradle\n',
      'cc/src/main/java/Contract.java': 'class Contract {}\n',
      'cc/src/main/java/Contract.class': 'not packaged',
      'cc/build/libs/chaincode.jar': 'not packaged',
      'cc/target/x': 'not packaged',
      'cc/out/x': 'not packaged',
    },
    peerId: 'java_1:7832fcf5d316d2831a8494ffed5fe0248f61fce722527205533a10e1b183ae85',
    names: ['src/build.gradle', 'src/src/main/java/Contract.java'],
  },
  {
    what: 'a Go module with vendored packages',
    type: 'golang',
    label: 'go_1',
    folder: 'cc',
    path: 'cc',
    files: {
      'cc/go.mod': 'module example.com/basic\n\ngo 1.21\n',
      'cc/main.go': 'package main\n\nfunc main() {}\n',
      'cc/.golangci.yml': 'a hidden file is packaged\n',
      'cc/.git/config': 'a hidden folder is not',
      'cc/vendor/modules.txt': '',
      'cc/META-INF/statedb/couchdb/collections/private/indexes/i.json': index,
    },
    peerId: 'go_1:b827f4289b4d6f970e0676102514f2b22ab36846bf48345b70c5ec4cd264a561',
    names: [
      'META-INF/',
      'META-INF/statedb/',
      'META-INF/statedb/couchdb/',
      'META-INF/statedb/couchdb/collections/',
      'META-INF/statedb/couchdb/collections/private/',
      'META-INF/statedb/couchdb/collections/private/indexes/',
      'src/',
      'src/vendor/',
      'META-INF/statedb/couchdb/collections/private/indexes/i.json',
      'src/.golangci.yml',
      'src/go.mod',
      'src/main.go',
      'src/vendor/modules.txt',
    ],
  },
  {
    what: 'a package of a Go module',
    type: 'golang',
    label: 'go_2',
    folder: 'module/cmd/cc',
    path: 'module/cmd/cc',
    files: {
      'module/go.mod': '// a comment\nmodule "example.com/many" // and another\n\ngo 1.21\n',
      'module/lib/lib.go': 'package lib\n',
      'module/cmd/cc/main.go': 'package main\n\nfunc main() {}\n',
      'module/cmd/cc/META-INF/statedb/couchdb/indexes/i.json': index,
      'module/META-INF/elsewhere.txt': 'code like any other, here\n',
    },
    peerId: 'go_2:98a859de1f1a3fc74af1c2b63524a37c77bd15899fea70d061fe1724f6f44d36',
    names: [
      'META-INF/',
      'META-INF/statedb/',
      'META-INF/statedb/couchdb/',
      'META-INF/statedb/couchdb/indexes/',
      'src/',
      'src/META-INF/',
      'src/cmd/',
      'src/cmd/cc/',
      'src/lib/',
      'META-INF/statedb/couchdb/indexes/i.json',
      'src/META-INF/elsewhere.txt',
      'src/cmd/cc/main.go',
      'src/go.mod',
      'src/lib/lib.go',
    ],
  },
]

/** Writes a tree into a new folder. */
export function plant({ files, links = {} }: SampleTree, folders: TestFolders): string {
  const root = folders.make(files)
  for (const [link, target] of Object.entries(links)) symlinkSync(target, join(root, link))
  return root
}
