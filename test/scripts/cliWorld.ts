import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { IAMClient } from '@aws-sdk/client-iam';
import type { ErrorCode } from '../../src/errors.ts';
import { exitCodeOf } from '../../src/reporting/exitCodes.ts';
import { schemas, type SchemaName } from '../../src/reporting/schemas.ts';
import { awsConfigSnippet, seedAccounts, serveSandbox, type Call, type Clock, type RunningSandbox } from '../../src/sandbox/server.ts';
import { CACHE, describeEnd, startVault, type Finished, type Running } from './vaultProcess.ts';

export const ONE = 'an-aws-account-name';
export const TWO = 'another';
export const ROLE = 'secret-files-server';
export const QUERY = `role:${ROLE}`;

/** The article's policy, with a version. */
export const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: ['arn:aws:s3:::an-s3-bucket', 'arn:aws:s3:::an-s3-bucket/*'] }],
};

export interface RunOptions {
  readonly cwd?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** What is piped in. */
  readonly input?: string | Uint8Array;
}

/** One person's machine: a home, a vault repository made by the real command line, and a sandbox in AWS's place. */
export interface World {
  /** Everything that a command could write to is below it. */
  readonly directory: string;
  readonly repository: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Identity file of the admin, alice. */
  readonly admin: string;
  readonly server: RunningSandbox;
  /** Texts of which no output may hold a part: all that is secret here, and what tests plant. */
  readonly secrets: Set<string>;
  at(...names: string[]): string;
  start(args: readonly string[], options?: RunOptions): Running;
  /** Runs the command line to its end. Whatever it prints, if it is not `decrypt` or `show --values` and successful, holds no secret. */
  run(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs a command with --json; it succeeds (or ends with `exitCode`), and prints what its published schema says. */
  result(schema: SchemaName, args: readonly string[], options?: RunOptions & { readonly exitCode?: number }): Promise<Record<string, unknown>>;
  /** A command that fails with `code`, with and without --json; nothing was created or changed anywhere. */
  refused(code: ErrorCode, args: readonly string[], options?: RunOptions): Promise<Record<string, unknown>>;
  /** Makes an identity, with its secret among {@link secrets}. @returns its file and its public key */
  key(name: string): Promise<{ file: string; line: string }>;
  /** A node with an identity of its own. @returns its identity file */
  addNode(name: string, ...flags: string[]): Promise<string>;
  /** Writes an IAM file. @returns its path */
  iamFile(name: string, change?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Writes a file below {@link directory}; with a mode of its own where one is given. @returns its path */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<string>;
  /** Every file and directory, with mode and digest; but for Node's compiled code, and for what a run locks, which has no content. */
  tree(): Promise<Map<string, string>>;
  /** Calls that were meant to change an account. */
  writes(): Call[];
  /** The operator of an account, asking with AWS's own SDK: what somebody does by hand. */
  operator(account: string): IAMClient;
  /** Takes the secret of an item among {@link secrets}. @returns its credentials */
  credentials(item: string): Promise<{ aws_access_key_id: string; aws_secret_access_key: string }>;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly accounts?: readonly string[];
  readonly clock?: Clock;
  /** Leave out `vault init` and the node files01, which matches {@link QUERY}. */
  readonly empty?: boolean;
}

/** Shortest piece of a secret that counts as a leak, in characters. */
const PIECE = 8;

export async function openWorld({ accounts = [ONE, TWO], clock, empty = false }: WorldOptions = {}): Promise<World> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'iam-vault-cli-')));
  const at = (...names: string[]): string => join(directory, ...names);
  const repository = at('repository');
  const variables = {
    HOME: at('home'), XDG_CACHE_HOME: CACHE, XDG_CONFIG_HOME: at('config'), XDG_STATE_HOME: at('state'),
    AWS_CONFIG_FILE: at('aws', 'config'), AWS_SHARED_CREDENTIALS_FILE: at('aws', 'credentials'),
  };
  for (const part of ['home', 'config', 'state', 'aws', 'keys']) await mkdir(at(part), { mode: 0o700 });
  const server = await serveSandbox({ accounts: seedAccounts(accounts), ...(clock === undefined ? {} : { clock }) });
  await writeFile(variables.AWS_CONFIG_FILE, awsConfigSnippet(server.accounts, server.url), { mode: 0o600 });
  const secrets = new Set(server.accounts.map(({ secretAccessKey }) => secretAccessKey));

  const start: World['start'] = (args, { cwd = repository, variables: more = {}, nodeOptions = [], input } = {}) =>
    startVault(args, { cwd, variables: { ...variables, ...more }, nodeOptions, input });

  const run: World['run'] = async (args, options) => {
    const end = await start(args, options).finished;
    const prints = args[0] === 'decrypt' || (args[0] === 'show' && args.includes('--values'));
    if (!prints || end.exitCode !== 0) assertNoSecret(secrets, end);
    assert.doesNotMatch(end.stderr, /^ +at .+:\d+:\d+\)?$/m, 'a stack trace was printed');
    return end;
  };

  const result: World['result'] = async (schema, args, { exitCode = 0, ...options } = {}) => {
    const end = await run(withJson(args), options);
    assert.equal(end.exitCode, exitCode, describeEnd(end));
    return shaped(schema, end.stdout);
  };

  const world: World = {
    directory, repository, variables, server, secrets, at, start, run, result,
    admin: at('config', 'iam-vault', 'identity'),

    async refused(code, args, options) {
      const [before, written] = [await world.tree(), world.writes().length];
      const [json, text] = await Promise.all([run(withJson(args), options), run(args, options)]);
      const { error } = shaped('error', json.stdout) as { error: Record<string, unknown> };
      assert.equal(error['code'], code, describeEnd(json));
      for (const end of [json, text]) assert.equal(end.exitCode, exitCodeOf(code), describeEnd(end));
      assert.equal(text.stdout, '');
      assert.notEqual(text.stderr, '');
      assert.equal(world.writes().length, written, 'an account was written to');
      assertSameTree(before, await world.tree());
      return error;
    },

    async key(name) {
      const file = at('keys', name);
      const { public_key: line } = await result('key generate', ['key', 'generate', '--output', file], { cwd: directory });
      secrets.add(await secretOf(file));
      return { file, line: String(line) };
    },
    async addNode(name, ...flags) {
      const { file, line } = await world.key(name);
      await result('node add', ['node', 'add', name, '--key', line, ...flags]);
      return file;
    },
    async iamFile(name, change = {}) {
      const path = join('iam-json-data', `${name}.json`);
      const content = { accounts: [ONE], user: name, group: name, policy: POLICY, search_query: QUERY, ...change };
      await writeFile(join(repository, path), `${JSON.stringify(content, undefined, 2)}\n`);
      return path;
    },
    async write(path, content, mode = 0o644) {
      const file = at(path);
      await mkdir(dirname(file), { recursive: true });
      await rm(file, { force: true });
      await writeFile(file, content);
      await chmod(file, mode);
      return file;
    },
    tree: () => treeOf(directory),
    writes: () => server.sandbox.calls().filter(({ action }) => action !== undefined && !/^(Get|List)/.test(action)),
    operator(account) {
      const credentials = server.accounts.find(({ name }) => name === account);
      assert.ok(credentials);
      return new IAMClient({ endpoint: server.url, region: 'us-east-1', credentials });
    },
    async credentials(item) {
      const end = await run(['decrypt', 'vault', item, 'data']);
      assert.equal(end.exitCode, 0, describeEnd(end));
      const data = JSON.parse(end.stdout) as Awaited<ReturnType<World['credentials']>>;
      secrets.add(data.aws_secret_access_key);
      return data;
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };

  if (!empty) {
    await result('init', ['init', repository, '--admin', 'alice'], { cwd: directory });
    secrets.add(await secretOf(world.admin));
    await world.addNode('files01', '--role', ROLE);
  }
  return world;
}

