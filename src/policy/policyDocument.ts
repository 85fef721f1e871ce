import * as z from 'zod';
import type { JsonPath } from '../json/parse.ts';

/** What a condition compares with; IAM takes booleans and numbers as well as their text. */
export type ConditionValue = string | number | boolean;

/** operator → condition key → value or values */
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, ConditionValue | readonly ConditionValue[]>>>>;

/** One statement of an identity policy: exactly one of Action and NotAction, exactly one of Resource and NotResource. */
export interface Statement {
  readonly Sid?: string | undefined;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[] | undefined;
  readonly NotAction?: string | readonly string[] | undefined;
  readonly Resource?: string | readonly string[] | undefined;
  readonly NotResource?: string | readonly string[] | undefined;
  readonly Condition?: ConditionBlock | undefined;
}

/**
 * An identity policy, as it is written and as IAM takes it.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export interface PolicyDocument {
  readonly Version?: '2012-10-17' | '2008-10-17' | undefined;
  readonly Id?: string | undefined;
  readonly Statement: Statement | readonly Statement[];
}

const text = z.string().min(1);
const oneOrMany = z.union([text, z.array(text).min(1)]);
const conditionValue = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => (issue.input === undefined ? 'missing; expected a string, a number, true or false, or a list of them' : undefined),
});
const noPrincipal = z
  .never({ error: 'found a principal; a policy of a group applies to its users, so it names none' })
  .optional();

/** One of two members must be there, and not both. `when`: checked even where something else is wrong too. */
function exactlyOne<T extends z.ZodType>(schema: T, first: string, second: string): T {
  return schema.refine(
    (value) => !isObject(value) || (first in value) !== (second in value),
    {
      error: (issue) => {
        const both = isObject(issue.input) && first in issue.input;
        return both
          ? `found both ${first} and ${second}; exactly one of them is allowed`
          : `neither ${first} nor ${second} is there; exactly one of them is needed`;
      },
      when: () => true,
    },
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

const plainStatement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMany.optional(),
  NotAction: oneOrMany.optional(),
  Resource: oneOrMany.optional(),
  NotResource: oneOrMany.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.union([conditionValue, z.array(conditionValue)]))).optional(),
  Principal: noPrincipal,
  NotPrincipal: noPrincipal,
});

const statement = exactlyOne(exactlyOne(plainStatement, 'Action', 'NotAction'), 'Resource', 'NotResource');

/** Accepts exactly what {@link PolicyDocument} describes. */
export const policyDocumentSchema = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).optional(),
  Id: z.string().optional(),
  Statement: z.union([statement, z.array(statement).min(1)]),
});

/** A statement, and where it stands in the policy document. */
export interface StatementAt {
  readonly statement: Statement;
  /** Position among the policy's statements, from 0. */
  readonly index: number;
  /** From the policy document: `['Statement', 0]`, or `['Statement']` where there is one that is not in a list. */
  readonly path: JsonPath;
}

export function statementsOf(policy: PolicyDocument): StatementAt[] {
  const statements: Statement | readonly Statement[] = policy.Statement;
  if (isList(statements)) return statements.map((s, index) => ({ statement: s, index, path: ['Statement', index] }));
  return [{ statement: statements, index: 0, path: ['Statement'] }];
}

/** A string, and where it stands in the policy document. */
export interface TextAt {
  readonly text: string;
  readonly path: JsonPath;
}

/** The strings of one member of a statement, written alone or as a list; empty where the member is absent. */
export function textsOf({ statement: s, path }: StatementAt, member: 'Action' | 'NotAction' | 'Resource' | 'NotResource'): TextAt[] {
  const value = s[member];
  if (value === undefined) return [];
  return isList(value)
    ? value.map((one, i) => ({ text: one, path: [...path, member, i] }))
    : [{ text: value, path: [...path, member] }];
}

/** The operators, keys and values of a statement's Condition. */
export function conditionsOf({ statement: s, path }: StatementAt): { operator: string; key: string; values: readonly ConditionValue[]; path: JsonPath }[] {
  return Object.entries(s.Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => ({
      operator, key, values: isList(value) ? value : [value], path: [...path, 'Condition', operator, key],
    })));
}

/** Array.isArray does not tell a readonly list from what is none. */
function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
