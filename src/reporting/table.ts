import { escapeForTerminal } from './escape.ts';
import type { Output } from './output.ts';

export interface Column {
  readonly title: string;
  /** It may be cut down to so many characters where the terminal is too narrow. */
  readonly least?: number;
}

/** Rows as aligned columns, two spaces apart, under a heading. Cells are escaped; they are cut only to fit a terminal. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], { colors, width: available }: Pick<Output, 'colors' | 'width'>): string {
  const cells = rows.map((row) => row.map((cell) => escapeForTerminal(cell)));
  const widths = columns.map(({ title }, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  let excess = widths.reduce((sum, width) => sum + width + 2, -2) - (available ?? Infinity);
  for (const [column, { least }] of columns.entries()) {
    const width = widths[column] ?? 0;
    const cut = Math.max(0, Math.min(excess, width - (least ?? width)));
    widths[column] = width - cut;
    excess -= cut;
  }
  const fit = (cell: string, width: number): string => (cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width));
  const line = (row: readonly string[]): string => row.map((cell, column) => fit(cell, widths[column] ?? 0)).join('  ').trimEnd();
  return [colors.bold(line(columns.map(({ title }) => title))), ...cells.map(line)].join('\n');
}
