// Our own parser: npm's `lucene` reads AND and OR at one precedence, to the right, and `liqe` refuses much of the syntax.
import type { Clause, Expression, Leaf, Occur, PatternPart, Query, Span } from './ast.ts';
import { queryError } from './queryError.ts';
import { tokenize, type Token } from './tokens.ts';

/** Deepest nesting of parentheses. */
export const DEPTH_MAX = 100;
/** Longest name of a field and longest pattern, without their backslashes, in UTF-16 code units. */
export const FIELD_MAX = 1024;
export const PATTERN_MAX = 1024;

/**
 * Reads a query in Lucene's classic syntax, with OR where no operator stands. Stricter than Lucene: a word without
 * a field, fuzzy `~`, boost `^`, regular expressions and whatever could be read in two ways are refused, because a
 * query decides who may read a secret.
 * @throws VaultError query-invalid with `details` { query, column }: the column counts characters from 1 and is that of
 *   the first thing that does not fit, or of the bracket or quote that is never closed
 */
export function parseQuery(text: string): Query {
  const state: State = { text, tokens: tokenize(text), next: 0, depth: 0 };
  if (state.tokens.length === 1) throw queryError(text, 0, 'it is empty.', 'To select every node, write *:*.');
  const root = parseGroup(state, undefined, undefined);
  return { text, root };
}

interface State {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Index of the token to read next. */
  next: number;
  depth: number;
}

interface Parsed {
  readonly expression: Expression;
  readonly span: Span;
}

type Modifier = Exclude<Occur, 'should'> | undefined;

/**
 * Lucene's `Query` rule: clauses up to the closing parenthesis, or to the end of the text at the top.
 * @param field of the words that name none themselves
 * @param open the parenthesis that began this group
 */
function parseGroup(state: State, field: string | undefined, open: Token | undefined): Expression {
  const clauses: Clause[] = [];
  let plain = true;
  for (;;) {
    const first = peek(state);
    if (first.kind === 'end' && open !== undefined) {
      throw queryError(state.text, open.span.start, 'this parenthesis is never closed.', 'Add the closing ).');
    }
    if (clauses.length > 0 && (first.kind === 'end' || first.kind === 'close')) break;
    const conjunction = clauses.length > 0 ? readConjunction(state) : undefined;
    if (conjunction === undefined && clauses.length > 0) checkGap(state);
    const modifier = readModifier(state);
    if (modifier !== undefined) plain = false;
    addClause(clauses, conjunction, modifier, parseClause(state, field));
  }
  const end = peek(state);
  if (open === undefined && end.kind === 'close') {
    throw queryError(state.text, end.span.start, 'there is no parenthesis that this ) could close.', 'Remove it, or add the opening (.');
  }
  // As in Lucene: one clause without an operator is not a group.
  const only = clauses[0];
  if (clauses.length === 1 && plain && only !== undefined) return only.expression;
  return { kind: 'group', clauses, span: { start: open?.span.start ?? 0, end: end.span.end } };
}

/** Lucene's QueryParserBase.addClause, for the default operator OR. */
function addClause(clauses: Clause[], conjunction: Clause['conjunction'], modifier: Modifier, parsed: Parsed): void {
  const previous = clauses.at(-1);
  if (conjunction === 'and' && previous !== undefined && previous.occur !== 'must-not') {
    clauses[clauses.length - 1] = { ...previous, occur: 'must' };
  }
  const occur = modifier ?? (conjunction === 'and' ? 'must' : 'should');
  clauses.push({ occur, conjunction, expression: parsed.expression, span: parsed.span });
}

function readConjunction(state: State): 'and' | 'or' | undefined {
  const token = peek(state);
  if (token.kind !== 'and' && token.kind !== 'or') return undefined;
  state.next++;
  return token.kind;
}

function readModifier(state: State): Modifier {
  const token = peek(state);
  if (token.kind !== 'plus' && token.kind !== 'minus' && token.kind !== 'not') return undefined;
  state.next++;
  return token.kind === 'plus' ? 'must' : 'must-not';
}

/** Lucene would read `role:web(tags:a)` as two clauses; whoever wrote it may have meant anything. */
function checkGap(state: State): void {
  const token = peek(state);
  const previous = state.tokens[state.next - 1];
  if (token.kind !== 'colon' && previous !== undefined && previous.span.end === token.span.start) {
    throw queryError(state.text, token.span.start, 'there is no space before this clause.',
      'Put AND, OR or a space before it; to search for the character, put the value in double quotes.');
  }
}

