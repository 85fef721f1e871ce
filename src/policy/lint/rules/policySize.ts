import type { PolicyDocument } from '../../policyDocument.ts';
import { POLICY_PATH, type Rule } from '../rule.ts';

/**
 * Characters that all inline policies of a group may have together, white space not counted.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
 */
export const INLINE_GROUP_POLICY_MAX = 5120;

/** The length that IAM counts: blanks inside strings are counted here, because AWS does not say that they are not. */
export function policyLength(policy: PolicyDocument): number {
  return JSON.stringify(policy).length;
}

/** Twice IAM's limit: then nothing else about the policy is worth the time. */
export function isHopelesslyLong(policy: PolicyDocument): boolean {
  return policyLength(policy) > 2 * INLINE_GROUP_POLICY_MAX;
}

/** A policy that is longer than IAM takes as a group's inline policy. */
export const policySize: Rule = {
  name: 'policy-size',
  check({ file }) {
    const length = policyLength(file.policy);
    if (length <= INLINE_GROUP_POLICY_MAX) return [];
    return [{
      severity: 'error',
      path: POLICY_PATH,
      message: `the policy has ${String(length)} characters without white space between tokens; a group's inline policies may have ${String(INLINE_GROUP_POLICY_MAX)}.`,
    }];
  },
};
