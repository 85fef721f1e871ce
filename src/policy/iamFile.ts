import { isVaultError } from '../errors.ts';
import { parseJson, type JsonDocument, type JsonPath } from '../json/parse.ts';
import { invalidInput, problemAt, validate, type Problem } from '../json/validate.ts';
import { quoted } from '../json/issueText.ts';
import { nameProblem } from '../names.ts';
import { iamFileSchema } from './iamFileSchema.ts';
import { itemName } from './itemName.ts';
import type { PolicyDocument } from './policyDocument.ts';

/** What an action on a resource must come to. */
export interface PolicyTest {
  readonly expect: 'allow' | 'deny';
  readonly action: string;
  /** An ARN, or `*` for an action that is on no resource. */
  readonly on: string;
}

/** An IAM file, as docs/format.md describes it, with defaults filled in. */
export interface IamFile {
  /** Where it came from, for messages. */
  readonly source: string;
  /** Profiles; at least one. */
  readonly accounts: readonly string[];
  readonly user: string;
  readonly group: string;
  /** As written, and as it is sent to IAM. */
  readonly policy: PolicyDocument;
  readonly searchQuery: string;
  readonly vault: string;
  /** Undefined: everyone on the roster. */
  readonly admins: readonly string[] | undefined;
  /** IAM path of user and group. */
  readonly path: string;
  readonly tags: Readonly<Record<string, string>>;
  /** ARN of a managed policy. */
  readonly permissionsBoundary: string | undefined;
  /** ARNs. Undefined: the file says nothing of them, which is not the same as an empty list. */
  readonly managedPolicies: readonly string[] | undefined;
  readonly policyTests: readonly PolicyTest[];
}

/** An IAM file with the text it was read from, so that what is found later can be shown where it stands. */
export interface IamFileDocument {
  readonly file: IamFile;
  readonly document: JsonDocument;
}

/** Many times what IAM takes of a policy, with room for tests and accounts. */
const IAM_FILE_MAX_BYTES = 256 * 1024;

/** Reads an IAM file. @throws VaultError as {@link parseIamFileDocument} does */
export function parseIamFile(bytes: Uint8Array, source: string): IamFile {
  return parseIamFileDocument(bytes, source).file;
}

/**
 * Reads an IAM file, and keeps its text.
 * @throws VaultError input-too-large, input-too-deep, input-not-json, input-duplicate-key; input-invalid with all problems
 */
export function parseIamFileDocument(bytes: Uint8Array, source: string): IamFileDocument {
  const document = parseJson(bytes, source, { maxBytes: IAM_FILE_MAX_BYTES });
  const problems: Problem[] = [];
  let input: ReturnType<typeof validateFile> | undefined;
  try {
    input = validateFile(document);
  } catch (error) {
    if (!isVaultError(error, 'input-invalid') || !isProblems(error.details['problems'])) throw error;
    problems.push(...error.details['problems']);
  }
  problems.push(...itemNameProblems(document, new Set(problems.map((problem) => problem.path))));
  if (input === undefined || problems.length > 0) throw invalidInput(source, problems);
  return {
    document,
    file: {
      source,
      accounts: input.accounts,
      user: input.user,
      group: input.group,
      policy: input.policy,
      searchQuery: input.search_query,
      vault: input.vault,
      admins: input.admins,
      path: input.path,
      tags: input.tags,
      permissionsBoundary: input.permissions_boundary,
      managedPolicies: input.managed_policies,
      policyTests: input.policy_tests.map(({ allow, deny, on }) => ({
        expect: allow === undefined ? 'deny' : 'allow', action: allow ?? deny ?? '', on,
      })),
    },
  };
}

function validateFile(document: JsonDocument) {
  // Nothing in an IAM file is secret: what was found may be repeated.
  return validate(iamFileSchema, document, undefined, { quote: true });
}

/**
 * What is wrong with the item names that accounts and user come to. It looks at the file as it was written, so that it
 * can report beside the problems of other fields; fields that have one of their own (`reported`) are left out.
 */
function itemNameProblems(document: JsonDocument, reported: ReadonlySet<string>): Problem[] {
  if (!isRecord(document.value)) return [];
  const { accounts, user } = document.value;
  if (!Array.isArray(accounts) || typeof user !== 'string' || reported.has('user')) return [];
  const problems: Problem[] = [];
  const taken = new Map<string, string>();
  for (const [i, account] of accounts.entries()) {
    const path: JsonPath = ['accounts', i];
    if (typeof account !== 'string' || account === '' || reported.has(`accounts[${String(i)}]`)) continue;
    const item = itemName(account, user);
    const problem = nameProblem('item', item);
    const other = taken.get(item);
    if (problem !== undefined) {
      problems.push(problemAt(document, path, `with this account and user the item would be named ${quoted(item)}: ${problem}.`));
    } else if (other !== undefined && other !== account) {
      problems.push(problemAt(document, path,
        `the accounts ${quoted(other)} and ${quoted(account)} would both seal into the item ${quoted(item)}; rename one of the profiles.`));
    }
    taken.set(item, account);
  }
  return problems;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isProblems(value: unknown): value is readonly Problem[] {
  return Array.isArray(value);
}
