import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateAccessKeyCommand, DeleteAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import { awsConfigSnippet, seedAccounts, serveSandbox, type FaultsChange, type RunningSandbox } from '../../src/sandbox/server.ts';
import { describeEnd, startVault, type Finished, type Running } from './vaultProcess.ts';

export const ACCOUNT = 'an-aws-account-name';
export const USER = 'secret-files';
export const ITEM = { vault: 'vault', item: `${ACCOUNT}_${USER}` };
const ROLE = 'secret-files-server';

/** An access key, as a list shows it. */
export interface KeySummary {
  readonly id: string;
  readonly status: 'Active' | 'Inactive';
}

/** The parts of a scene that {@link Scene.save} and {@link Scene.reset} copy, and that a reader of files could look into. */
const PARTS = ['repository', 'config', 'state', 'aws'] as const;

/**
 * A vault repository with the admin alice, the matching node files01 and one IAM file, made by the real command line in a
 * temporary directory, and a sandbox in AWS's place, in this process.
 */
export interface Scene {
  readonly directory: string;
  /** Absolute path of the repository, without symbolic links. */
  readonly repository: string;
  /** The environment of the operator. */
  readonly variables: Readonly<Record<string, string>>;
  /** Identity files. */
  readonly admin: string;
  readonly node: string;
  /** IAM users; the first is {@link USER}. */
  readonly users: readonly string[];
  /** An IAM file for each user, for the command line. */
  readonly iamFiles: readonly string[];
  /** The sandbox that runs now. */
  readonly server: RunningSandbox;
  /** Keeps the sandbox's state, with its secrets. */
  readonly sandboxFile: string;
  start(args: readonly string[], options?: { readonly variables?: Readonly<Record<string, string>>; readonly nodeOptions?: readonly string[] }): Running;
  /** Runs the command line to its end. */
  vault(...args: string[]): Promise<Finished>;
  /** `vault create iam --json --quiet` of all IAM files. */
  createIam(...flags: string[]): Promise<Finished>;
  /** Arguments of {@link createIam}, for {@link start}. */
  createArguments(...flags: string[]): string[];
  /** The operator of the account, asking with AWS's own SDK: what somebody does by hand. The caller destroys it. */
  operator(): IAMClient;
  /** Makes an access key by hand, as somebody else would. */
  addForeignKey(): Promise<KeySummary>;
  /** Deletes one by hand. */
  deleteKey(id: string): Promise<void>;
  /** Adds a node with the role that the IAM file's query selects. */
  addNode(name: string): Promise<void>;
  /** Remembers everything as it is now, as what {@link reset} goes back to. */
  save(): Promise<void>;
  reset(faults?: FaultsChange): Promise<void>;
  close(): Promise<void>;
}

export interface SceneOptions {
  /** How many IAM users there are to make. Default 1. */
  readonly users?: number;
}

