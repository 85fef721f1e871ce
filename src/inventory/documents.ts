import * as z from 'zod';
import { VaultError } from '../errors.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { nameProblem } from '../names.ts';
import { parsePublicKey, parseSigningKey, type PublicKey } from '../sealing/publicKey.ts';
import type { Admin } from '../trust/roster.ts';

const MAX_BYTES = 16 << 20;
const MAX_DEPTH = 64;

const attributes = z.record(z.string(), z.unknown()).optional();

const nodeSchema = z.looseObject({
  name: z.string(),
  chef_environment: z.string().optional(),
  run_list: z.array(z.string()).optional(),
  automatic: attributes,
  normal: attributes,
  default: attributes,
  override: attributes,
  policy_name: z.string().nullish(),
  policy_group: z.string().nullish(),
});

/** A Chef node object: what a query is asked of. */
export interface Node {
  readonly name: string;
  readonly chef_environment?: string;
  readonly run_list?: string[];
  readonly automatic?: Record<string, unknown>;
  readonly normal?: Record<string, unknown>;
  readonly default?: Record<string, unknown>;
  readonly override?: Record<string, unknown>;
  readonly policy_name?: string;
  readonly policy_group?: string;
}

/** A Chef role, as far as run lists need it. */
export interface Role {
  readonly name: string;
  readonly runList: readonly string[];
  readonly envRunLists: Readonly<Record<string, readonly string[]>>;
}

/** Parses nodes/NODE.json. @throws VaultError input-*, name-invalid */
export function parseNode(bytes: Uint8Array, source: string, name: string): Node {
  const parsed = parseLarge(nodeSchema, bytes, source);
  requireName(parsed.name, name, source);
  const { policy_name, policy_group, ...rest } = parsed;
  const node = { ...rest, ...(policy_name == null ? {} : { policy_name }), ...(policy_group == null ? {} : { policy_group }) };
  return Object.fromEntries(Object.entries(node).filter(([, value]) => value !== undefined)) as unknown as Node;
}

const roleSchema = z.looseObject({
  name: z.string(),
  run_list: z.array(z.string()).optional(),
  env_run_lists: z.record(z.string(), z.array(z.string())).optional(),
});

/** Parses roles/ROLE.json. */
export function parseRole(bytes: Uint8Array, source: string, name: string): Role {
  const role = parseLarge(roleSchema, bytes, source);
  requireName(role.name, name, source);
  return { name, runList: role.run_list ?? [], envRunLists: role.env_run_lists ?? {} };
}

const clientSchema = z.looseObject({ name: z.string().optional(), clientname: z.string().optional(), public_key: z.string().optional() });

/** Parses clients/NODE.json. @throws VaultError key-invalid where it has no key that can be sealed to */
export function parseClient(bytes: Uint8Array, source: string, name: string): PublicKey {
  const client = validate(clientSchema, parseJson(bytes, source, { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH }));
  requireName(client.name ?? client.clientname ?? name, name, source);
  if (client.public_key === undefined) {
    throw new VaultError('key-invalid', `${source} holds no public key.`, { hint: 'Add one with "vault node add NAME --key LINE".' });
  }
  return parsePublicKey(client.public_key);
}

const userSchema = z.looseObject({ name: z.string().optional(), username: z.string().optional(), public_key: z.string(), signing_key: z.string() });

/** Parses users/ADMIN.json. */
export function parseUser(bytes: Uint8Array, source: string, name: string): Admin {
  const user = validate(userSchema, parseJson(bytes, source, { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH }));
  requireName(user.name ?? user.username ?? name, name, source);
  return { name, public_key: parsePublicKey(user.public_key).line, signing_key: parseSigningKey(user.signing_key).line };
}

/**
 * Node objects are large and many, and a program wrote them: they go through the engine's own parser, which is ten times
 * faster; where that fails, the strict one says where and why.
 */
function parseLarge<S extends z.ZodType>(schema: S, bytes: Uint8Array, source: string): z.output<S> {
  if (bytes.byteLength <= MAX_BYTES) {
    try {
      const result = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)));
      if (result.success) return result.data;
    } catch {
      // Said below, with line and column.
    }
  }
  return validate(schema, parseJson(bytes, source, { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH }));
}

function requireName(found: string, expected: string, source: string): void {
  if (found === expected && nameProblem('node', found) === undefined) return;
  throw new VaultError('name-invalid', `${source} says that its name is ${JSON.stringify(found.slice(0, 200))}, not ${JSON.stringify(expected)}.`, {
    hint: 'A file is named as what it describes: rename one of the two.', details: { source, expected },
  });
}
