import * as z from 'zod';
import { ApiError } from './apiError.ts';

const oneOrMore = (text: z.ZodString) => z.union([text, z.array(text).min(1)]);
const action = oneOrMore(z.string().regex(/^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$/, 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'));
const resource = oneOrMore(z.string().regex(/^(\*|arn:[^:]+:[^:]+:[^:]*:[^:]*:.+)$/, 'Resource must be in ARN format or "*".'));
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const condition = z.record(z.string().min(1), z.record(z.string().min(1), z.union([scalar, z.array(scalar)])));

const statement = z
  .strictObject({
    Sid: z.string().regex(/^[A-Za-z0-9]*$/, 'Statement IDs (SID) must be alpha numeric.').optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Action: action.optional(),
    NotAction: action.optional(),
    Resource: resource.optional(),
    NotResource: resource.optional(),
    Condition: condition.optional(),
  })
  .refine((value) => (value.Action === undefined) !== (value.NotAction === undefined), 'Policy statement must contain actions.')
  .refine((value) => (value.Resource === undefined) !== (value.NotResource === undefined), 'Policy statement must contain resources.');

const policy = z.strictObject({
  Version: z.enum(['2008-10-17', '2012-10-17']).optional(),
  Id: z.string().optional(),
  Statement: z
    .union([statement.transform((value) => [value]), z.array(statement).min(1)])
    .refine((statements) => {
      const sids = statements.flatMap(({ Sid }) => (Sid === undefined || Sid === '' ? [] : [Sid]));
      return new Set(sids).size === sids.length;
    }, 'Statement IDs (SID) in a single policy must be unique.'),
});

/**
 * Checks the grammar of a policy that is attached to an identity; says nothing about which actions exist.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * @throws ApiError MalformedPolicyDocument
 */
export function checkPolicyDocument(document: string): void {
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    throw new ApiError('MalformedPolicyDocument', 'Syntax errors in policy.');
  }
  const read = policy.safeParse(value);
  if (!read.success) {
    const reasons = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ApiError('MalformedPolicyDocument', `Syntax errors in policy. ${reasons.join('; ')}`);
  }
}

/** Size as IAM counts it: white space is free. */
export function policySize(document: string): number {
  return document.replace(/\s/g, '').length;
}
