import { VaultError } from '../errors.ts';

/** Characters of the query that are shown on either side of the caret. */
const CONTEXT = 60;

/**
 * Makes the error for a query that cannot be read: a `query-invalid` with `details` { query, column }.
 * Columns count characters (code points) from 1.
 * @param offset of the place in `text`, in UTF-16 code units; at most its length
 */
export function queryError(text: string, offset: number, problem: string, hint: string): VaultError {
  const before = [...text.slice(0, offset)];
  const column = before.length + 1;
  const message = `The query cannot be read at column ${String(column)}: ${problem}\n${caret(before, [...text.slice(offset)])}`;
  return new VaultError('query-invalid', message, { hint, details: { query: text, column } });
}

function caret(before: readonly string[], after: readonly string[]): string {
  const left = `${before.length > CONTEXT ? '…' : ''}${printable(before.slice(-CONTEXT))}`;
  const right = `${printable(after.slice(0, CONTEXT))}${after.length > CONTEXT ? '…' : ''}`;
  return `  ${left}${right}\n  ${' '.repeat([...left].length)}^`;
}

/** A line break or a direction mark in the query must not move the caret, nor reach a terminal. */
function printable(characters: readonly string[]): string {
  return characters.map((c) => (/[\p{C}\p{Z}]/u.test(c) ? (/\s/.test(c) ? ' ' : '\uFFFD') : c)).join('');
}
