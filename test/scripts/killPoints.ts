import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RepositoryScene } from './repositoryScene.ts';
import type { Scene } from './vaultScene.ts';
import { describeEnd, type Finished } from './vaultProcess.ts';

const PRELOAD = fileURLToPath(new URL('killAtFileOperation.mjs', import.meta.url));

/** Where a process is killed: at an AWS call, or at a file operation. */
export type KillPoint =
  | { readonly at: 'call'; readonly number: number; readonly when: 'before' | 'after'; readonly name: string }
  | FilePoint;

export interface FilePoint {
  readonly at: 'file';
  readonly number: number;
  readonly moment: 'before' | 'after' | 'torn';
  readonly name: string;
}

/** Runs `args` undisturbed and returns every point in it: each AWS call before and after it is carried out, each file operation. */
export async function findKillPoints(scene: Scene, args: readonly string[]): Promise<KillPoint[]> {
  const before = scene.server.sandbox.calls().length;
  const operations = await findFilePoints(scene, args);
  const calls = scene.server.sandbox.calls().slice(before).map(({ action }) => action ?? '');
  return [
    ...calls.flatMap((action, i) => (['before', 'after'] as const).map((when): KillPoint => (
      { at: 'call', number: i + 1, when, name: `${when} call ${String(i + 1)} is carried out: ${action}` }))),
    ...operations,
  ];
}

/** {@link findKillPoints} of a command that asks AWS nothing. */
export async function findFilePoints(scene: WatchedScene, args: readonly string[], variables: Variables = {}): Promise<FilePoint[]> {
  const log = join(scene.directory, 'operations');
  await rm(log, { force: true });
  const end = await scene.start(args, watched(scene, { ...variables, KILL_LOG: log })).finished;
  assert.equal(end.exitCode, 0, describeEnd(end));
  return await readFilePoints(scene, log);
}

/** Points at the operations that a process logged, which had {@link watched} and KILL_LOG among its variables. */
export async function readFilePoints(scene: Pick<WatchedScene, 'directory'>, log: string): Promise<FilePoint[]> {
  const operations = (await readFile(log, 'utf8')).trimEnd().split('\n').map((line) => {
    const [, , name = '', path = ''] = /^(\d+) (\w+) (.*)$/.exec(line) ?? [];
    return { name, path: path.slice(scene.directory.length + 1) };
  });
  return operations.flatMap(({ name, path }, i) => (['before', 'after', ...(name.startsWith('write') ? ['torn' as const] : [])] as const).map((moment): FilePoint => (
    { at: 'file', number: i + 1, moment, name: `${moment === 'torn' ? 'half-way through' : moment} file operation ${String(i + 1)}: ${name} ${path}` })));
}

/** Runs `args` and kills the process there. */
export async function runAndKill(scene: Scene, args: readonly string[], point: KillPoint): Promise<Finished> {
  if (point.at === 'file') return await killAtFile(scene, args, point);
  const { finished } = await startAndHold(scene, args, point, 'SIGKILL');
  return expectKilled(await finished);
}

/** Runs `args` and kills the process at a file operation. */
export async function killAtFile(scene: WatchedScene, args: readonly string[], { number, moment }: FilePoint, variables: Variables = {}): Promise<Finished> {
  return expectKilled(await scene.start(args, watched(scene, { ...variables, KILL_AT: String(number), KILL_MOMENT: moment })).finished);
}

/** Starts `args`, waits until its n-th call of `action` is held by the sandbox, and sends `signal`. */
export async function startAndHold(
  scene: Scene, args: readonly string[], { number, when, action = '*' }: { readonly number: number; readonly when: 'before' | 'after'; readonly action?: string }, signal: NodeJS.Signals,
): Promise<{ readonly finished: Promise<Finished> }> {
  const { sandbox } = scene.server;
  sandbox.setFaults({ hold: [{ action, call: number, when }] });
  const { child, finished } = scene.start(args);
  const ended = new AbortController();
  void finished.then(() => { ended.abort(); });
  const held = await sandbox.waitForHeld(ended.signal);
  if (held.length === 0) assert.fail(`the process ended before the call was held: ${describeEnd(await finished)}`);
  child.kill(signal);
  return { finished };
}

export function expectKilled(end: Finished): Finished {
  assert.equal(end.signal, 'SIGKILL', describeEnd(end));
  return end;
}

type WatchedScene = Pick<RepositoryScene, 'directory' | 'start'>;
type Variables = Readonly<Record<string, string>>;

/** Options of a process whose changes of files below `parts` of the scene are counted. */
export function watched(scene: Pick<WatchedScene, 'directory'>, variables: Variables, parts: readonly string[] = ['repository', 'config', 'state', 'files']): { variables: Variables; nodeOptions: string[] } {
  const roots = parts.map((part) => join(scene.directory, part)).join(delimiter);
  return { variables: { ...variables, KILL_ROOTS: roots }, nodeOptions: ['--import', PRELOAD] };
}
