import { escapeForTerminal } from './escape.ts';

/** Rows as aligned columns, two spaces apart, under a heading. Cells are escaped; the last column is not padded. */
export function renderTable(heading: readonly string[], rows: readonly (readonly string[])[], strong: (text: string) => string = (text) => text): string {
  const cells = rows.map((row) => row.map((cell) => escapeForTerminal(cell)));
  const widths = heading.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd();
  return [strong(line(heading)), ...cells.map(line)].join('\n');
}
