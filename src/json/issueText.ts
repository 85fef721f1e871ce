import type * as z from 'zod';

/** Longest piece of a document that a message repeats, in characters. */
const QUOTED_MAX = 80;

/** `text` in quotes as JSON writes it, cut where it is long. */
export function quoted(text: string): string {
  return text.length <= QUOTED_MAX ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, QUOTED_MAX)).slice(0, -1)}…"`;
}

/** What kind of value was found: never the value itself, which may be secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'string':
      return value === '' ? 'an empty string' : 'a string';
    case 'number':
      return 'a number';
    case 'boolean':
      return String(value);
    default:
      return 'an object';
  }
}

/** What a schema expects, in the words of a person who writes JSON. */
export function expectedKind(expected: string): string {
  const names: Partial<Record<string, string>> = {
    string: 'a string',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    tuple: 'a list',
    object: 'an object',
    record: 'an object',
    null: 'null',
    never: 'nothing here',
  };
  return names[expected] ?? expected;
}

/**
 * The text of one issue, for zod's `error` parameter: it is asked only where the schema's author gave no text.
 * @param quote whether a string that was found may be repeated (cut at 80 characters)
 */
export function issueText(issue: z.core.$ZodRawIssue, quote: boolean): string {
  const found = quote && typeof issue.input === 'string' && issue.input !== '' ? quoted(issue.input) : kindOf(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing; expected ${expectedKind(issue.expected)}`
        : `found ${kindOf(issue.input)}, expected ${expectedKind(issue.expected)}`;
    case 'invalid_value': {
      const allowed = issue.values.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))).join(', ');
      return issue.input === undefined ? `missing; allowed: ${allowed}` : `found ${found}; allowed: ${allowed}`;
    }
    case 'too_small':
      return `found ${sizeOf(issue.input)}; ${issue.inclusive === false ? 'more than' : 'at least'} ${count(issue.minimum, issue.origin)} needed`;
    case 'too_big':
      return `found ${sizeOf(issue.input)}; ${issue.inclusive === false ? 'less than' : 'at most'} ${count(issue.maximum, issue.origin)} allowed`;
    case 'not_multiple_of':
      return `found ${kindOf(issue.input)}, expected a multiple of ${String(issue.divisor)}`;
    case 'invalid_format':
      return `found ${found}, which is not of the form ${issue.format === 'regex' ? issue.pattern ?? 'asked for' : issue.format}`;
    case 'unrecognized_keys':
      return `unknown ${issue.keys.length === 1 ? 'field' : 'fields'} ${issue.keys.slice(0, 5).map(quoted).join(', ')}`;
    case 'invalid_key':
      return `the name is not allowed: ${issue.issues.map((i) => i.message).join('; ')}`;
    default:
      return `found ${found}, which is not allowed here`;
  }
}

function sizeOf(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string of ${characters(value.length)}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${String(value.length)}`;
  return kindOf(value);
}

function count(bound: number | bigint, origin: string): string {
  if (origin === 'string') return `${characters(Number(bound))} ${Number(bound) === 1 ? 'is' : 'are'}`;
  if (origin === 'array') return `${String(bound)} ${Number(bound) === 1 ? 'element is' : 'elements are'}`;
  return `${String(bound)} is`;
}

function characters(n: number): string {
  return `${String(n)} ${n === 1 ? 'character' : 'characters'}`;
}