/** `text` as JSON that has the shape of a published schema. */
export function shaped(schema: SchemaName, text: string): Record<string, unknown> {
  const value = JSON.parse(text) as unknown;
  const { success, error } = schemas[schema].safeParse(value);
  assert.ok(success, `not of the schema "${schema}": ${error?.message ?? ''}\n${text}`);
  return value as Record<string, unknown>;
}

function withJson(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return [...args.slice(0, end), '--json', ...args.slice(end)];
}

/** The part of an identity file that is secret. */
async function secretOf(identityFile: string): Promise<string> {
  const [, secret] = /VAULT-SECRET-KEY-1(\w+)/.exec(await readFile(identityFile, 'utf8')) ?? [];
  assert.ok(secret, `no secret key in ${identityFile}`);
  return secret;
}

function assertNoSecret(secrets: Iterable<string>, { stdout, stderr }: Finished): void {
  const output = stdout + stderr;
  for (const secret of secrets) {
    for (let start = 0; start + PIECE <= secret.length; start++) {
      if (output.includes(secret.slice(start, start + PIECE))) assert.fail(`a part of a secret was printed:\n${output}`);
    }
  }
}

async function treeOf(directory: string): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (path.includes('/.cache')) continue;
    if (path.includes('/iam-vault/journal') && (entry.isDirectory() || path.endsWith('.lock'))) continue;
    const { mode } = await lstat(path);
    const content = entry.isFile() ? createHash('sha256').update(await readFile(path)).digest('hex') : entry.isSymbolicLink() ? await readlink(path) : '';
    tree.set(relative(directory, path), `${mode.toString(8)} ${content}`);
  }
  return tree;
}

export function assertSameTree(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): void {
  if (isDeepStrictEqual(before, now)) return;
  const names = [...new Set([...before.keys(), ...now.keys()])];
  assert.fail(`files were created, changed or removed: ${names.filter((name) => before.get(name) !== now.get(name)).join(', ')}`);
}
