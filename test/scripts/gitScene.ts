import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { extendItem, sealItem } from '../../src/items/seal.ts';
import type { ItemDocuments } from '../../src/items/model.ts';
import type { Recipient } from '../../src/items/recipients.ts';
import { openItem, parseItemDocuments, verifyItem, type VerifiedItem } from '../../src/items/verify.ts';
import type { Json } from '../../src/json/canonical.ts';
import { parseIdentity, type Identity } from '../../src/sealing/identity.ts';
import { parseRoster, rosterDigest, type Roster } from '../../src/trust/roster.ts';
import { openFileStore } from '../../src/stores/file/fileStore.ts';
import { openWorld, type World } from './cliWorld.ts';

export const REF = { vault: 'vault', item: 'login' };
export const FILES = ['data_bags/vault/login.json', 'data_bags/vault/login_keys.json'];

export interface GitEnd {
  readonly code: number;
  readonly output: string;
}

/** What a person does to an item on a branch. */
export interface Change {
  readonly fields?: Readonly<Record<string, Json | undefined>>;
  /** Names of nodes that become recipients; with `rotate`, or any field, under a new data key. */
  readonly add?: readonly string[];
  /** Names of nodes that cease to be recipients, under a new data key. */
  readonly remove?: readonly string[];
  /** A new data key, whatever else changes. */
  readonly rotate?: boolean;
  readonly query?: string;
  readonly namedClients?: readonly string[];
}

