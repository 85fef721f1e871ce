import type { Clause, Expression, Group, Query } from './ast.ts';
import { formatLeaf } from './format.ts';

/** What a query means, for people who do not know Lucene's rules by heart. */
export interface Reading {
  /**
   * An equivalent query in which AND, OR and NOT mean what they say: parentheses stand wherever they are mixed, and
   * every value has its field. Clauses without effect are left out.
   */
  readonly parenthesised: string;
  /**
   * True where AND and OR stand side by side in one group, or OR beside a clause that is required or excluded:
   * Lucene does not then read them as boolean algebra would.
   */
  readonly surprising: boolean;
  /** Source text of the clauses that decide nothing, because another clause beside them is required. */
  readonly ignored: readonly string[];
}

/** Says how Lucene's rules read a query. */
export function readQuery(query: Query): Reading {
  return {
    parenthesised: render(query.root, true),
    surprising: hasSurprise(query.root),
    ignored: [...ignoredIn(query.root)].map(({ span }) => query.text.slice(span.start, span.end)),
  };
}

function hasSurprise(expression: Expression): boolean {
  return expression.kind === 'group'
    && (isSurprising(expression) || expression.clauses.some((clause) => hasSurprise(clause.expression)));
}

function isSurprising({ clauses }: Group): boolean {
  const and = clauses.some(({ conjunction }) => conjunction === 'and');
  const or = clauses.some(({ conjunction }) => conjunction === 'or');
  return (and && clauses.some(({ occur }) => occur === 'should')) || (or && clauses.some(({ occur }) => occur !== 'should'));
}

function* ignoredIn(expression: Expression): Generator<Clause> {
  if (expression.kind !== 'group') return;
  const required = expression.clauses.some(({ occur }) => occur === 'must');
  for (const clause of expression.clauses) {
    if (required && clause.occur === 'should') yield clause;
    else yield* ignoredIn(clause.expression);
  }
}

function render(expression: Expression, top: boolean): string {
  if (expression.kind === 'all') return '*:*';
  if (expression.kind !== 'group') return formatLeaf(expression);
  const of = (occur: Clause['occur']): string[] =>
    expression.clauses.filter((clause) => clause.occur === occur).map((clause) => render(clause.expression, false));
  const required = of('must');
  const alternatives = required.length > 0 ? [] : of('should');
  const excluded = of('must-not').map((text) => `NOT ${text}`);
  const any = alternatives.join(' OR ');
  if (excluded.length === 0 && alternatives.length > 1) return top ? any : `(${any})`;
  const all = [...required, ...(alternatives.length > 1 ? [`(${any})`] : alternatives), ...excluded];
  const text = all.join(' AND ');
  return top || (all.length === 1 && excluded.length === 0) ? text : `(${text})`;
}
