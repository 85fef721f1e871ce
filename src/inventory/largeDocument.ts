import type * as z from 'zod';
import { VaultError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { issueText } from '../json/issueText.ts';
import { parseJson } from '../json/parse.ts';
import { formatPath, validate } from '../json/validate.ts';
import { countMembers, countWrittenMembers, mayHaveDuplicates } from './members.ts';

const LIMITS = { maxBytes: 16 << 20, maxDepth: 64 };
/** Largest document in which the strict parser looks for the place of a problem: it needs some 140 bytes for each. */
const POSITION_MAX_BYTES = 1 << 20;
/** Most problems that one error reports. */
const PROBLEMS_MAX = 100;

/**
 * Parses a node or role. They are large and many, and a program wrote them: they go through the engine's own parser,
 * which is ten times faster; where something is wrong, the strict one says where and why, unless it is too large for that.
 * @throws VaultError input-*
 */
export function parseLarge<S extends z.ZodType>(schema: S, bytes: Uint8Array, source: string): z.output<S> {
  const parsed = bytes.byteLength <= LIMITS.maxBytes ? parseFast(schema, bytes, source) : undefined;
  if (parsed !== undefined && 'data' in parsed) return parsed.data;
  if (parsed === undefined || bytes.byteLength <= POSITION_MAX_BYTES) return validate(schema, parseJson(bytes, source, LIMITS));
  throw parsed.problem;
}

type Fast<T> = { readonly data: T } | { readonly problem: VaultError };

function parseFast<S extends z.ZodType>(schema: S, bytes: Uint8Array, source: string): Fast<z.output<S>> {
  const failure = (code: ErrorCode, message: string, details: ErrorDetails = {}): Fast<never> =>
    ({ problem: new VaultError(code, message, { hint: 'The document is too large to say where; look for it with a JSON tool.', details: { source, ...details } }) });
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    return failure('input-not-json', `${source}: this is not valid JSON.`);
  }
  const members = countMembers(value, LIMITS.maxDepth);
  if (members === undefined) {
    return failure('input-too-deep', `${source}: nested more than ${String(LIMITS.maxDepth)} levels deep.`, { maxDepth: LIMITS.maxDepth });
  }
  if (mayHaveDuplicates(text, members) && countWrittenMembers(text) !== members) {
    return failure('input-duplicate-key', `${source}: a key appears twice in one object.`);
  }
  const result = schema.safeParse(value, { error: (issue) => issueText(issue, false) });
  if (result.success) return { data: result.data };
  const problems = result.error.issues.slice(0, PROBLEMS_MAX).map(({ path, message }) => ({ path: formatPath(path.filter((step) => typeof step !== 'symbol')), message }));
  return failure('input-invalid', problems.map(({ path, message }) => `${source}: ${path}${path === '' ? '' : ': '}${message}.`).join('\n'), { problems });
}
