import { createRequire } from 'node:module'

/** Version of this program. */
export const version: string = (createRequire(import.meta.url)('chaincoded/package.json') as { version: string })
  .version
