import type { Bound, PatternPart, Span } from './ast.ts';
import { queryError } from './queryError.ts';

export type Token =
  | { readonly kind: 'and' | 'or' | 'not' | 'plus' | 'minus' | 'open' | 'close' | 'colon' | 'end'; readonly span: Span }
  | { readonly kind: 'word'; readonly parts: readonly PatternPart[]; readonly span: Span }
  | { readonly kind: 'quoted'; readonly value: string; readonly span: Span }
  | { readonly kind: 'range'; readonly lower: Bound | undefined; readonly upper: Bound | undefined; readonly span: Span };

/** Longest query, in UTF-16 code units. */
export const QUERY_MAX = 16 * 1024;

/** Control, format and private characters, lone surrogates, and every space and line break that is not in ASCII. */
const UNREADABLE = /(?![\t\n\r ])[\p{C}\p{Z}]/u;
/** Dashes, quotes and full-width forms that a word processor writes in place of the language's own punctuation. */
const LOOKALIKE = /[\u2010-\u2015\u2018-\u201F\u2212\uFE58\uFE63\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65]/;
const SPACE = /[\t\n\r ]/;
/** What ends a word, as in Lucene's grammar; `+` and `-` do so only before its first character. */
const WORD_END = /[\t\n\r ():^[\]"{}~/!]/;

const QUOTE_IT = 'Put the value in double quotes, or a backslash before the character.';
const ESCAPE_BRACKETS = 'To search for a bracket, put a backslash before it, as in run_list:role\\[web\\], or put the value in double quotes.';

/**
 * Splits a query into tokens; the last one is `end`. A range is one token.
 * @throws VaultError query-invalid
 */
export function tokenize(text: string): readonly Token[] {
  checkText(text);
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (SPACE.test(text.charAt(at))) {
      at++;
      continue;
    }
    const token = readToken(text, at, tokens.at(-1));
    tokens.push(token);
    at = token.span.end;
  }
  tokens.push({ kind: 'end', span: { start: text.length, end: text.length } });
  return tokens;
}