/** A vault repository in a git work tree, with the admin alice and four nodes, and an item that she sealed to two of them. */
export interface GitScene {
  readonly world: World;
  readonly identities: ReadonlyMap<string, Identity>;
  git(...args: string[]): Promise<GitEnd>;
  /** Runs git in other circumstances. */
  gitWith(variables: Readonly<Record<string, string>>, ...args: string[]): Promise<GitEnd>;
  /** git, which must succeed. @returns its output */
  done(...args: string[]): Promise<string>;
  roster(): Promise<Roster>;
  /** The item in the working tree, verified. */
  item(): Promise<VerifiedItem>;
  /** Writes another generation of the item, as alice, and commits it. */
  change(change: Change): Promise<void>;
  /** Values of the item, as a party opens it; undefined where it is no recipient. */
  open(name: string): Promise<Record<string, Json> | undefined>;
  /** Changes the item on two branches that begin here, and is on `ours` then. */
  branches(ours: readonly Change[], theirs: readonly Change[]): Promise<void>;
  /** Goes back to where the scene began: main, and nobody has seen any generation. History stays in git's reflogs. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openGitScene({ item: withItem = true } = {}): Promise<GitScene> {
  const world = await openWorld({ empty: true });
  const root = world.repository;
  const variables = { ...world.variables, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com', GIT_EDITOR: 'true' };
  await mkdir(root);
  const gitWith: GitScene['gitWith'] = (more, ...args) => new Promise((resolve, reject) => {
    execFile('git', args, { cwd: root, env: { PATH: process.env['PATH'], NO_COLOR: '1', ...variables, ...more }, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      for (const secret of world.secrets) if (output.includes(secret)) reject(new Error('a secret was printed'));
      resolve({ code: error === null ? 0 : Number(error.code), output });
    });
  });
  const git: GitScene['git'] = (...args) => gitWith({}, ...args);
  const done: GitScene['done'] = async (...args) => {
    const { code, output } = await git(...args);
    assert.equal(code, 0, `git ${args.join(' ')}\n${output}`);
    return output;
  };
  await done('init', '-q', '-b', 'main');
  await world.result('init', ['init', '.', '--admin', 'alice']);
  const identities = new Map<string, Identity>();
  const load = async (name: string, file: string): Promise<void> => { identities.set(name, await parseIdentity(await readFile(file, 'utf8'), file)); };
  await load('alice', world.admin);
  await Promise.all(['web1', 'web2', 'web3', 'db1'].map(async (name) => load(name, await world.addNode(name, '--role', 'web'))));
  for (const n of [1, 2, 3]) world.secrets.add(`planted-secret-${String(n)}`);

  const store = openFileStore(root);
  const identityOf = (name: string): Identity => identities.get(name) ?? assert.fail(`no identity ${name}`);
  const recipient = (role: Recipient['role'], name: string): Recipient => ({ role, name, publicKey: identityOf(name).publicKey });
  const roster = async (): Promise<Roster> => parseRoster(await readFile(join(root, 'trust/1.json')), 'roster').roster;
  const signer = { name: 'alice', identity: identityOf('alice') };
  const write = async (documents: ItemDocuments, expected: number): Promise<void> => {
    await store.writeItem(REF, documents, expected);
    await done('add', '-A');
    await done('commit', '-qm', `generation ${String(expected + 1)}`);
  };

  const scene: GitScene = {
    world, identities, git, gitWith, done, roster,
    async item() {
      const documents = await store.readItem(REF);
      assert.ok(documents, 'there is no item');
      const trusted = await roster();
      return verifyItem(parseItemDocuments(REF, documents), { roster: trusted, repository: rosterDigest(trusted), seenGeneration: 0 });
    },
    async change({ fields = {}, add = [], remove = [], rotate = false, query, namedClients }) {
      const stored = await store.readItem(REF);
      const verified = stored === undefined ? undefined : await scene.item();
      const header = verified?.header;
      const time = new Date();
      const searchQuery = query ?? header?.search_query ?? 'role:web';
      const names = { namedAdmins: header?.named_admins ?? null, namedClients: namedClients ?? header?.named_clients ?? [] };
      if (verified !== undefined && !rotate && Object.keys(fields).length === 0 && remove.length === 0) {
        const dataKey = openItem(verified, signer.identity).copyDataKey();
        await write(extendItem({ verified, dataKey, newcomers: add.map((name) => recipient('client', name)), audience: { searchQuery, ...names }, signer, time }), verified.header.generation);
        return;
      }
      const values = new Map<string, Json | undefined>(Object.entries({ ...(verified === undefined ? {} : openItem(verified, signer.identity).all()), ...fields }));
      const clients = new Set([...(verified?.keys.clients.map(({ name }) => name) ?? []), ...add].filter((name) => !remove.includes(name)));
      await write(sealItem({
        ...REF, repository: rosterDigest(await roster()), fields: Object.fromEntries([...values].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
        searchQuery, ...names, recipients: [recipient('admin', 'alice'), ...[...clients].map((name) => recipient('client', name))],
        generation: (header?.generation ?? 0) + 1, signer, time,
      }), header?.generation ?? 0);
    },
    async open(name) {
      const verified = await scene.item();
      const identity = identityOf(name);
      if (![...verified.keys.admins, ...verified.keys.clients].some(({ fingerprint }) => fingerprint === identity.publicKey.fingerprint)) return undefined;
      return openItem(verified, identity).all();
    },
    async branches(ours, theirs) {
      await done('checkout', '-q', '-b', 'theirs');
      for (const each of theirs) await scene.change(each);
      await done('checkout', '-q', '-b', 'ours', 'begin');
      for (const each of ours) await scene.change(each);
    },
    async reset() {
      await git('merge', '--abort');
      await done('checkout', '-qf', 'main');
      await done('reset', '-q', '--hard', 'begin');
      await done('clean', '-qfd');
      const branches = (await done('branch', '--format=%(refname:short)')).split('\n').filter((name) => name !== '' && name !== 'main');
      if (branches.length > 0) await done('branch', '-qD', ...branches);
      await rm(world.at('state', 'iam-vault', 'seen'), { recursive: true, force: true });
    },
    close: () => world.close(),
  };
  await done('add', '-A');
  await done('commit', '-qm', 'a vault');
  if (withItem) await scene.change({ fields: { password: 'planted-secret-1', user: 'root', note: 'x' }, add: ['web1', 'web2'] });
  await done('tag', 'begin');
  return scene;
}
