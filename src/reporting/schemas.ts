import * as z from 'zod';
import { EXIT_CODES } from './exitCodes.ts';

/**
 * The shapes of the results that `--json` prints: the one source of docs/schemas, which scripts/schemas.js writes.
 * The CLI itself does not load this: the end-to-end tests hold what it prints against it.
 */

const name = z.string().min(1);
const fingerprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/).describe('SHA-256 of the key, base64url');
const publicKey = z.string().describe('one line, as it can be given to "vault node add --key"');
const count = z.int().min(0);
const position = { line: z.int().min(1), column: z.int().min(1) };

const identity = z.strictObject({
  public_key: publicKey,
  signing_key: publicKey.optional().describe('absent for an age identity, which cannot sign'),
  fingerprint,
  type: z.enum(['vault', 'ssh-ed25519', 'age']),
  identity: z.string().describe('path of the identity file'),
});

const nodeSummary = {
  name,
  environment: z.string(),
  run_list: z.array(z.string()),
  key_type: identity.shape.type.optional().describe('absent where the node has no key that can be sealed to'),
  fingerprint: fingerprint.optional(),
  problem: z.string().optional().describe('why it cannot be sealed to'),
};

const failure = { code: z.enum(Object.keys(EXIT_CODES)), message: z.string(), hint: z.string().optional().describe('what to do next') };

const plans = z.strictObject({
  accounts: z.array(z.strictObject({
    account: name.describe('name of the profile'),
    user: name,
    group: name,
    item: name.describe('VAULT/ITEM'),
    changes: z.array(z.strictObject({
      action: z.enum(['create', 'update', 'delete']),
      resource: z.enum(['group', 'group-policy', 'managed-policy', 'user', 'user-tags', 'permissions-boundary', 'membership', 'access-key', 'item', 'recipient']),
      name,
      detail: z.string().optional().describe('for people'),
      removes: z.literal(true).optional().describe('it takes something away from somebody, and needs a confirmation or --yes'),
    })).describe('planned; of "create iam", done, unless there is an error'),
    notes: z.array(z.string()).optional().describe('for people'),
    error: z.strictObject(failure).optional(),
  })).describe('one for each user in each account, in the order of the files'),
});

const party = { role: z.enum(['admin', 'client']), name };
const fieldNames = z.array(name);

const itemChanges = z.strictObject({
  items: z.array(z.strictObject({
    vault: name, item: name,
    action: z.enum(['created', 'unchanged', 'extended', 'resealed']).optional().describe('extended: sealed to newcomers alone; resealed: encrypted anew under another data key; absent where it failed before that was known'),
    generation: z.int().min(1).optional(),
    gained: z.array(z.strictObject({ ...party, fingerprint })).optional(),
    lost: z.array(z.strictObject({ ...party, reason: z.enum(['not-selected', 'not-named', 'unknown', 'not-on-roster', 'excluded']) })).optional(),
    rekeyed: z.array(z.strictObject({ ...party, before: fingerprint, after: fingerprint })).optional(),
    unknown: z.array(name).optional().describe('nodes that are gone from the inventory and still can open it'),
    fields: z.strictObject({ added: fieldNames, changed: fieldNames, removed: fieldNames }).optional().describe('names of fields whose value is another'),
    error: z.strictObject(failure).optional(),
  })),
});

const explanation = z.strictObject({
  source: z.string().describe('the clause as it was written'),
  occur: z.enum(['must', 'should', 'must-not']),
  matched: z.boolean(),
  decisive: z.boolean().describe('the outcome of the group around it rests on this clause'),
  field: z.string().optional(),
  values: z.array(z.string()).optional().describe('those that matched, or where none did, those that the field has; at most 10'),
  more: count.describe('how many more values there are'),
  get clauses() { return z.array(explanation); },
});

const verifyFinding = z.strictObject({
  vault: name.optional(), item: name.optional(), path: z.string().optional().describe('from the root of the repository, as PATH or PATH:LINE'), ...failure,
});

