import type { Expression, Group, Occur, Query } from './ast.ts';
import type { FlatNode } from './flatten.ts';
import { valueTest } from './valueTest.ts';

type Predicate = (node: FlatNode) => boolean;

/** Makes the test that says whether a query selects a node. The test never throws, and keeps nothing between nodes. */
export function compileQuery(query: Query): (node: FlatNode) => boolean {
  return compile(query.root);
}

function compile(expression: Expression): Predicate {
  switch (expression.kind) {
    case 'all':
      return () => true;
    case 'group':
      return compileGroup(expression);
    case 'exists':
    case 'equals':
    case 'pattern':
    case 'range': {
      const { field } = expression;
      const test = valueTest(expression);
      return (node) => node.values(field)?.some(test) ?? false;
    }
  }
}

/** Lucene's BooleanQuery; with only must-not clauses, the complement. */
function compileGroup(group: Group): Predicate {
  const of = (occur: Occur): readonly Predicate[] =>
    group.clauses.filter((clause) => clause.occur === occur).map((clause) => compile(clause.expression));
  const must = of('must');
  const should = of('should');
  const mustNot = of('must-not');
  // Beside a must clause, a should clause only ranks, and a search here has no ranking.
  const anyOf = must.length > 0 ? [] : should;
  return (node) =>
    must.every((test) => test(node))
    && (anyOf.length === 0 || anyOf.some((test) => test(node)))
    && !mustNot.some((test) => test(node));
}
