import * as z from 'zod';
import { VaultError } from '../errors.ts';
import { parseJson } from '../json/parse.ts';
import { validate } from '../json/validate.ts';
import { nameProblem } from '../names.ts';
import { parsePublicKey, parseSigningKey, type PublicKey, type SigningKey } from '../sealing/publicKey.ts';
import { adminWithKeys } from '../trust/adminKeys.ts';
import type { Admin } from '../trust/roster.ts';
import { parseLarge } from './largeDocument.ts';

/** Of clients and users, which hold little more than keys. */
const PARTY_LIMITS = { maxBytes: 64 << 10, maxDepth: 64 };

interface Wrong {
  readonly expected: 'string' | 'array' | 'record';
  readonly input: unknown;
  readonly path: (string | number)[];
}

/** What is wrong first with a list of strings. More is not reported: a document may hold millions. */
function wrongInList(list: unknown): Wrong | undefined {
  if (!Array.isArray(list)) return { expected: 'array', input: list, path: [] };
  const index = list.findIndex((element) => typeof element !== 'string');
  return index === -1 ? undefined : { expected: 'string', input: list[index], path: [index] };
}

function wrongInLists(lists: unknown): Wrong | undefined {
  if (typeof lists !== 'object' || lists === null || Array.isArray(lists)) return { expected: 'record', input: lists, path: [] };
  for (const [key, list] of Object.entries(lists)) {
    const wrong = wrongInList(list);
    if (wrong !== undefined) return { ...wrong, path: [key, ...wrong.path] };
  }
  return undefined;
}

function checkedBy<T>(wrongIn: (value: unknown) => Wrong | undefined): z.ZodOptional<z.ZodType<T>> {
  return z.custom<T>().check(({ value, issues }) => {
    const wrong = wrongIn(value);
    if (wrong !== undefined) issues.push({ code: 'invalid_type', ...wrong });
  }).optional();
}

const runList = checkedBy<string[]>(wrongInList);
const attributes = z.record(z.string(), z.unknown()).optional();

const nodeSchema = z.looseObject({
  name: z.string(),
  chef_environment: z.string().optional(),
  run_list: runList,
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
  run_list: runList,
  env_run_lists: checkedBy<Record<string, string[]>>(wrongInLists),
});

/** Parses roles/ROLE.json. */
export function parseRole(bytes: Uint8Array, source: string, name: string): Role {
  const role = parseLarge(roleSchema, bytes, source);
  requireName(role.name, name, source);
  return { name, runList: role.run_list ?? [], envRunLists: role.env_run_lists ?? {} };
}

const clientSchema = z.looseObject({ name: z.string().optional(), clientname: z.string().optional(), public_key: z.string().optional(), signing_key: z.string().optional() });

/** Parses clients/NODE.json. @throws VaultError key-invalid where it has no key that can be sealed to */
export function parseClient(bytes: Uint8Array, source: string, name: string): PublicKey {
  const client = clientIn(bytes, source, name);
  if (client.public_key === undefined) {
    throw new VaultError('key-invalid', `${source} holds no public key.`, { hint: 'Add one with "vault node add NAME --key LINE".' });
  }
  return parsePublicKey(client.public_key);
}

/**
 * What the statements of a node are verified with, from clients/NODE.json: its `signing_key`, or the key of which an `ssh-ed25519` line is both. Undefined for a
 * node that cannot sign. @throws VaultError input-*, name-invalid, key-invalid
 */
export function parseClientSigningKey(bytes: Uint8Array, source: string, name: string): SigningKey | undefined {
  const { signing_key, public_key } = clientIn(bytes, source, name);
  if (signing_key !== undefined) return parseSigningKey(signing_key);
  return public_key?.trim().startsWith('ssh-') === true ? parseSigningKey(public_key) : undefined;
}

function clientIn(bytes: Uint8Array, source: string, name: string): z.output<typeof clientSchema> {
  const client = validate(clientSchema, parseJson(bytes, source, PARTY_LIMITS));
  requireName(client.name ?? client.clientname ?? name, name, source);
  return client;
}

const userSchema = z.looseObject({ name: z.string().optional(), username: z.string().optional(), public_key: z.string(), signing_key: z.string().optional(), rights: z.unknown().optional() });

/** Parses users/ADMIN.json, or what `vault key show --json` prints. @throws VaultError input-*, name-invalid, key-invalid */
export function parseUser(bytes: Uint8Array, source: string, name: string): Admin {
  const user = validate(userSchema, parseJson(bytes, source, PARTY_LIMITS));
  requireName(user.name ?? user.username ?? name, name, source);
  const admin = adminWithKeys(name, user.public_key, user.signing_key);
  // Whatever else it says, who is not said to have every right does not get them by a document.
  return user.rights === undefined ? admin : { ...admin, rights: ['seal'] };
}

function requireName(found: string, expected: string, source: string): void {
  if (found === expected && nameProblem('node', found) === undefined) return;
  throw new VaultError('name-invalid', `${source} says that its name is ${JSON.stringify(found.slice(0, 200))}, not ${JSON.stringify(expected)}.`, {
    hint: 'A file is named as what it describes: rename one of the two.', details: { source, expected },
  });
}
