import * as z from 'zod';
import { agentSchema } from '../agent/configuration/schema.ts';
import { agentStatusSchema } from '../agent/status.ts';
import { fleetSchemas } from './fleetSchemas.ts';
import { count, failure, fingerprint, generation, identity, name, nodeSummary, position, publicKey } from './schemaParts.ts';

/**
 * The shapes of the results that `--json` prints: the one source of docs/schemas, which scripts/schemas.js writes.
 * The CLI itself does not load this: the end-to-end tests hold what it prints against it.
 */

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
    action: z.enum(['created', 'unchanged', 'resigned', 'extended', 'resealed']).optional().describe('resigned: the header alone is new; extended: sealed to newcomers alone; resealed: encrypted anew under another data key; absent where it failed before that was known'),
    generation: z.int().min(1).optional(),
    gained: z.array(z.strictObject({ ...party, fingerprint })).optional(),
    lost: z.array(z.strictObject({ ...party, reason: z.enum(['not-selected', 'not-named', 'unknown', 'not-on-roster', 'excluded']) })).optional(),
    rekeyed: z.array(z.strictObject({ ...party, before: fingerprint, after: fingerprint })).optional(),
    unknown: z.array(name).optional().describe('nodes that are gone from the inventory and still can open it'),
    fields: z.strictObject({ added: fieldNames, changed: fieldNames, removed: fieldNames }).optional().describe('names of fields whose value is another'),
    search_query: z.strictObject({ from: z.string(), to: z.string() }).optional().describe('this and the next two: where it is another'),
    named_admins: z.strictObject({ from: fieldNames.nullable(), to: fieldNames.nullable() }).optional().describe('null: everyone on the roster'),
    named_clients: z.strictObject({ from: fieldNames, to: fieldNames }).optional(),
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

const names = z.array(name);
const rights = z.tuple([z.literal('seal')]).optional().describe('absent: everything; seal: be a recipient and sign items, no more');
const difference = {
  added: z.array(z.strictObject({ name, rights, fingerprint, signing_fingerprint: fingerprint })).describe('with the fingerprints of the sealing key and of the signing key'),
  removed: names,
  quorum: z.strictObject({ before: z.int().min(1), after: z.int().min(1) }),
};
const approval = { signed: names.describe('admins who signed'), missing: names.describe('admins who did not'), needed: count.describe('how many more must sign') };

const rosterOutcome = z.strictObject({
  state: z.enum(['in-effect', 'proposed', 'ready']).describe('ready: it has its quorum, and an admin who stays must approve it'),
  version: z.int().min(1).describe('of the roster that is proposed or in effect'), fingerprint, ...difference, ...approval,
  already_signed: z.boolean().describe('there was nothing left to sign'),
  items: z.array(z.strictObject({
    vault: name, item: name, done: z.enum(['resealed', 'extended', 'signed']).optional(), generation: z.int().min(1).optional(),
    error: z.strictObject(failure).optional(),
  })).describe('that were written for it, or should have been'),
});

const recovery = z.strictObject({ name, secret: z.string().describe('the line of an identity file; it is printed here and kept nowhere'), fingerprint })
  .optional().describe('the identity that was made, with --recovery or --generate');

const pinned = { version: z.int().min(1), fingerprint, repository: fingerprint.describe('of version 1 of the roster') };
const trust = z.strictObject({
  location: z.string(), remembered: z.strictObject(pinned).nullable(),
  here: z.strictObject({ ...pinned, quorum: z.int().min(1), admins: names, refreshers: names.optional().describe('who may only seal') }).nullable().describe('the newest version; null where the chain does not walk'),
  problem: z.strictObject(failure).optional(),
});
const gitInstall = z.strictObject({
  top: z.string().describe('top directory of the git work tree'),
  attributes: z.enum(['written', 'present']).describe('of .gitattributes'),
  config: z.enum(['written', 'present']).describe('of the configuration of this clone'),
  hooks: z.array(z.strictObject({ name, path: z.string(), state: z.enum(['installed', 'present', 'foreign']).describe('foreign: somebody else\'s, and left as it is') })),
});

const version = z.strictObject({ generation, signer: name, time: z.string() });
const rosterVersion = z.strictObject({ version: z.int().min(1), quorum: z.int().min(1), fingerprint, trusted: z.boolean().describe('of one chain of signatures with the roster that is trusted here') });
const keyChange = z.enum(['added', 'removed', 'key-changed']);

const verifyFinding = z.strictObject({
  vault: name.optional(), item: name.optional(), path: z.string().optional().describe('from the root of the repository, as PATH or PATH:LINE'), ...failure,
});