export async function openScene({ users: count = 1 }: SceneOptions = {}): Promise<Scene> {
  const users = Array.from({ length: count }, (_, i) => (i === 0 ? USER : `${USER}-${String(i + 1)}`));
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'iam-vault-e2e-')));
  const at = (...names: string[]): string => join(directory, ...names);
  const repository = at('repository');
  const sandboxFile = at('aws', 'sandbox.json');
  const variables = {
    HOME: at('config', 'home'), XDG_CONFIG_HOME: at('config'), XDG_STATE_HOME: at('state'),
    AWS_CONFIG_FILE: at('aws', 'config'), AWS_SHARED_CREDENTIALS_FILE: at('aws', 'none'),
  };
  for (const part of PARTS) await mkdir(at(part), { mode: 0o700 });
  const iamFiles = users.map((user) => join('iam-json-data', `${user}.json`));

  const serve = async (faults?: FaultsChange): Promise<RunningSandbox> => {
    const running = await serveSandbox({ accounts: seedAccounts([ACCOUNT]), stateFile: sandboxFile, ...(faults === undefined ? {} : { faults }) });
    await writeFile(variables.AWS_CONFIG_FILE, awsConfigSnippet(running.accounts, running.url), { mode: 0o600 });
    return running;
  };
  let server = await serve();

  const start: Scene['start'] = (args, options = {}) => startVault(args, {
    cwd: repository, variables: { ...variables, ...options.variables }, ...(options.nodeOptions === undefined ? {} : { nodeOptions: options.nodeOptions }),
  });
  const createArguments = (...flags: string[]): string[] => ['create', 'iam', ...iamFiles, '--json', '--quiet', ...flags];
  const byHand = async <T>(work: (iam: IAMClient) => Promise<T>): Promise<T> => {
    const iam = scene.operator();
    try {
      return await work(iam);
    } finally {
      iam.destroy();
    }
  };
  const scene: Scene = {
    directory, repository, variables, users, iamFiles, sandboxFile,
    admin: at('config', 'iam-vault', 'identity'),
    node: at('config', 'files01'),
    get server() { return server; },
    start,
    createArguments,
    vault: (...args) => start(args).finished,
    createIam: (...flags) => start(createArguments(...flags)).finished,
    operator: () => {
      const [account] = server.accounts;
      assert.ok(account);
      return new IAMClient({ endpoint: server.url, region: 'us-east-1', credentials: account });
    },
    async addForeignKey() {
      const { AccessKey: key } = await byHand((iam) => iam.send(new CreateAccessKeyCommand({ UserName: USER })));
      assert.ok(key?.AccessKeyId !== undefined);
      return { id: key.AccessKeyId, status: 'Active' };
    },
    async deleteKey(id) {
      await byHand((iam) => iam.send(new DeleteAccessKeyCommand({ UserName: USER, AccessKeyId: id })));
    },
    async addNode(name) {
      await succeed(scene.vault('key', 'generate', '--output', at('config', name), '--json'));
      const [key] = /vaultseal1\w+/.exec(await readFile(at('config', name), 'utf8')) ?? [];
      assert.ok(key);
      await succeed(scene.vault('node', 'add', name, '--key', key, '--role', ROLE, '--json'));
    },
    async save() {
      await rm(at('saved'), { recursive: true, force: true });
      for (const part of PARTS) await cp(at(part), at('saved', part), { recursive: true });
    },
    async reset(faults) {
      await server.close();
      for (const part of PARTS) {
        await rm(at(part), { recursive: true });
        await cp(at('saved', part), at(part), { recursive: true });
      }
      server = await serve(faults);
    },
    async close() {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };

  await succeed(startVault(['init', repository, '--admin', 'alice', '--json'], { cwd: directory, variables }).finished);
  await scene.addNode('files01');
  for (const [i, user] of users.entries()) await writeFile(join(repository, iamFiles[i] ?? ''), iamFile(user));
  await scene.save();
  return scene;
}

function iamFile(user: string): string {
  return JSON.stringify({
    accounts: [ACCOUNT], user, group: user, search_query: `role:${ROLE}`,
    policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::an-s3-bucket/*' }] },
  });
}

/** Asserts that a process ended well. */
export async function succeed(finished: Promise<Finished>): Promise<Finished> {
  const end = await finished;
  assert.equal(end.exitCode, 0, describeEnd(end));
  return end;
}

/** Scenes that tests take turns in, each alone in its own. */
export interface Scenes {
  /** Runs `work` in a scene that nobody else uses, after a reset. */
  use<T>(work: (scene: Scene) => Promise<T>, faults?: FaultsChange): Promise<T>;
  close(): Promise<void>;
}

/** Opens `count` scenes, each brought into its first state by `prepare`. */
export async function openScenes(count: number, prepare: (scene: Scene) => Promise<void>, options?: SceneOptions): Promise<Scenes> {
  const all = await Promise.all(Array.from({ length: count }, async () => {
    const scene = await openScene(options);
    await prepare(scene);
    await scene.save();
    return scene;
  }));
  const free = [...all];
  const waiting: ((scene: Scene) => void)[] = [];
  return {
    async use(work, faults) {
      const scene = free.pop() ?? await new Promise<Scene>((resolve) => { waiting.push(resolve); });
      try {
        await scene.reset(faults);
        return await work(scene);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(scene);
        else next(scene);
      }
    },
    async close() {
      await Promise.all(all.map((scene) => scene.close()));
    },
  };
}
