import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

/** What `vault agent check` found. */
export interface AgentCheckResult {
  readonly config: string;
  readonly items: number;
  readonly deliveries: number;
  readonly findings: readonly {
    readonly severity: 'error' | 'warning'; readonly path: string; readonly line: number; readonly column: number;
    readonly code: string; readonly message: string; readonly hint: string | undefined;
  }[];
}

/** Findings as `file:line:column`, as compilers write them, then the sum. */
export function renderAgentCheck({ config, items, deliveries, findings }: AgentCheckResult, colors: Colors): string {
  const source = escapeForTerminal(config);
  const count = (number: number, noun: string): string => `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return [
    ...findings.map(({ severity, path, line, column, code, message, hint }) => {
      const label = severity === 'error' ? colors.red('error') : colors.yellow('warning');
      const text = escapeForTerminal([message, ...(hint === undefined ? [] : [hint])].join(' '));
      return `${source}:${String(line)}:${String(column)}: ${label}: ${escapeForTerminal(path)}: ${text} ${colors.dim(`[${code}]`)}`;
    }),
    `${errors === 0 ? colors.green('ok') : colors.red('FAIL')}  ${source}: ${count(items, 'item')}, ${count(deliveries, 'delivery').replace(/ys$/, 'ies')}, ${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}`,
  ].join('\n');
}