function checkText(text: string): void {
  if (text.length > QUERY_MAX) {
    throw queryError(text.slice(0, QUERY_MAX), QUERY_MAX, `it is longer than ${String(QUERY_MAX)} characters.`,
      'Search for a role, a tag or a policy that the nodes share.');
  }
  const unreadable = UNREADABLE.exec(text);
  if (unreadable !== null) {
    const code = (text.codePointAt(unreadable.index) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    throw queryError(text, unreadable.index, `U+${code} cannot be seen, or looks like a plain space.`,
      'Type it again, or write the character as \\u and four hexadecimal digits.');
  }
}

function readToken(text: string, start: number, previous: Token | undefined): Token {
  const span: Span = { start, end: start + 1 };
  const c = text.charAt(start);
  switch (c) {
    case '(':
      return { kind: 'open', span };
    case ')':
      return { kind: 'close', span };
    case ':':
      return { kind: 'colon', span };
    case '+':
    case '-':
    case '!':
      // Lucene reads an operator with a space after it as a word to search for, which nobody means.
      if (start + 1 === text.length || SPACE.test(text.charAt(start + 1))) {
        throw queryError(text, start, `${c} stands alone.`, `Write ${c} directly before its clause, as in ${c}role:web.`);
      }
      return { kind: c === '+' ? 'plus' : c === '-' ? 'minus' : 'not', span };
    case '"':
      return readQuoted(text, start);
    case '[':
    case '{':
      if (previous?.kind === 'word' && previous.span.end === start) {
        throw queryError(text, start, `${c} begins a range, and cannot stand within a word.`, ESCAPE_BRACKETS);
      }
      return readRange(text, start);
    case ']':
    case '}':
      throw queryError(text, start, `there is no range that this ${c} could end.`, ESCAPE_BRACKETS);
    case '~':
      throw queryError(text, start, 'fuzzy and proximity search (~) is not allowed: it would match what you did not write.', QUOTE_IT);
    case '^':
      throw queryError(text, start, 'a boost (^) is not allowed: a search has no ranking.', QUOTE_IT);
    case '/':
      throw queryError(text, start, 'regular expressions (/) are not allowed.', QUOTE_IT);
    default:
      return readWord(text, start);
  }
}

function readWord(text: string, start: number): Token {
  const parts: PatternPart[] = [];
  let literal = '';
  let at = start;
  const flush = (): void => {
    if (literal !== '') parts.push({ text: literal });
    literal = '';
  };
  while (at < text.length) {
    const c = text.charAt(at);
    if (WORD_END.test(c)) break;
    if (LOOKALIKE.test(c)) {
      throw queryError(text, at, `${c} is not punctuation of a query, and looks like it.`, QUOTE_IT);
    }
    if (c === '\\') {
      const escaped = readEscape(text, at);
      literal += escaped.value;
      at = escaped.end;
    } else if (c === '*' || c === '?') {
      flush();
      parts.push({ wildcard: c });
      at++;
    } else {
      literal += c;
      at++;
    }
  }
  flush();
  checkWellFormed(text, start, parts);
  const span: Span = { start, end: at };
  const raw = text.slice(start, at);
  if (raw === 'AND' || raw === '&&') return { kind: 'and', span };
  if (raw === 'OR' || raw === '||') return { kind: 'or', span };
  if (raw === 'NOT') return { kind: 'not', span };
  // Lucene takes these for a part of the word, so that the operator would silently be lost.
  const operator = /^(?:\\.|[^\\])*?(&&|\|\|)/su.exec(raw) ?? /^([&|])$/.exec(raw);
  if (operator !== null) {
    const offset = start + operator[0].length - (operator[1] ?? '').length;
    throw queryError(text, offset, `${operator[1] ?? ''} is not an operator here.`,
      'Write && or || with a space on both sides; to search for it, put the value in double quotes.');
  }
  return { kind: 'word', parts, span };
}

function readQuoted(text: string, start: number): Token & { kind: 'quoted' } {
  let value = '';
  let at = start + 1;
  while (at < text.length) {
    const c = text.charAt(at);
    if (c === '"') {
      checkWellFormed(text, start, [{ text: value }]);
      return { kind: 'quoted', value, span: { start, end: at + 1 } };
    }
    if (c === '\\') {
      const escaped = readEscape(text, at);
      value += escaped.value;
      at = escaped.end;
    } else {
      value += c;
      at++;
    }
  }
  throw queryError(text, start, 'this quote is never closed.', 'Add the closing ", or put a backslash before this one.');
}

function readEscape(text: string, at: number): { readonly value: string; readonly end: number } {
  const next = text.codePointAt(at + 1);
  if (next === undefined) {
    throw queryError(text, at, 'a backslash must stand before a character.', 'To search for a backslash, write \\\\.');
  }
  if (next !== 0x75) {
    const value = String.fromCodePoint(next);
    return { value, end: at + 1 + value.length };
  }
  const hex = text.slice(at + 2, at + 6);
  if (!/^[0-9A-Fa-f]{4}$/.test(hex)) {
    throw queryError(text, at, '\\u must be followed by four hexadecimal digits.', 'To search for a backslash, write \\\\.');
  }
  return { value: String.fromCharCode(Number.parseInt(hex, 16)), end: at + 6 };
}

function checkWellFormed(text: string, at: number, parts: readonly PatternPart[]): void {
  if (parts.some((part) => 'text' in part && /\p{Surrogate}/u.test(part.text))) {
    throw queryError(text, at, 'it holds half of a surrogate pair.', 'Write the two \\u escapes of the character side by side.');
  }
}

const RANGE_HINT = 'A range is written field:[FROM TO UP_TO], or with { } to leave out the bounds; * leaves an end open.';

function readRange(text: string, start: number): Token {
  const lower = readBound(text, start, start + 1);
  const to = skipSpace(text, lower.end);
  const afterTo = skipSpace(text, to + 2);
  // The space after TO is checked too: [a TOb] is no range.
  if (text.slice(to, to + 2) !== 'TO' || (afterTo === to + 2 && afterTo < text.length && text.charAt(afterTo) !== '"')) {
    throw queryError(text, to >= text.length ? start : to, 'a range needs TO between its two bounds.', RANGE_HINT);
  }
  const upper = readBound(text, start, afterTo);
  const end = skipSpace(text, upper.end);
  const close = text.charAt(end);
  if (close !== ']' && close !== '}') {
    throw queryError(text, end >= text.length ? start : end, 'this range is never closed.', RANGE_HINT);
  }
  return {
    kind: 'range',
    lower: lower.value === undefined ? undefined : { value: lower.value, inclusive: text.charAt(start) === '[' },
    upper: upper.value === undefined ? undefined : { value: upper.value, inclusive: close === ']' },
    span: { start, end: end + 1 },
  };
}

/** Reads one bound of the range that begins at `range`; its value is undefined where it is open (`*`). */
function readBound(text: string, range: number, from: number): { readonly value: string | undefined; readonly end: number } {
  const start = skipSpace(text, from);
  if (text.charAt(start) === '"') {
    const quoted = readQuoted(text, start);
    return { value: quoted.value, end: quoted.span.end };
  }
  let value = '';
  let at = start;
  while (at < text.length && !/[\t\n\r \]}]/.test(text.charAt(at))) {
    const c = text.charAt(at);
    if (c === '\\') {
      if (/[\t\n\r \]}]/.test(text.charAt(at + 1))) {
        throw queryError(text, at, 'a space or bracket cannot be escaped within a range.', 'Put the bound in double quotes.');
      }
      const escaped = readEscape(text, at);
      value += escaped.value;
      at = escaped.end;
    } else {
      if (/[?~^"()[{/]/.test(c) || LOOKALIKE.test(c) || (c === '*' && !isWholeBound(text, start, at))) {
        throw queryError(text, at, `${c} is not allowed within a bound of a range.`, 'Put the bound in double quotes, or a backslash before the character.');
      }
      value += c;
      at++;
    }
  }
  const raw = text.slice(start, at);
  if (raw === '') throw queryError(text, at >= text.length ? range : at, 'a bound of this range is missing.', RANGE_HINT);
  if (raw === 'TO') throw queryError(text, start, 'TO stands where a bound should be.', 'To search for the word, put it in double quotes.');
  checkWellFormed(text, start, [{ text: value }]);
  return { value: raw === '*' ? undefined : value, end: at };
}

function isWholeBound(text: string, start: number, at: number): boolean {
  return at === start && /^[\t\n\r \]}]?$/.test(text.charAt(at + 1));
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (SPACE.test(text.charAt(next))) next++;
  return Math.min(next, text.length);
}
