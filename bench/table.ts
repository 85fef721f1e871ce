/** One line of the result: a figure of ours beside the peer's. */
export interface Row {
  readonly group: string;
  readonly what: string;
  readonly ours: string;
  /** The peer's name and figure; what would be the best possible, where there is no peer. */
  readonly peer: string;
  readonly goal: string;
  /** Undefined where there is no goal. */
  readonly met: boolean | undefined;
  readonly runs: number;
  /** The same on the older Node. */
  readonly older?: string | undefined;
}

const HEAD = ['', 'ours', 'beside', 'goal', 'met', 'runs', 'Node 20'];

function cells(rows: readonly Row[]): string[][] {
  return rows.map(({ what, ours, peer, goal, met, runs, older }) =>
    [what, ours, peer, goal, met === undefined ? '' : met ? 'yes' : 'no', String(runs), older ?? '']);
}

/** Columns aligned with spaces. */
export function renderText(rows: readonly Row[]): string {
  return align([HEAD, ...cells(rows)]).map((row) => row.join('  ').trimEnd()).join('\n');
}

/** A table of Markdown, aligned too. */
export function renderMarkdown(rows: readonly Row[]): string {
  const [head = [], ...body] = align([HEAD, ...cells(rows)]);
  const rule = head.map((cell) => '-'.repeat(cell.length));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function align(lines: readonly (readonly string[])[]): string[][] {
  const widths = HEAD.map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
}

export function ms(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(0)} ms`;
}

export function mib(value: number | undefined): string {
  return value === undefined ? '' : `, ${value.toFixed(0)} MiB`;
}
