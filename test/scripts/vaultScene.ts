import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateAccessKeyCommand, DeleteAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import { awsConfigSnippet, seedAccounts, serveSandbox, type FaultsChange, type RunningSandbox } from '../../src/sandbox/server.ts';
import { openRepositoryScene, takeTurns, type RepositoryScene } from './repositoryScene.ts';
import type { Finished } from './vaultProcess.ts';

export { succeed } from './repositoryScene.ts';

export const ACCOUNT = 'an-aws-account-name';
export const USER = 'secret-files';
export const ITEM = { vault: 'vault', item: `${ACCOUNT}_${USER}` };
const ROLE = 'secret-files-server';

/** An access key, as a list shows it. */
export interface KeySummary {
  readonly id: string;
  readonly status: 'Active' | 'Inactive';
}

/**
 * A {@link RepositoryScene} with the matching node files01 and an IAM file for each user, and a sandbox in AWS's place, in this process.
 */
export interface Scene extends Omit<RepositoryScene, 'addNode' | 'reset'> {
  /** Identity file of files01. */
  readonly node: string;
  /** IAM users; the first is {@link USER}. */
  readonly users: readonly string[];
  /** An IAM file for each user, for the command line. */
  readonly iamFiles: readonly string[];
  /** The sandbox that runs now. */
  readonly server: RunningSandbox;
  /** Keeps the sandbox's state, with its secrets. */
  readonly sandboxFile: string;
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
  reset(faults?: FaultsChange): Promise<void>;
}

export interface SceneOptions {
  /** How many IAM users there are to make. Default 1. */
  readonly users?: number;
}

export async function openScene({ users: count = 1 }: SceneOptions = {}): Promise<Scene> {
  const users = Array.from({ length: count }, (_, i) => (i === 0 ? USER : `${USER}-${String(i + 1)}`));
  const configFile = (directory: string): string => join(directory, 'aws', 'config');
  const base = await openRepositoryScene({
    parts: ['aws'],
    variables: (directory) => ({ AWS_CONFIG_FILE: configFile(directory), AWS_SHARED_CREDENTIALS_FILE: join(directory, 'aws', 'none') }),
  });
  const sandboxFile = base.at('aws', 'sandbox.json');
  const iamFiles = users.map((user) => join('iam-json-data', `${user}.json`));

  const serve = async (faults?: FaultsChange): Promise<RunningSandbox> => {
    const running = await serveSandbox({ accounts: seedAccounts([ACCOUNT]), stateFile: sandboxFile, ...(faults === undefined ? {} : { faults }) });
    await writeFile(configFile(base.directory), awsConfigSnippet(running.accounts, running.url), { mode: 0o600 });
    return running;
  };
  let server = await serve();

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
    ...base, users, iamFiles, sandboxFile, createArguments,
    node: base.at('config', 'files01'),
    get server() { return server; },
    createIam: (...flags) => base.vault(...createArguments(...flags)),
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
    addNode: (name) => base.addNode(name, ROLE),
    async reset(faults) {
      await server.close();
      await base.reset();
      server = await serve(faults);
    },
    async close() {
      await server.close();
      await base.close();
    },
  };

  await scene.addNode('files01');
  for (const [i, user] of users.entries()) await writeFile(join(base.repository, iamFiles[i] ?? ''), iamFile(user));
  await scene.save();
  return scene;
}

function iamFile(user: string): string {
  return JSON.stringify({
    accounts: [ACCOUNT], user, group: user, search_query: `role:${ROLE}`,
    policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::an-s3-bucket/*' }] },
  });
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
  const inTurn = takeTurns(all);
  return {
    use: (work, faults) => inTurn(async (scene) => {
      await scene.reset(faults);
      return await work(scene);
    }),
    async close() {
      await Promise.all(all.map((scene) => scene.close()));
    },
  };
}
