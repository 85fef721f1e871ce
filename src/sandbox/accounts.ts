import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { makeId, makeSecret, type RandomBytes } from './identifiers.ts';
import { SecretText } from './secretText.ts';
import { SandboxSetupError } from './setupError.ts';
import type { Account, State } from './state.ts';

/** An account of the sandbox, and the access key of its operator, an IAM user who may do everything in it. */
export interface SandboxAccount {
  readonly name: string;
  /** 12 digits. */
  readonly id: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The user whose access key an account starts with. ListUsers shows it, as a real account has users of its own. */
export const OPERATOR = 'operator';

const accountsSchema = z
  .array(
    z.strictObject({
      name: z
        .string()
        .min(1)
        .max(128)
        // eslint-disable-next-line no-control-regex -- it ends up in a section header of an INI file
        .regex(/^[^\u0000-\u001F\u007F"[\]]+$/),
      id: z.string().regex(/^[0-9]{12}$/),
      accessKeyId: z.string().regex(/^\w{16,128}$/),
      secretAccessKey: z
        .string()
        .min(1)
        .max(128)
        .regex(/^[\u0021-\u007E]+$/),
    }),
  )
  .min(1);

/** Accounts for `names`: the id of each follows from its name, the access keys are random. */
export function seedAccounts(names: readonly string[], random: RandomBytes = randomBytes): SandboxAccount[] {
  return names.map((name) => ({
    name,
    id: accountId(name),
    accessKeyId: makeId('AKIA', random),
    secretAccessKey: makeSecret(random),
  }));
}

function accountId(name: string): string {
  const number = createHash('sha256').update(name).digest().readBigUInt64BE() % 900_000_000_000n;
  return String(number + 100_000_000_000n);
}

/**
 * An AWS config file, with one `[profile NAME]` per account (`[default]` for the name `default`). It holds secrets:
 * write it with mode 0600.
 */
export function awsConfigSnippet(accounts: readonly SandboxAccount[], url: string): string {
  return accounts
    .map(({ name, accessKeyId, secretAccessKey }) =>
      [
        name === 'default' ? '[default]' : `[profile ${/[\s#;]/.test(name) ? `"${name}"` : name}]`,
        `aws_access_key_id = ${accessKeyId}`,
        `aws_secret_access_key = ${secretAccessKey}`,
        'region = us-east-1',
        `endpoint_url = ${url}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}

/**
 * Adds the accounts that `state` does not have yet. An account that it has, by name, keeps its own id and access keys.
 * @returns the accounts with the operator's access key that really works
 * @throws SandboxSetupError accounts-invalid
 */
export function addAccounts(state: State, seeds: readonly SandboxAccount[], now: number, random: RandomBytes): SandboxAccount[] {
  const read = accountsSchema.safeParse(seeds);
  if (!read.success) {
    const reasons = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new SandboxSetupError('accounts-invalid', `The sandbox's accounts are not right: ${reasons.join('; ')}`);
  }
  const seen = new Set<string>();
  return read.data.map((seed) => {
    if (seen.has(seed.name)) throw new SandboxSetupError('accounts-invalid', `The account ${seed.name} is given twice.`);
    seen.add(seed.name);
    const existing = [...state.accounts.values()].find(({ name }) => name === seed.name);
    if (existing === undefined && state.accounts.has(seed.id)) {
      throw new SandboxSetupError('accounts-invalid', `Another account has the id of ${seed.name}, ${seed.id}.`);
    }
    const account = existing ?? { name: seed.name, id: seed.id, users: new Map(), groups: new Map() };
    const kept = [...state.accessKeys.values()].find(
      (key) => key.accountId === account.id && key.seeded && key.deletedAt === undefined,
    );
    if (kept !== undefined) {
      return { name: account.name, id: account.id, accessKeyId: kept.id, secretAccessKey: kept.secret.reveal() };
    }
    addOperator(state, account, seed, now, random);
    state.accounts.set(account.id, account);
    return { ...seed, id: account.id };
  });
}

function addOperator(state: State, account: Account, seed: SandboxAccount, now: number, random: RandomBytes): void {
  if (state.accessKeys.has(seed.accessKeyId)) {
    throw new SandboxSetupError('accounts-invalid', `The access key ${seed.accessKeyId} of ${seed.name} is in use already.`);
  }
  if (!account.users.has(OPERATOR)) {
    account.users.set(OPERATOR, {
      name: OPERATOR,
      path: '/',
      id: makeId('AIDA', random),
      createdAt: now,
      tags: new Map(),
      permissionsBoundary: undefined,
      administrator: true,
    });
  }
  state.accessKeys.set(seed.accessKeyId, {
    id: seed.accessKeyId,
    secret: new SecretText(seed.secretAccessKey),
    accountId: account.id,
    owner: { kind: 'user', userName: OPERATOR },
    seeded: true,
    createdAt: now,
    status: 'Active',
    deletedAt: undefined,
    lastUsed: undefined,
  });
}