/** By command, with spaces; `error` is what every command prints when it fails. */
export const schemas = {
  'admin add': rosterOutcome.extend({ recovery }),
  'admin approve': rosterOutcome,
  'admin list': z.strictObject({
    version: z.int().min(1), quorum: z.int().min(1), fingerprint: fingerprint.describe('of this version of the roster'),
    repository: fingerprint.describe('of version 1 of the roster'),
    admins: z.array(z.strictObject({ name, rights, fingerprint, signing_fingerprint: fingerprint, public_key: publicKey, signing_key: publicKey })),
    proposals: z.array(z.strictObject({
      fingerprint, state: z.enum(['open', 'in-effect', 'stale', 'unsigned', 'damaged']), version: z.int().min(1).optional(), time: z.string().optional(),
      ...z.strictObject({ ...difference, ...approval }).partial().shape,
      error: z.strictObject({ code: failure.code, message: z.string() }).optional(),
    })).describe('for the next version'),
  }),
  'admin quorum': rosterOutcome,
  'admin remove': rosterOutcome,
  'admin withdraw': z.strictObject({ withdrawn: fingerprint }),
  'agent check': z.strictObject({
    config: z.string().describe('path of the file'), items: count.describe('that it names'), deliveries: count,
    findings: z.array(z.strictObject({ severity: z.enum(['error', 'warning']), path: z.string().describe('as deliveries[0].owner'), ...position, ...failure }))
      .describe('what it names and what is not so on this machine; an error keeps the agent from starting, or a delivery from being made'),
  }),
  'agent install': z.strictObject({
    unit: z.string().describe('its text'), path: z.string().optional().describe('absent with --dry-run'), state: z.enum(['planned', 'created', 'updated', 'unchanged']),
  }),
  'agent status': agentStatusSchema,
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
  'create item': itemChanges,
  'delete item': z.strictObject({
    vault: name, item: name, generation: count.describe('0 where it was gone already'), fields: fieldNames, admins: z.array(name), clients: z.array(name).describe('nodes that could open it'),
  }),
  'download': z.strictObject({
    vault: name, item: name,
    files: z.array(z.strictObject({ field: name, path: z.string(), mode: z.string().regex(/^0[0-7]{3}$/), bytes: count })),
  }),
  'edit': itemChanges,
  'init': z.strictObject({
    root: z.string(), admin: z.strictObject({ name, public_key: publicKey, signing_key: publicKey }),
    roster: fingerprint.describe('of version 1 of the roster: what readers compare'), identity: z.string().describe('path of the identity file'), recovery,
    git: gitInstall.optional().describe('where the repository lies in a git work tree; not told with a recovery identity'),
  }),
  'diff': z.strictObject({
    roster: z.strictObject({ from: rosterVersion.optional(), to: rosterVersion.optional(), admins: z.array(z.strictObject({ name, change: keyChange })) }).optional()
      .describe('absent where it is the same'),
    items: z.array(z.strictObject({
      vault: name, item: name, change: z.enum(['added', 'removed', 'changed']), from: version.optional(), to: version.optional(),
      fields: z.array(z.strictObject({ name, change: z.enum(['added', 'removed', 'changed', 'encrypted-anew']).describe('encrypted-anew: whether the value is another cannot be told without an identity that opens both') })),
      recipients: z.array(z.strictObject({ role: z.enum(['admin', 'client']), name, change: keyChange })),
      search_query: z.strictObject({ from: z.string(), to: z.string() }).optional(),
      named_admins: z.strictObject({ from: z.array(name).nullable(), to: z.array(name).nullable() }).optional().describe('null: everyone on the roster'),
      named_clients: z.strictObject({ from: z.array(name), to: z.array(name) }).optional(),
      problems: z.array(z.strictObject({ side: z.enum(['from', 'to']), code: failure.code, message: z.string() })).optional().describe('versions that cannot be read or trusted'),
    })),
  }),
  'evict': itemChanges.extend({
    party: z.strictObject(party), aliases: z.array(name).describe('names under which the same key opens items still'),
    exposed: z.array(z.strictObject({
      vault: name, item: name, first: generation, last: generation, incomplete: z.boolean().describe('of some generation the fields are not known any more'),
      fields: z.array(z.strictObject({ name, first: generation, last: generation })),
    })).describe('what the party could ever read, with the first and the last generation: to be changed at its source'),
    unknown_generations: z.array(z.strictObject({ vault: name, item: name, ranges: z.array(z.strictObject({ first: generation, last: generation })) }))
      .describe('in no commit: whom they were sealed to cannot be told'),
    roster: rosterOutcome.optional().describe('of an admin: what became of the roster'),
  }),
  'git install': gitInstall,
  'git textconv': z.strictObject({ kind: z.enum(['item', 'keys', 'roster', 'other']), lines: z.array(z.string()) }),
  'isvault': z.strictObject({ vault: name, item: name, vault_item: z.boolean() }),
  'itemtype': z.strictObject({ vault: name, item: name, type: z.enum(['vault', 'chef-vault', 'encrypted', 'plain']) }),
  'key generate': identity,
  'key show': identity,
  'list': z.strictObject({
    items: z.array(z.strictObject({ vault: name, item: name, generation: z.int().min(1), admins: count, clients: count.describe('nodes') })),
    problems: z.array(z.strictObject({ vault: name, item: name, error: z.strictObject({ code: failure.code, message: z.string() }) })).optional()
      .describe('items that cannot be trusted or read'),
    foreign: z.array(z.strictObject({ vault: name, item: name })).optional().describe('items of chef-vault'),
  }),
  'migrate': z.strictObject({
    from: z.string().describe('directory of the repository'), to: z.string(), repository: fingerprint.describe('of version 1 of the roster'), fingerprint: fingerprint.describe('of the newest roster'),
    rosters: count, items: count, inventory: count.describe('nodes, clients, roles and users'), proposals: count, changed: count.describe('documents that this run wrote or removed'),
    joining: z.strictObject({ invitations: count, requests: count, admissions: count, moved: z.boolean().describe('false: files have no place for it') }).optional().describe('there where "from" is in etcd'),
    left: z.array(z.strictObject({ vault: name, item: name })).describe('items of other programs, which stay where they are'),
  }),
  'merge-driver': z.strictObject({ path: z.string(), merged: z.boolean() }),
  'node add': z.strictObject({ name, key_type: identity.shape.type, fingerprint }),
  'node list': z.strictObject({ nodes: z.array(z.strictObject(nodeSummary)) }),
  'node remove': z.strictObject({ removed: name }),
  'node show': z.strictObject({ ...nodeSummary, node: z.record(z.string(), z.json()).describe('the Chef node object') }),
  'plan iam': plans,
  'refresh': itemChanges,
  'remove': itemChanges,
  'rotate keys': itemChanges,
  'resolve': z.strictObject({ vault: name, item: name, generation, took: z.enum(['ours', 'theirs']) }),
  'sandbox': z.strictObject({
    url: z.url(), accounts: z.array(z.strictObject({ name, id: z.string().regex(/^[0-9]{12}$/) })),
    config_file: z.string().optional().describe('the AWS config file that was written'),
  }),
  'show': z.strictObject({
    vault: name, item: name, generation: z.int().min(1), search_query: z.string().optional(), admins: z.array(name).optional(), clients: z.array(name).optional(),
    fields: fieldNames.optional(), signed_by: name.optional(), values: z.record(z.string(), z.json()).optional().describe('with --values'),
    audience: z.object({ name, epoch: z.int(), present: z.boolean().describe('whether the item is sealed to the present key of the audience') }).optional().describe('where it is sealed to an audience, or is one'),
  }).describe('without an ITEM: as show-vault.schema.json; with --print, only the members asked for after the first three'),
  'show vault': z.strictObject({
    vault: name, items: z.array(z.strictObject({ item: name, generation: z.int().min(1) })),
    problems: z.array(z.strictObject({ item: name, error: z.strictObject({ code: failure.code, message: z.string() }) })).optional(),
    others: z.array(name).optional().describe('data bag items that are no vault\'s'),
  }),
  'search': z.strictObject({ query: z.string(), nodes: z.array(z.strictObject({ name })) }),
  'search --why': z.strictObject({ query: z.string(), node: name, matched: z.boolean(), explanation }),
  'update': itemChanges,
  'trust pin': trust,
  'trust show': trust,
  'verify': z.strictObject({
    roster: z.strictObject({ version: z.int().min(1), fingerprint: fingerprint.describe('of this version of the roster') }).optional().describe('absent where no roster can be trusted'),
    items: count, recipients: count.describe('of the sound items; who can open several counts several times'),
    problems: z.array(verifyFinding).describe('each is a failure; the exit code is that of the worst'),
    warnings: z.array(verifyFinding),
    scanned: count.describe('files in which plaintext credentials were looked for'),
  }),
  ...fleetSchemas,
  'error': z.strictObject({ error: z.looseObject(failure).describe('facts about the failure follow the first three members; which ones depends on the code') }),
} satisfies Record<string, z.core.$ZodType>;

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

/** Name of the file that {@link publishedAgentConfiguration} is in. */
export const AGENT_CONFIGURATION_FILE = 'agent.schema.json';

/** The configuration of the agent as a person writes it, for editors; what JSON Schema cannot say, "vault agent check" does. */
export function publishedAgentConfiguration(): string {
  const { $schema, ...rest } = z.toJSONSchema(agentSchema, { target: 'draft-2020-12', io: 'input' });
  return `${JSON.stringify({ $schema, title: 'Configuration of "vault agent run"', ...rest }, undefined, 2)}\n`;
}
