import type { CliIo } from './io.js'

/** Shows the steps of something that takes time: in one line that changes on a terminal, in plain lines elsewhere. */
export interface Progress {
  step(line: string): void
  /** Clears the line on a terminal. */
  end(): void
}

/** Starts showing progress on stderr. */
export function showProgress({ stderr }: CliIo): Progress {
  if (!stderr.isTTY) return { step: (line) => void stderr.write(`${line}\n`), end: () => undefined }
  const width = (stderr.columns ?? 80) - 3
  return {
    step: (line) => void stderr.write(`\r\x1b[2K${line.slice(0, width)} …`),
    end: () => void stderr.write('\r\x1b[2K'),
  }
}
