import type { Clause, Expression, Group, Leaf, Occur, Query, Span } from './ast.ts';
import type { FlatNode } from './flatten.ts';
import { valueTest } from './valueTest.ts';

/** Values shown for a clause, and characters of each. */
const VALUES_MAX = 10;
const VALUE_LENGTH_MAX = 200;

/**
 * Why a query, or one clause of it, selects a node or does not. Fields and values are as the query and the node have
 * them: whoever prints them must make control characters visible.
 */
export interface Explanation {
  /** The clause as it was written. */
  readonly source: string;
  /** The clause's role in its group; the query itself is a must. */
  readonly occur: Occur;
  /** Whether the clause's own test is met; under must-not, that excludes the node. */
  readonly matched: boolean;
  /** True where the outcome of the group around it rests on this clause. */
  readonly decisive: boolean;
  /** What the clause tests; undefined for a group and for `*:*`. */
  readonly field: string | undefined;
  /**
   * Distinct values that matched, or where none did, those that the field has: at most 10, long ones cut short.
   * Undefined where the node does not have the field, and for a group and `*:*`.
   */
  readonly values: readonly string[] | undefined;
  /** How many more distinct values there are. */
  readonly more: number;
  /** The group's clauses, in the order of the text. */
  readonly clauses: readonly Explanation[];
}

/** Explains a query's outcome for one node: `matched` is what compileQuery's test says. */
export function explainQuery(query: Query, node: FlatNode): Explanation {
  const whole: Span = { start: 0, end: query.text.length };
  return { ...explain(query, query.root, node), source: sourceOf(query, whole).trim(), occur: 'must', decisive: true };
}

type Outcome = Omit<Explanation, 'source' | 'occur' | 'decisive'>;

function explain(query: Query, expression: Expression, node: FlatNode): Outcome {
  switch (expression.kind) {
    case 'all':
      return { matched: true, field: undefined, values: undefined, more: 0, clauses: [] };
    case 'group':
      return explainGroup(query, expression, node);
    case 'exists':
    case 'equals':
    case 'pattern':
    case 'range':
      return explainLeaf(expression, node);
  }
}

function explainLeaf(leaf: Leaf, node: FlatNode): Outcome {
  const all = node.values(leaf.field);
  const matching = all?.filter(valueTest(leaf)) ?? [];
  const shown = all === undefined ? undefined : [...new Set(matching.length > 0 ? matching : all)];
  return {
    matched: matching.length > 0,
    field: leaf.field,
    values: shown?.slice(0, VALUES_MAX).map(shorten),
    more: Math.max(0, (shown?.length ?? 0) - VALUES_MAX),
    clauses: [],
  };
}

function explainGroup(query: Query, group: Group, node: FlatNode): Outcome {
  const tried = group.clauses.map((clause) => ({ clause, outcome: explain(query, clause.expression, node) }));
  const excluding = tried.filter(({ clause, outcome }) => clause.occur === 'must-not' && outcome.matched);
  const required = tried.filter(({ clause }) => clause.occur === 'must');
  const missing = required.filter(({ outcome }) => !outcome.matched);
  const optional = required.length > 0 ? [] : tried.filter(({ clause }) => clause.occur === 'should');
  const chosen = optional.filter(({ outcome }) => outcome.matched);
  const unmet = missing.length > 0 ? missing : chosen.length > 0 ? [] : optional;
  const matched = excluding.length === 0 && unmet.length === 0;
  const kept = tried.filter(({ clause }) => clause.occur === 'must-not');
  const decisive = new Set(
    (matched ? [...required, ...chosen, ...kept] : [...excluding, ...unmet]).map(({ clause }): Clause => clause),
  );
  return {
    matched,
    field: undefined,
    values: undefined,
    more: 0,
    clauses: tried.map(({ clause, outcome }) => ({
      ...outcome,
      source: sourceOf(query, clause.span),
      occur: clause.occur,
      decisive: decisive.has(clause),
    })),
  };
}

function sourceOf(query: Query, span: Span): string {
  return query.text.slice(span.start, span.end);
}

function shorten(value: string): string {
  const characters = [...value.slice(0, 2 * VALUE_LENGTH_MAX)];
  return characters.length > VALUE_LENGTH_MAX ? `${characters.slice(0, VALUE_LENGTH_MAX).join('')}…` : value;
}
