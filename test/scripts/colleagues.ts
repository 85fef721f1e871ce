import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import type { World } from './cliWorld.ts';

/** Somebody else than the world's admin, with a home and an identity of their own, working on the same repository. */
export interface Colleague {
  readonly name: string;
  /** For the `variables` of a run. */
  readonly variables: Readonly<Record<string, string>>;
  /** What they print with `vault key show --json`, as a file for an admin. */
  readonly keyFile: string;
  readonly publicLine: string;
  readonly signingLine: string;
}

export async function addColleague(world: World, name: string): Promise<Colleague> {
  const variables = { HOME: world.at(name), XDG_CONFIG_HOME: world.at(name, 'config'), XDG_STATE_HOME: world.at(name, 'state') };
  await mkdir(world.at(name), { mode: 0o700 });
  const keys = await world.result('key generate', ['key', 'generate'], { cwd: world.directory, variables });
  const [, secret] = /VAULT-SECRET-KEY-1(\w+)/.exec(await readFile(world.at(name, 'config', 'iam-vault', 'identity'), 'utf8')) ?? [];
  assert.ok(secret);
  world.secrets.add(secret);
  return { name, variables, keyFile: await world.write(`${name}/keys.json`, JSON.stringify(keys)), publicLine: String(keys['public_key']), signingLine: String(keys['signing_key']) };
}

/** Lets a colleague trust the roster as it is now, as somebody would who compared the fingerprint. */
export async function trustRosterAs(world: World, { variables }: Colleague): Promise<void> {
  const { fingerprint } = await world.result('admin list', ['admin', 'list']);
  await world.result('trust pin', ['trust', 'pin', '--', String(fingerprint)], { variables });
}
