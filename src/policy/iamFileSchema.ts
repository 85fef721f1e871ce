import * as z from 'zod';
import { quoted } from '../json/issueText.ts';
import { nameProblem, type NameKind } from '../names.ts';
import { hasWildcard } from './glob.ts';
import { policyDocumentSchema } from './policyDocument.ts';

/**
 * IAM's quotas.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
export const IAM_TAGS_MAX = 50;
export const IAM_MANAGED_POLICIES_MAX = 10;
const TAG_KEY_MAX = 128;
const TAG_VALUE_MAX = 256;
const ARN_MAX = 2048;
const PATH_MAX = 512;

/** Tags that are kept free for the ones by which this tool marks what it made. */
export const OWN_TAGS_MAX = 5;

/** What the keys of those tags begin with. */
export const OWN_TAG_PREFIX = 'iam-vault:';

const ACCOUNTS_MAX = 1000;
const QUERY_MAX = 8192;

function name(kind: NameKind) {
  return z.string().refine((text) => nameProblem(kind, text) === undefined, {
    error: ({ input }) => `found ${quoted(String(input))}, which cannot be the name of a ${kind}: ${nameProblem(kind, String(input)) ?? ''}`,
  });
}

/** A check that runs even where another has failed, so that all problems are reported at once: on input of any kind. */
const ALWAYS = { when: () => true };

/** Reports every element that stands earlier in its list too. */
function unique<T extends z.ZodArray<z.ZodString>>(schema: T): T {
  return schema.superRefine((list: unknown, context) => {
    if (!Array.isArray(list)) return;
    const first = new Map<string, number>();
    for (const [i, element] of list.entries()) {
      if (typeof element !== 'string') continue;
      const before = first.get(element);
      if (before === undefined) first.set(element, i);
      else context.addIssue({ code: 'custom', path: [i], message: `${quoted(element)} stands in the list already, as number ${String(before + 1)}` });
    }
  }, ALWAYS);
}

/** A section of an INI file: no line can hold a control character or keep the blanks around its name. */
const account = z.string().min(1).refine((text) => !/\p{Cc}/u.test(text) && text.trim() === text, {
  error: ({ input }) => `found ${quoted(String(input))}; a profile's name has no control characters, and no blanks around it`,
});

const path = z.string().max(PATH_MAX).regex(/^\/(?:[!-~]+\/)?$/, {
  error: ({ input }) => `found ${quoted(String(input))}; an IAM path begins and ends with / and holds printable ASCII, without blanks`,
});

const policyArn = z.string().max(ARN_MAX).regex(/^arn:aws(?:-[a-z]+)*:iam::(?:aws|[0-9]{12}):policy\/[\w+=,.@/-]+$/, {
  error: ({ input }) => `found ${quoted(String(input))}; expected the ARN of a managed policy, like arn:aws:iam::123456789012:policy/NAME`,
});

const tagKey = z.string().min(1).max(TAG_KEY_MAX)
  .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u, 'letters, digits, blanks and _ . : / = + - @ are allowed')
  .refine((key) => !/^aws:/i.test(key), 'keys that begin with aws: are kept by AWS')
  .refine((key) => !key.toLowerCase().startsWith(OWN_TAG_PREFIX), `keys that begin with ${OWN_TAG_PREFIX} are set by this tool`);

const tagValue = z.string().max(TAG_VALUE_MAX)
  .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, 'letters, digits, blanks and _ . : / = + - @ are allowed in the value of a tag');

const tags = z.record(tagKey, tagValue)
  .superRefine((record: unknown, context) => {
    if (typeof record !== 'object' || record === null) return;
    const keys = Object.keys(record);
    const allowed = IAM_TAGS_MAX - OWN_TAGS_MAX;
    if (keys.length > allowed) {
      context.addIssue({
        code: 'custom',
        message: `found ${String(keys.length)} tags; at most ${String(allowed)} are allowed: of IAM's ${String(IAM_TAGS_MAX)}, ${String(OWN_TAGS_MAX)} are kept for this tool's own`,
      });
    }
    // IAM keeps the case of a tag's key and compares without it.
    const lower = new Set<string>();
    for (const key of keys) {
      if (lower.has(key.toLowerCase())) context.addIssue({ code: 'custom', path: [key], message: 'another tag differs from this one in upper and lower case only, which IAM takes for the same' });
      lower.add(key.toLowerCase());
    }
  }, ALWAYS);

const testedAction = z.string().regex(/^[A-Za-z0-9-]+:[A-Za-z0-9-]+$/, {
  error: ({ input }) => `found ${quoted(String(input))}; expected one action, like s3:GetObject`,
});

const testedResource = z.string().max(ARN_MAX)
  .refine((on) => on === '*' || (/^arn:[^:]+:[^:]+:[^:]*:[^:]*:./.test(on) && !hasWildcard(on) && !on.includes('${')), {
    error: ({ input }) => `found ${quoted(String(input))}; expected the ARN of one resource, without wildcards, or * for an action that is on none`,
  });

const policyTest = z
  .strictObject({ allow: testedAction.optional(), deny: testedAction.optional(), on: testedResource })
  // Also asked of what is no object, which the schema before has reported by then.
  .refine((test: unknown) => typeof test !== 'object' || test === null || ('allow' in test) !== ('deny' in test), {
    error: ({ input }) => (typeof input === 'object' && input !== null && 'allow' in input
      ? 'found both allow and deny; exactly one of them is allowed'
      : 'neither allow nor deny is there; exactly one of them is needed'),
    ...ALWAYS,
  });

/** Accepts exactly the IAM files that docs/format.md describes; what accounts and user come to is checked beside it. */
export const iamFileSchema = z.strictObject({
  accounts: unique(z.array(account).min(1).max(ACCOUNTS_MAX)),
  user: name('user'),
  group: name('group'),
  policy: policyDocumentSchema,
  search_query: z.string().max(QUERY_MAX).refine((query) => query.trim() !== '', 'found an empty query; a query that selects nodes is needed'),
  vault: name('vault').default('vault'),
  admins: unique(z.array(name('admin')).min(1)).optional(),
  path: path.default('/'),
  tags: tags.default({}),
  permissions_boundary: policyArn.optional(),
  managed_policies: unique(z.array(policyArn).max(IAM_MANAGED_POLICIES_MAX)).optional(),
  policy_tests: z.array(policyTest).default([]),
});
