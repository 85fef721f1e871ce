import { execFile } from 'node:child_process';
import { VaultError } from '../errors.ts';

/** A user of this machine. */
export interface UserAccount {
  readonly uid: number;
  readonly gid: number;
  /** Undefined for a number that has no name. */
  readonly name: string | undefined;
  readonly home: string | undefined;
}

/** @param user name or number @throws VaultError usage */
export async function userAccount(user: string): Promise<UserAccount> {
  const [name, , uid, gid, , home] = await entryOf('passwd', user) ?? [];
  if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid), name, home };
  if (/^\d{1,9}$/.test(user)) return { uid: Number(user), gid: Number(user), name: undefined, home: undefined };
  throw new VaultError('usage', `There is no user ${JSON.stringify(user.slice(0, 60))} on this machine.`, { hint: 'Make one, as with useradd, or name another.' });
}

/** Number of a group. @param group name or number @throws VaultError usage */
export async function groupNumber(group: string): Promise<number> {
  const [, , gid] = await entryOf('group', group) ?? [];
  if (gid !== undefined) return Number(gid);
  if (/^\d{1,9}$/.test(group)) return Number(group);
  throw new VaultError('usage', `There is no group ${JSON.stringify(group.slice(0, 60))} on this machine.`, { hint: 'Make one, as with groupadd, or name another.' });
}

/** The members of an entry that the system's own name service has, wherever it has it from; undefined where there is none. */
async function entryOf(database: 'passwd' | 'group', key: string): Promise<string[] | undefined> {
  return await new Promise((resolve) => {
    execFile('getent', [database, '--', key], { timeout: 30_000 }, (error, stdout) => { resolve(error === null ? stdout.trimEnd().split(':') : undefined); });
  });
}
