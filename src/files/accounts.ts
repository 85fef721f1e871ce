import { execFile } from 'node:child_process';
import { VaultError } from '../errors.ts';
import { readRegularFile } from './read.ts';

const MAX_BYTES = 16 << 20;
const TIMEOUT_MS = 5000;

const DATABASES = {
  user: { file: '/etc/passwd', database: 'passwd' },
  group: { file: '/etc/group', database: 'group' },
} as const;

/**
 * The number of a user or group. A name is looked for in /etc/passwd or /etc/group, then, for accounts that a directory service knows, by getent(1).
 * @param account a name, without a `-` at its beginning, or a number
 * @throws VaultError store-unreachable where there is no such account
 */
export async function accountNumber(kind: 'user' | 'group', account: string): Promise<number> {
  if (/^\d{1,10}$/.test(account)) return Number(account);
  const { file, database } = DATABASES[kind];
  const local = await readRegularFile(file, { maxBytes: MAX_BYTES, followLink: true });
  const number = numberIn(local === undefined ? '' : Buffer.from(local.bytes).toString('utf8'), account) ?? numberIn(await getent(database, account), account);
  if (number !== undefined) return number;
  throw new VaultError('store-unreachable', `There is no ${kind} ${account} on this machine.`, { hint: `Make it, or correct its name in the configuration.`, details: { [kind]: account } });
}

/** Both databases have the number in the third column. */
function numberIn(text: string, account: string): number | undefined {
  const [, , number] = text.split('\n').find((line) => line.startsWith(`${account}:`))?.split(':') ?? [];
  return number !== undefined && /^\d{1,10}$/.test(number) ? Number(number) : undefined;
}

/** What it prints; empty where it is missing, slow, or knows no such account. */
function getent(database: string, account: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('getent', [database, account], { env: { PATH: '/usr/bin:/bin' }, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES }, (error, stdout) => { resolve(error === null ? stdout : ''); });
  });
}
