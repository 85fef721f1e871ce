import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { SecretText } from './secretText.ts';
import { SandboxSetupError } from './setupError.ts';
import type { State } from './state.ts';

const time = z.number();

const owner = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('user'), userName: z.string() }),
  z.strictObject({
    kind: z.enum(['user-session', 'role-session']),
    arn: z.string(),
    userId: z.string(),
    administrator: z.boolean(),
    expiresAt: time,
    token: z.string(),
  }),
]);

const user = z.strictObject({
  name: z.string(),
  path: z.string(),
  id: z.string(),
  createdAt: time,
  tags: z.array(z.tuple([z.string(), z.string()])),
  permissionsBoundary: z.string().optional(),
  administrator: z.boolean(),
});

const group = z.strictObject({
  name: z.string(),
  path: z.string(),
  id: z.string(),
  createdAt: time,
  members: z.array(z.string()),
  inlinePolicies: z.array(z.tuple([z.string(), z.string()])),
  attachedPolicies: z.array(z.string()),
});

const accessKey = z.strictObject({
  id: z.string(),
  secret: z.string(),
  accountId: z.string(),
  owner,
  seeded: z.boolean(),
  createdAt: time,
  status: z.enum(['Active', 'Inactive']),
  deletedAt: time.optional(),
  lastUsed: z.strictObject({ at: time, service: z.string(), region: z.string() }).optional(),
});

const document = z.strictObject({
  format: z.literal('iam-vault-sandbox-state-1'),
  accounts: z.array(z.strictObject({ name: z.string(), id: z.string(), users: z.array(user), groups: z.array(group) })),
  accessKeys: z.array(accessKey),
});

/** The state as JSON, with the secrets in the clear. */
export function encodeState(state: State): string {
  const value: z.input<typeof document> = {
    format: 'iam-vault-sandbox-state-1',
    accounts: Array.from(state.accounts.values(), ({ name, id, users, groups }) => ({
      name,
      id,
      users: Array.from(users.values(), (entry) => ({ ...entry, tags: [...entry.tags] })),
      groups: Array.from(groups.values(), (entry) => ({
        ...entry,
        members: [...entry.members],
        inlinePolicies: [...entry.inlinePolicies],
        attachedPolicies: [...entry.attachedPolicies],
      })),
    })),
    accessKeys: Array.from(state.accessKeys.values(), (key) => ({
      ...key,
      secret: key.secret.reveal(),
      owner: key.owner.kind === 'user' ? key.owner : { ...key.owner, token: key.owner.token.reveal() },
    })),
  };
  return JSON.stringify(value);
}

/** @throws SandboxSetupError state-file-invalid; its message quotes nothing of the text, which holds secrets */
export function decodeState(text: string): State {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without its cause: the message of a SyntaxError quotes the text.
    throw new SandboxSetupError('state-file-invalid', 'The state of the sandbox is not JSON.');
  }
  const read = document.safeParse(value);
  if (!read.success) {
    const places = read.error.issues.map((issue) => issue.path.join('.'));
    throw new SandboxSetupError('state-file-invalid', `The state of the sandbox is malformed at: ${places.join(', ')}`);
  }
  return {
    accounts: new Map(
      read.data.accounts.map(({ name, id, users, groups }) => [
        id,
        {
          name,
          id,
          users: new Map(
            users.map((entry) => [
              entry.name.toLowerCase(),
              { ...entry, tags: new Map(entry.tags), permissionsBoundary: entry.permissionsBoundary },
            ]),
          ),
          groups: new Map(
            groups.map((entry) => [
              entry.name.toLowerCase(),
              {
                ...entry,
                members: new Set(entry.members),
                inlinePolicies: new Map(entry.inlinePolicies),
                attachedPolicies: new Set(entry.attachedPolicies),
              },
            ]),
          ),
        },
      ]),
    ),
    accessKeys: new Map(
      read.data.accessKeys.map((key) => [
        key.id,
        {
          ...key,
          secret: new SecretText(key.secret),
          owner: key.owner.kind === 'user' ? key.owner : { ...key.owner, token: new SecretText(key.owner.token) },
          deletedAt: key.deletedAt,
          lastUsed: key.lastUsed,
        },
      ]),
    ),
  };
}

/**
 * Reads a state file; undefined where there is none.
 * @throws SandboxSetupError state-file-invalid, state-file-exposed, state-file-unreadable
 */
export async function readStateFile(path: string): Promise<State | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new SandboxSetupError('state-file-exposed', `${path} holds secrets and others may read or write it; its mode must be 0600.`);
    }
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof SandboxSetupError) throw cause;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new SandboxSetupError('state-file-unreadable', `${path} cannot be read.`, { cause });
  }
  return decodeState(text);
}

/** Replaces the file at once and durably: after a crash it is the one before or this one, whole. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  // What a killed sandbox left. Removed, not overwritten: `wx` below then neither follows a link nor inherits a mode.
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Saves the state to `path`. Calls that come while one is writing share the next write: each returns once a state is
 * durable that was taken after it was called.
 */
export function createSaver(path: string, text: () => string): () => Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= writing
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        writing = replaceFile(path, text());
        return writing;
      });
    return next;
  };
}