function parseClause(state: State, inherited: string | undefined): Parsed {
  const first = take(state);
  if (first.kind === 'word' && peek(state).kind === 'colon') {
    const colon = take(state);
    const value = take(state);
    const span: Span = { start: first.span.start, end: value.span.end };
    if (isEverything(first)) {
      if (value.kind === 'word' && isEverything(value)) return { expression: { kind: 'all', span }, span };
      throw queryError(state.text, first.span.start, '* is not the name of a field.', 'To select every node, write *:*.');
    }
    const field = fieldName(state.text, first);
    if (value.kind === 'open') return parseParenthesised(state, field, first.span.start, value);
    if (value.kind === 'end') {
      throw queryError(state.text, colon.span.end, 'the field has no value.', `To find nodes that have the field, write ${source(state, first)}:*.`);
    }
    return { expression: leaf(state, field, value, span), span };
  }
  if (first.kind === 'open') return parseParenthesised(state, inherited, first.span.start, first);
  if (inherited === undefined && (first.kind === 'word' || first.kind === 'quoted' || first.kind === 'range')) {
    throw queryError(state.text, first.span.start, 'it does not say in which field to look.', bareHint(state, first));
  }
  if (inherited !== undefined && first.kind === 'word' && /^(?:and|or|not)$/i.test(source(state, first))) {
    throw queryError(state.text, first.span.start, 'this may be meant as an operator or as a value.',
      'Operators are AND, OR and NOT, in capitals; to search for the word, put it in double quotes.');
  }
  return { expression: leaf(state, inherited ?? '', first, first.span), span: first.span };
}

function parseParenthesised(state: State, field: string | undefined, start: number, open: Token): Parsed {
  if (++state.depth > DEPTH_MAX) {
    throw queryError(state.text, open.span.start, `parentheses are nested more than ${String(DEPTH_MAX)} levels deep.`, 'Write a simpler query.');
  }
  const expression = parseGroup(state, field, open);
  state.depth--;
  return { expression, span: { start, end: take(state).span.end } };
}

function leaf(state: State, field: string, token: Token, span: Span): Leaf {
  switch (token.kind) {
    case 'quoted':
      return { kind: 'equals', field, value: token.value, span };
    case 'range':
      return { kind: 'range', field, lower: token.lower, upper: token.upper, span };
    case 'word': {
      const { parts } = token;
      if (parts.every((part) => 'wildcard' in part && part.wildcard === '*')) return { kind: 'exists', field, span };
      const only = parts[0];
      if (parts.length === 1 && only !== undefined && 'text' in only) return { kind: 'equals', field, value: only.text, span };
      if (lengthOf(parts) > PATTERN_MAX) {
        throw queryError(state.text, token.span.start, `this pattern is longer than ${String(PATTERN_MAX)} characters.`,
          'Shorten it with *, or put the whole value in double quotes.');
      }
      return { kind: 'pattern', field, parts, span };
    }
    case 'end':
      throw queryError(state.text, token.span.start, 'a clause is missing at the end.', 'Write FIELD:VALUE there, or remove the operator.');
    case 'colon':
      throw queryError(state.text, token.span.start, 'a value or field is missing before this colon.',
        'A colon within a value needs a backslash before it, as in recipe:nginx\\:\\:ssl, or double quotes around the value.');
    case 'and':
    case 'or':
    case 'not':
    case 'plus':
    case 'minus':
    case 'open':
    case 'close':
      throw queryError(state.text, token.span.start, `${source(state, token)} stands where a clause should be.`,
        'Write FIELD:VALUE there; to search for it, put the value in double quotes.');
  }
}

function fieldName(text: string, token: Token & { kind: 'word' }): string {
  const only = token.parts[0];
  if (token.parts.length === 1 && only !== undefined && 'text' in only) {
    if (only.text.length <= FIELD_MAX) return only.text;
    throw queryError(text, token.span.start, `the name of this field is longer than ${String(FIELD_MAX)} characters.`,
      'Name the field by its last part, which finds it at any depth.');
  }
  throw queryError(text, token.span.start, 'the name of a field cannot have wildcards.',
    'Name the field by its full path, or by its last part, which finds it at any depth.');
}

function lengthOf(parts: readonly PatternPart[]): number {
  return parts.reduce((length, part) => length + ('text' in part ? part.text.length : 1), 0);
}

function isEverything(token: Token & { kind: 'word' }): boolean {
  const only = token.parts[0];
  return token.parts.length === 1 && only !== undefined && 'wildcard' in only && only.wildcard === '*';
}

function bareHint(state: State, token: Token): string {
  const written = source(state, token);
  if (/^(?:and|or|not)$/i.test(written)) return `Operators are written in capitals: ${written.toUpperCase()}.`;
  return token.kind === 'word' ? `Write FIELD:VALUE, as in name:${written} or role:${written}.` : 'Write FIELD:VALUE, as in role:web.';
}

function source(state: State, token: Token): string {
  return state.text.slice(token.span.start, token.span.end);
}

function peek(state: State): Token {
  const token = state.tokens[state.next];
  if (token === undefined) throw new RangeError('read past the end of the query');
  return token;
}

/** Reads one token; the last one, `end`, can be read again and again. */
function take(state: State): Token {
  const token = peek(state);
  if (token.kind !== 'end') state.next++;
  return token;
}
