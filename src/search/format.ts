import type { Bound, Expression, Leaf, Query } from './ast.ts';

/** Values that need neither quotes nor backslashes, wherever they stand. */
const PLAIN = /^[\p{L}\p{N}_.@][\p{L}\p{N}_.@+=,-]*$/u;
const OPERATOR = /^(?:AND|OR|NOT|TO)$/;
const UNREADABLE = /[\p{C}\p{Z}]/u;

/**
 * Writes a query in canonical text: every clause with its own field, and each role as Lucene's `+`, `-` or nothing.
 * Parsing it gives an equivalent query (where fields repeated for each value do not make it longer than a query may be).
 */
export function formatQuery(query: Query): string {
  return formatExpression(query.root, true);
}

function formatExpression(expression: Expression, top: boolean): string {
  switch (expression.kind) {
    case 'all':
      return '*:*';
    case 'group': {
      const clauses = expression.clauses.map(
        ({ occur, expression: inner }) =>
          `${occur === 'must' ? '+' : occur === 'must-not' ? '-' : ''}${formatExpression(inner, false)}`,
      );
      return top ? clauses.join(' ') : `(${clauses.join(' ')})`;
    }
    case 'exists':
    case 'equals':
    case 'pattern':
    case 'range':
      return formatLeaf(expression);
  }
}

/** Writes one test of a field, as FIELD:VALUE. */
export function formatLeaf(leaf: Leaf): string {
  return `${isPlain(leaf.field) ? leaf.field : escape(leaf.field, true)}:${formatTest(leaf)}`;
}

function formatTest(leaf: Leaf): string {
  switch (leaf.kind) {
    case 'exists':
      return '*';
    case 'equals':
      return quoteUnlessPlain(leaf.value);
    case 'pattern':
      return leaf.parts.map((part, i) => ('text' in part ? escape(part.text, i === 0) : part.wildcard)).join('');
    case 'range':
      return `${leaf.lower?.inclusive === false ? '{' : '['}${bound(leaf.lower)} TO ${bound(leaf.upper)}`
        + (leaf.upper?.inclusive === false ? '}' : ']');
  }
}

function bound(value: Bound | undefined): string {
  return value === undefined ? '*' : quoteUnlessPlain(value.value);
}

function isPlain(value: string): boolean {
  return PLAIN.test(value) && !OPERATOR.test(value);
}

function quoteUnlessPlain(value: string): string {
  if (isPlain(value)) return value;
  return `"${[...value].map((c) => (c === '"' || c === '\\' ? `\\${c}` : visible(c))).join('')}"`;
}

/** Puts a backslash before all but letters, digits and the harmless; in a word's first place also before `+` and `-`. */
function escape(text: string, first: boolean): string {
  const written = [...text]
    .map((c, i) => {
      if (c === ' ') return '\\ ';
      if (visible(c) !== c) return visible(c);
      return /[\p{L}\p{N}_.@=,]/u.test(c) || (/[+-]/.test(c) && !(first && i === 0)) ? c : `\\${c}`;
    })
    .join('');
  // A backslash before the first letter keeps a word from being an operator; before u it would begin an escape.
  return OPERATOR.test(written) ? `\\${written}` : written;
}

function visible(c: string): string {
  if (c === ' ' || !UNREADABLE.test(c)) return c;
  return c.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}
