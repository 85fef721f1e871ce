import type { Explanation } from '../search/explain.ts';
import { escapeForTerminal } from './escape.ts';
import type { Colors } from './output.ts';

const OCCUR = { 'must': 'required', 'should': 'optional', 'must-not': 'excluded' } as const;

/** An explanation as an indented tree; the clauses that decided are marked with an arrow. */
export function renderExplanation(node: string, matched: boolean, explanation: Explanation, colors: Colors): string {
  const lines = [`${escapeForTerminal(node)} is ${matched ? colors.green('selected') : colors.red('not selected')}`];
  const visit = (clause: Explanation, depth: number): void => {
    const mark = clause.decisive ? '→' : ' ';
    const met = clause.matched ? colors.green('matches') : colors.red('does not match');
    const values = clause.values === undefined
      ? (clause.field === undefined ? '' : `: no field ${escapeForTerminal(clause.field)}`)
      : `: ${escapeForTerminal(clause.field ?? '')} is ${clause.values.map((value) => JSON.stringify(escapeForTerminal(value))).join(', ')}${clause.more > 0 ? ` and ${String(clause.more)} more` : ''}`;
    lines.push(`${'  '.repeat(depth)}${mark} ${escapeForTerminal(clause.source)}  ${colors.dim(OCCUR[clause.occur])}  ${met}${values}`);
    for (const inner of clause.clauses) visit(inner, depth + 1);
  };
  visit(explanation, 0);
  return lines.join('\n');
}
