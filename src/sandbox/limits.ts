import * as z from 'zod';

const limit = z.int().min(0).max(1_000_000);

/** IAM's quotas. Where one is reached, the action is refused with LimitExceeded. */
export const limitsSchema = z.strictObject({
  accessKeysPerUser: limit,
  groupsPerUser: limit,
  usersPerAccount: limit,
  groupsPerAccount: limit,
  tagsPerUser: limit,
  attachedPoliciesPerGroup: limit,
  /** White space is not counted; all inline policies of one group together. */
  inlinePolicyCharactersPerGroup: limit,
});

export type Limits = Readonly<z.infer<typeof limitsSchema>>;

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const DEFAULT_LIMITS: Limits = {
  accessKeysPerUser: 2,
  groupsPerUser: 10,
  usersPerAccount: 5000,
  groupsPerAccount: 300,
  tagsPerUser: 50,
  attachedPoliciesPerGroup: 10,
  inlinePolicyCharactersPerGroup: 5120,
};
