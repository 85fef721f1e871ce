import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePublicKey } from '../src/sealing/publicKey.ts';
import { output, timeProcess } from './processes.ts';
import { recipientLines, type Scene } from './scene.ts';
import { ms, type Row } from './table.ts';

const ACCOUNTS = ['one', 'two', 'three', 'four'];
const FILES = 25;

/** Group, its policy, user, membership, key; then the new key is tried once. */
const FEWEST_NEW = 6;
/** The user's keys and groups, and the group's policy. */
const FEWEST_UNCHANGED = 3;

/** Calls of AWS for a user, by the sandbox's own log, and the time of 100 users in 4 accounts. */
export async function benchIam(scene: Scene): Promise<Row[]> {
  const [line = ''] = recipientLines(scene, 2);
  output(scene.vault(scene.node, 'node', 'add', 'reader', '--key', parsePublicKey(line).line, '--role', 'bench'));
  const one = await withSandbox(scene, async (url) => {
    const files = writeFiles(scene, 1, ['one']);
    const created = await callsOf(url, () => create(scene, files));
    const unchanged = await callsOf(url, () => create(scene, files));
    return { created, unchanged };
  });
  const many = await withSandbox(scene, async (url) => {
    const files = writeFiles(scene, FILES, ACCOUNTS);
    return { created: await callsOf(url, () => create(scene, files)), unchanged: await callsOf(url, () => create(scene, files)) };
  });
  const users = FILES * ACCOUNTS.length;
  const perUser = (calls: number): string => `${(calls / users).toFixed(1)} calls a user`;
  return [
    row('calls of IAM and STS for a new user', String(one.created.calls.length), `fewest possible: ${String(FEWEST_NEW)}`),
    row('calls of IAM and STS for an unchanged user', String(one.unchanged.calls.length), `fewest possible: ${String(FEWEST_UNCHANGED)}`),
    row('100 new users in 4 accounts, sandbox', ms(many.created.took), perUser(many.created.calls.length)),
    row('100 unchanged users in 4 accounts, sandbox', ms(many.unchanged.took), perUser(many.unchanged.calls.length)),
  ];
}

function row(what: string, ours: string, peer: string): Row {
  return { group: 'iam', what, ours, peer, goal: '', met: undefined, runs: 1 };
}

function writeFiles(scene: Scene, count: number, accounts: readonly string[]): string[] {
  const folder = join(scene.folder, 'iam');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return Array.from({ length: count }, (_, i) => {
    const name = `bench${String(count)}-${String(i)}`;
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({
      accounts, user: name, group: name, search_query: 'role:bench',
      policy: { Version: '2012-10-17', Statement: [{ Action: 's3:GetObject', Effect: 'Allow', Resource: ['arn:aws:s3:::bucket/*'] }] },
    }));
    return file;
  });
}

function create(scene: Scene, files: readonly string[]): Promise<number> {
  return timeProcess(scene.vault(scene.node, 'create', 'iam', ...files, '--quiet'));
}

async function callsOf(url: string, work: () => Promise<number>): Promise<{ calls: unknown[]; took: number }> {
  const before = (await log(url)).length;
  const took = await work();
  return { calls: (await log(url)).slice(before), took };
}

async function log(url: string): Promise<unknown[]> {
  const { calls } = await (await fetch(new URL('/_sandbox/calls', url))).json() as { calls: unknown[] };
  return calls;
}

/** A sandbox in a process of its own, with no delays: what is left is ours. */
async function withSandbox<T>(scene: Scene, work: (url: string) => Promise<T>): Promise<T> {
  const config = join(scene.folder, 'aws');
  rmSync(config, { force: true });
  const { argv: [program, ...args], env } = scene.vault(scene.node, 'sandbox', ...ACCOUNTS.flatMap((name) => ['--account', name]), '--config-file', config, '--json');
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    return await work(await urlOf(child));
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /"url":\s*"([^"]+)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('close', () => { reject(new Error('The sandbox ended early.')); });
  });
}
