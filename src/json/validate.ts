import { closest, distance } from 'fastest-levenshtein';
import type * as z from 'zod';
import { safeParse } from 'zod/v4/core';
import { VaultError } from '../errors.ts';
import { expectedKind, issueText, kindOf, quoted } from './issueText.ts';
import type { JsonDocument, JsonPath } from './parse.ts';
import { schemaMembers } from './schemaMembers.ts';

/** One thing that is wrong with a document. */
export interface Problem {
  /** As people write it: `policy.Statement[0].Effect`; empty for the document itself. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** What was found and what is allowed. */
  readonly message: string;
  /** The nearest valid name, where one is near. */
  readonly suggestion?: string;
}

export interface ValidateOptions {
  /** True where nothing in the document is secret: then messages may repeat (the first 80 characters of) what was found. */
  readonly quote?: boolean;
}

/** Most problems that one error reports; more would not be read. */
const PROBLEMS_MAX = 100;

/** Longest member name in a formatted path, in characters. */
const STEP_MAX = 80;

/** `['a', 0, 'b-c']` as `a[0]["b-c"]`; a name of more than 80 characters is cut. */
export function formatPath(path: JsonPath): string {
  return path
    .map((step, i) =>
      typeof step === 'number' ? `[${String(step)}]`
      : step.length <= STEP_MAX && /^[A-Za-z_][A-Za-z0-9_]*$/.test(step) ? (i === 0 ? step : `.${step}`)
      : `[${quoted(step)}]`)
    .join('');
}

/** More slips of the finger than these make another word. */
const TYPO_MAX = 4;

/** The candidate nearest to `name`, or undefined where none is near enough to be meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const lower = name.toLowerCase();
  // Two letters exchanged are a distance of two, and the commonest slip.
  const limit = name.length < 4 ? 1 : Math.min(TYPO_MAX, Math.max(2, Math.floor(name.length / 3)));
  const list = [...candidates].filter((c) => Math.abs(c.length - name.length) <= limit);
  if (list.length === 0) return undefined;
  const best = closest(lower, list.map((c) => c.toLowerCase()));
  const found = list.find((c) => c.toLowerCase() === best);
  if (found === undefined) return undefined;
  return distance(lower, best) <= limit ? found : undefined;
}

/**
 * Checks a document against a schema and returns its typed value.
 * @param known the member names that are allowed where an unknown one is found, by path of the object; where it gives
 *   none, those of the schema
 * @throws VaultError input-invalid with `details.problems`: all of them at once, each with path and position
 */
export function validate<S extends z.core.$ZodType>(
  schema: S,
  document: JsonDocument,
  known: (objectPath: JsonPath) => readonly string[] = () => [],
  options: ValidateOptions = {},
): z.output<S> {
  const result = safeParse(schema, document.value, { error: (issue) => issueText(issue, options.quote ?? false) });
  if (result.success) return result.data;
  const allowed = (path: JsonPath): readonly string[] => {
    const names = known(path);
    return names.length > 0 ? names : schemaMembers(schema, path, valueAt(document.value, path));
  };
  throw invalidInput(document.source, problemsOf(result.error.issues, document, allowed, options.quote ?? false));
}

/** The error that reports `problems` of `source`, in the order of the text; at most 100 of them. */
export function invalidInput(source: string, problems: readonly Problem[]): VaultError {
  const shown = [...problems].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, PROBLEMS_MAX);
  const lines = shown.map(
    (p) => `${source}:${String(p.line)}:${String(p.column)}: ${p.path === '' ? '' : `${p.path}: `}${p.message}`
      + (p.suggestion === undefined ? '' : ` Did you mean "${p.suggestion}"?`),
  );
  if (problems.length > shown.length) lines.push(`${source}: and ${String(problems.length - shown.length)} more problems.`);
  return new VaultError('input-invalid', lines.join('\n'), { details: { source, problems: shown } });
}

/** Makes a problem at `path` of `document`. */
export function problemAt(document: JsonDocument, path: JsonPath, message: string, suggestion?: string): Problem {
  return { path: formatPath(path), ...document.locate(path), message, ...(suggestion === undefined ? {} : { suggestion }) };
}

function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  document: JsonDocument,
  allowedAt: (objectPath: JsonPath) => readonly string[],
  quote: boolean,
): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const allowed = allowedAt(path);
      const list = allowed.length > 0 ? ` Allowed: ${allowed.join(', ')}.` : '';
      // One more than is ever shown, so that the count of the rest is not zero.
      return issue.keys.slice(0, PROBLEMS_MAX + 1).map((key) =>
        problemAt(document, [...path, key], `unknown field ${quoted(key)}.${list}`, nearest(key, allowed)));
    }
    if (issue.code === 'invalid_union') {
      if ('options' in issue && Array.isArray(issue.options)) {
        // Of a union whose branches say by one member which they are.
        const found = valueAt(document.value, path);
        const values = issue.options.map(String);
        const message = issueText({ code: 'invalid_value', values, input: found }, quote);
        return [problemAt(document, path, sentence(message), typeof found === 'string' ? nearest(found, values) : undefined)];
      }
      const branch = meantBranch(issue.errors);
      if (branch !== undefined) {
        return problemsOf(branch.map((i) => ({ ...i, path: [...issue.path, ...i.path] })), document, allowedAt, quote);
      }
      const kinds = [...new Set(issue.errors.flat().flatMap((i) => (isWrongKind(i) ? [expectedKind(i.expected)] : [])))];
      if (kinds.length > 0) {
        return [problemAt(document, path, `found ${kindOf(valueAt(document.value, path))}, expected ${kinds.join(' or ')}.`)];
      }
    }
    return [problemAt(document, path, sentence(issue.message), suggestionFor(issue, valueAt(document.value, path)))];
  });
}

/**
 * The branch of a union that the author meant: of those that take a value of this kind at all, the one whose problems
 * lie deepest, then the one with the fewest.
 */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const depth = (branch: readonly z.core.$ZodIssue[]): number => Math.max(...branch.map((i) => i.path.length));
  return branches
    .filter((branch) => branch.length > 0 && !branch.some((i) => isWrongKind(i)))
    .sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
}

function isWrongKind(issue: z.core.$ZodIssue): issue is z.core.$ZodIssueInvalidType {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function suggestionFor(issue: z.core.$ZodIssue, found: unknown): string | undefined {
  if (issue.code !== 'invalid_value' || typeof found !== 'string') return undefined;
  return nearest(found, issue.values.filter((value) => typeof value === 'string'));
}

function valueAt(value: unknown, path: JsonPath): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Readonly<Record<string | number, unknown>>)[step];
  }
  return current;
}

function sentence(message: string): string {
  return message.endsWith('.') ? message : `${message}.`;
}
