import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, describeEnd, startVault, type Finished, type Running } from './vaultProcess.ts';

/** Directories of every scene. In `files` lies what commands are given and what they write for a person. */
const PARTS = ['repository', 'config', 'state', 'files'] as const;

export interface StartOptions {
  readonly variables?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

/** A vault repository with the admin alice, made by the real command line in a temporary directory. No AWS. */
export interface RepositoryScene {
  readonly directory: string;
  /** Absolute path of the repository, without symbolic links. */
  readonly repository: string;
  /** The environment of the operator. */
  readonly variables: Readonly<Record<string, string>>;
  /** Alice's identity file. */
  readonly admin: string;
  at(...names: string[]): string;
  start(args: readonly string[], options?: StartOptions): Running;
  /** Runs the command line to its end. */
  vault(...args: string[]): Promise<Finished>;
  /** Public lines of the identities that {@link addIdentity} made, by name. */
  readonly lines: ReadonlyMap<string, string>;
  /** Makes an identity. @returns its public line */
  addIdentity(name: string): Promise<string>;
  /** Adds a node with an identity of its own. */
  addNode(name: string, role: string): Promise<void>;
  /** Remembers everything as it is now, as what {@link reset} goes back to. */
  save(name?: string): Promise<void>;
  reset(name?: string): Promise<void>;
  close(): Promise<void>;
}

export interface RepositorySceneOptions {
  /** Further directories that are saved and reset. */
  readonly parts?: readonly string[];
  /** Further flags of `vault init`. */
  readonly init?: readonly string[];
  /** Further variables of the operator, given the path of the scene. */
  readonly variables?: (directory: string) => Readonly<Record<string, string>>;
}

export async function openRepositoryScene({ parts: more = [], init = [], variables: further = () => ({}) }: RepositorySceneOptions = {}): Promise<RepositoryScene> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'iam-vault-e2e-')));
  const at = (...names: string[]): string => join(directory, ...names);
  const repository = at('repository');
  const parts = [...PARTS, ...more];
  const variables = { HOME: at('config', 'home'), XDG_CACHE_HOME: CACHE, XDG_CONFIG_HOME: at('config'), XDG_STATE_HOME: at('state'), ...further(directory) };
  for (const part of parts) await mkdir(at(part), { mode: 0o700 });

  const lines = new Map<string, string>();
  const scene: RepositoryScene = {
    directory, repository, variables, at, lines,
    admin: at('config', 'iam-vault', 'identity'),
    start: (args, options = {}) => startVault(args, {
      cwd: repository, variables: { ...variables, ...options.variables }, ...(options.nodeOptions === undefined ? {} : { nodeOptions: options.nodeOptions }),
    }),
    vault: (...args) => scene.start(args).finished,
    async addIdentity(name) {
      await succeed(scene.vault('key', 'generate', '--output', at('config', name), '--json'));
      const [key] = /vaultseal1\w+/.exec(await readFile(at('config', name), 'utf8')) ?? [];
      assert.ok(key);
      lines.set(name, key);
      return key;
    },
    async addNode(name, role) {
      await succeed(scene.vault('node', 'add', name, '--key', await scene.addIdentity(name), '--role', role, '--json'));
    },
    async save(name = 'saved') {
      await rm(at(name), { recursive: true, force: true });
      for (const part of parts) await cp(at(part), at(name, part), { recursive: true, verbatimSymlinks: true });
    },
    async reset(name = 'saved') {
      for (const part of parts) {
        await rm(at(part), { recursive: true });
        await cp(at(name, part), at(part), { recursive: true, verbatimSymlinks: true });
      }
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
  await succeed(startVault(['init', repository, '--admin', 'alice', ...init, '--json'], { cwd: directory, variables }).finished);
  return scene;
}

/** Asserts that a process ended well. */
export async function succeed(finished: Promise<Finished>): Promise<Finished> {
  const end = await finished;
  assert.equal(end.exitCode, 0, describeEnd(end));
  return end;
}

/** Hands each of several things to one user at a time; who comes when all are in use waits. */
export function takeTurns<T>(all: readonly T[]): <R>(work: (one: T) => Promise<R>) => Promise<R> {
  const free = [...all];
  const waiting: ((one: T) => void)[] = [];
  return async (work) => {
    const one = free.pop() ?? await new Promise<T>((resolve) => { waiting.push(resolve); });
    try {
      return await work(one);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(one);
      else next(one);
    }
  };
}