/** By command, with spaces; `error` is what every command prints when it fails. */
export const schemas = {
  'admin list': z.strictObject({
    version: z.int().min(1), quorum: z.int().min(1), fingerprint: fingerprint.describe('of this version of the roster'),
    repository: fingerprint.describe('of version 1 of the roster'),
    admins: z.array(z.strictObject({ name, fingerprint, public_key: publicKey, signing_key: publicKey })),
  }),
  'check iam': z.strictObject({
    files: z.array(z.strictObject({
      file: z.string(),
      findings: z.array(z.strictObject({
        rule: z.string(), severity: z.enum(['error', 'warning']), path: z.string().describe('as policy.Statement[0].Action'), ...position,
        message: z.string(), suggestion: z.string().optional().describe('the nearest valid name'),
      })),
      tests: z.array(z.strictObject({
        index: count.describe('position in policy_tests'), expect: z.enum(['allow', 'deny']), action: z.string(), on: z.string(),
        decision: z.enum(['allow', 'explicit-deny', 'implicit-deny', 'depends']), pass: z.boolean(),
      })),
    })),
  }),
  'completion': z.strictObject({ shell: z.enum(['bash', 'zsh', 'fish']), script: z.string(), install: z.string().describe('a line for a shell, or for its configuration') }),
  'create iam': plans,
  'init': z.strictObject({
    root: z.string(), admin: z.strictObject({ name, public_key: publicKey, signing_key: publicKey }),
    roster: fingerprint.describe('of version 1 of the roster: what readers compare'), identity: z.string().describe('path of the identity file'),
  }),
  'key generate': identity,
  'key show': identity,
  'list': z.strictObject({
    items: z.array(z.strictObject({ vault: name, item: name, generation: z.int().min(1), admins: count, clients: count.describe('nodes') })),
    problems: z.array(z.strictObject({ vault: name, item: name, error: z.strictObject({ code: failure.code, message: z.string() }) })).optional()
      .describe('items that cannot be trusted or read'),
  }),
  'node add': z.strictObject({ name, key_type: identity.shape.type, fingerprint }),
  'node list': z.strictObject({ nodes: z.array(z.strictObject(nodeSummary)) }),
  'node remove': z.strictObject({ removed: name }),
  'node show': z.strictObject({ ...nodeSummary, node: z.record(z.string(), z.json()).describe('the Chef node object') }),
  'plan iam': plans,
  'sandbox': z.strictObject({
    url: z.url(), accounts: z.array(z.strictObject({ name, id: z.string().regex(/^[0-9]{12}$/) })),
    config_file: z.string().optional().describe('the AWS config file that was written'),
  }),
  'search': z.strictObject({ query: z.string(), nodes: z.array(z.strictObject({ name })) }),
  'search --why': z.strictObject({ query: z.string(), node: name, matched: z.boolean(), explanation }),
  'verify': z.strictObject({
    roster: z.strictObject({ version: z.int().min(1), fingerprint: fingerprint.describe('of this version of the roster') }).optional().describe('absent where no roster can be trusted'),
    items: count, recipients: count.describe('of the sound items; who can open several counts several times'),
    problems: z.array(verifyFinding).describe('each is a failure; the exit code is that of the worst'),
    warnings: z.array(verifyFinding),
    scanned: count.describe('files in which plaintext credentials were looked for'),
  }),
  'error': z.strictObject({ error: z.looseObject(failure).describe('facts about the failure follow the first three members; which ones depends on the code') }),
} satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof schemas;

/** `search --why` is published as search-why.schema.json. */
export function schemaFile(schema: SchemaName): string {
  return `${schema.replace(/[^a-z]+/g, '-')}.schema.json`;
}

/** A schema as it is published: JSON Schema, draft 2020-12. */
export function publishedSchema(schema: SchemaName): string {
  const title = schema === 'error' ? 'What vault prints on stdout when a command with --json fails' : `The result of vault ${schema} --json`;
  const { $schema, ...rest } = z.toJSONSchema(schemas[schema], { target: 'draft-2020-12', io: 'output' });
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`;
}
