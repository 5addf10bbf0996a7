/** Lines of a table: columns aligned left, two spaces apart, nothing after the last. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)))
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  )
}

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]

/** A span of time in its largest unit: `4s`, `12m`, `3h`, `2d`. */
export function spanText(milliseconds: number): string {
  const [unit, size] = units.find(([, size]) => milliseconds >= size) ?? units.at(-1)!
  return `${Math.max(0, Math.floor(milliseconds / size))}${unit}`
}
