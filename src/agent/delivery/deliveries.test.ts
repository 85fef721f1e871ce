import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { Json } from '../../json/canonical.ts';
import type { Component } from '../component.ts';
import { parseAgentConfiguration } from '../configuration/configuration.ts';
import type { AgentEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { openDeliveries } from './deliveries.ts';

type Fields = Readonly<Record<string, Json>>;

/** Deliveries of items that are given, as a follower would have verified them. */
interface Bench {
  at(...names: string[]): string;
  text(...names: string[]): Promise<string>;
  /** Takes on a configuration with these deliveries, and waits for them. */
  apply(...deliveries: readonly Json[]): Promise<void>;
  /** Gives an item a new content; what is made of it is waited for by {@link apply} or {@link seen}. */
  put(item: string, fields: Fields): void;
  /** Another roster is pinned, under which nothing is known yet. */
  distrust(): void;
  /** Ends, as a process does; the next apply is another process's. */
  restart(): Promise<void>;
  /** Events of a type since they were last taken; those of other types are forgotten. */
  take(type: AgentEvent['type']): AgentEvent[];
  /** Waits for an event of a type. */
  seen(type: AgentEvent['type']): Promise<void>;
  problems(): string[];
}

async function openBench(t: TestContext): Promise<Bench> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'vault-deliveries-')));
  const contents = new Map<string, ItemContent>();
  const events: AgentEvent[] = [];
  let roster = 'A'.repeat(43);
  let wake = (): void => undefined;
  const open = (): Component => openDeliveries((event) => {
    events.push(event);
    wake();
  });
  let component = open();
  t.after(async () => {
    await component.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const follower = { state: ({ item }: { item: string }) => ({ content: contents.get(item) }) } as unknown as Follower;
  const at = (...names: string[]): string => join(directory, ...names);
  return {
    at, text: (...names) => readFile(at(...names), 'utf8'),
    async apply(...deliveries) {
      const text = JSON.stringify({ identity: '/identity', roster, source: { type: 'folder', path: '/source' }, runtime_directory: at('run'), deliveries });
      await component.apply(parseAgentConfiguration(new TextEncoder().encode(text), 'test'), follower);
    },
    put(item, fields) {
      const generation = (contents.get(item)?.generation ?? 0) + 1;
      const content = { vault: 'vault', item, generation, signer: 'alice', time: '', signature: String(generation), fields };
      contents.set(item, content);
      component.changed([content]);
    },
    distrust() {
      roster = `${'A'.repeat(42)}E`;
      contents.clear();
    },
    async restart() {
      await component.stop();
      component = open();
    },
    take(type) {
      return events.splice(0).filter((event) => event.type === type);
    },
    async seen(type) {
      while (!events.some((event) => event.type === type)) await new Promise<void>((resolve) => { wake = resolve; });
    },
    problems: () => component.problems().map(({ code }) => code),
  };
}

test('a file is written when it differs, follows no link, and goes with its configuration, also after a restart', async (t) => {
  const bench = await openBench(t);
  const [path, target] = [bench.at('made', 'f'), bench.at('target')];
  const file = { type: 'file', path, item: 'vault/a', field: 'x', mode: '0440' };
  await bench.apply(file);
  await assert.rejects(stat(path));
  bench.put('a', { x: '1' });
  await bench.seen('delivered');
  assert.deepEqual([await bench.text('made', 'f'), (await stat(path)).mode & 0o777], ['1', 0o440]);
  const { ino } = await stat(path);
  bench.take('delivered');

  await bench.apply(file);
  await bench.restart();
  await bench.apply(file);
  assert.deepEqual([bench.take('delivered'), (await stat(path)).ino], [[], ino]);

  await writeFile(target, 'precious');
  await rm(path);
  await symlink(target, path);
  await bench.apply(file);
  assert.deepEqual([await bench.text('target'), await bench.text('made', 'f'), (await lstat(path)).isFile()], ['precious', '1', true]);

  await bench.restart();
  await bench.apply();
  assert.deepEqual([await readdir(bench.at('made')), await readdir(bench.at('run', 'deliveries'))], [[], []]);
  await bench.apply(file);
  await bench.apply({ ...file, path: bench.at('made', 'g') });
  assert.deepEqual(await readdir(bench.at('made')), ['g']);
});

test('a directory changes as a whole or not at all', async (t) => {
  const bench = await openBench(t);
  const path = bench.at('set');
  const file = (name: string, item: string, more: Fields = {}): Json => ({ name, item: `vault/${item}`, field: 'x', ...more });
  const set = { type: 'directory', path, files: [file('a', 'a', { mode: '0440' }), file('b', 'b')] };
  bench.put('a', { x: '1' });
  await bench.apply(set);
  await assert.rejects(stat(path));
  bench.put('b', { x: '1' });
  await bench.apply(set);
  assert.deepEqual([await bench.text('set', 'a'), await bench.text('set', 'b'), (await stat(bench.at('set', 'a'))).mode & 0o777], ['1', '1', 0o440]);

  bench.put('a', { x: '2' });
  bench.put('b', { y: 'x is gone' });
  await bench.seen('delivery-failed');
  assert.deepEqual([await bench.text('set', 'b'), bench.problems()], ['1', ['field-not-found']]);
  const before = await bench.text('set', 'a');
  bench.put('b', { x: '3' });
  await bench.apply(set);
  assert.deepEqual([before === '1' || before === '2', await bench.text('set', 'a'), await bench.text('set', 'b'), bench.problems()], [true, '2', '3', []]);
  await bench.apply({ ...set, files: [file('b', 'b')] });
  assert.deepEqual((await readdir(path)).filter((name) => !name.startsWith('..')), ['b']);
  await bench.apply({ type: 'file', path, item: 'vault/a', field: 'x' });
  assert.equal(await bench.text('set'), '2');
});

test('a template that cannot be filled leaves what is there, and is read again with the configuration', async (t) => {
  const bench = await openBench(t);
  const [path, template] = [bench.at('f'), bench.at('t')];
  const file = { type: 'file', path, template, items: { db: 'vault/a' } };
  await writeFile(template, 'p={{ db.x }}');
  bench.put('a', { x: '1' });
  await bench.apply(file);
  assert.equal(await bench.text('f'), 'p=1');
  await writeFile(template, 'p={{ db.y }}');
  await bench.apply(file);
  assert.deepEqual([await bench.text('f'), bench.problems()], ['p=1', ['template-invalid']]);
  await writeFile(template, 'q={{ db.x }}');
  await bench.apply(file);
  assert.deepEqual([await bench.text('f'), bench.problems()], ['q=1', []]);
});

test('a place that others can change, or that is taken, is a failure that is told and tried again', async (t) => {
  const bench = await openBench(t);
  const path = bench.at('taken');
  await mkdir(path);
  await mkdir(bench.at('open'));
  bench.put('a', { x: '1' });
  const [taken, open] = [path, bench.at('open', 'f')].map((each) => ({ type: 'file', path: each, item: 'vault/a', field: 'x' }) as const);
  assert.ok(taken && open);
  await chmod(bench.at('open'), 0o777);
  await bench.apply(taken, open);
  assert.deepEqual(bench.problems(), ['delivery-failed', 'delivery-failed']);
  assert.ok(bench.take('delivery-failed').every((event) => event.type === 'delivery-failed' && (event.retryMs ?? 0) > 0));
  assert.deepEqual((await readdir(bench.at('open'))), []);
  await rm(path, { recursive: true });
  await bench.seen('delivered');
  assert.deepEqual([await bench.text('taken'), bench.problems()], ['1', ['delivery-failed']]);
});

test('a command that is owed is run by the next process, one that is not is not', async (t) => {
  const bench = await openBench(t);
  const file = { type: 'file', path: bench.at('f'), item: 'vault/a', field: 'x', on_change: { command: ['sh', '-c', 'test -e "$0" && echo . >> "$0"', bench.at('runs')] } };
  bench.put('a', { x: '1' });
  await bench.apply(file);
  await bench.seen('command-failed');
  await bench.restart();
  await writeFile(bench.at('runs'), '');
  bench.take('command-failed');
  await bench.apply(file);
  await bench.seen('command-ended');
  await bench.restart();
  await bench.apply(file);
  await bench.restart();
  assert.equal(await bench.text('runs'), '.\n');
  await bench.apply({ ...file, path: bench.at('g') });
  await bench.restart();
  assert.equal(await bench.text('runs'), '.\n.\n');
});

const readSocket = async (path: string): Promise<string> => (await buffer(createConnection(path))).toString();

test('a socket gives what is there now to each of many readers, and is not there before', async (t) => {
  const bench = await openBench(t);
  const path = bench.at('s');
  const socket = { type: 'socket', path, item: 'vault/a', field: 'x', mode: '0660' };
  await bench.apply(socket);
  await assert.rejects(stat(path));
  await writeFile(path, 'left by somebody');
  const large = 'x'.repeat(900_000);
  bench.put('a', { x: large });
  await bench.apply(socket);
  const found = await stat(path);
  assert.deepEqual([found.isSocket(), found.mode & 0o777], [true, 0o660]);
  const idle = Array.from({ length: 200 }, () => createConnection(path).on('error', () => undefined));
  t.after(() => { for (const each of idle) each.destroy(); });
  assert.equal(await readSocket(path), large);
  bench.put('a', { x: 'new' });
  await rm(path);
  await bench.apply(socket);
  bench.take('delivered');
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 20; round++) {
    for (const text of await Promise.all(Array.from({ length: 50 }, () => readSocket(path)))) assert.equal(text, 'new');
  }
  assert.ok(process.memoryUsage().rss - before < 50e6);
  const delivered = bench.take('delivered');
  assert.deepEqual([delivered.length, delivered[0]], [1000, { type: 'delivered', kind: 'socket', target: path, items: [{ vault: 'vault', item: 'a', generation: 2 }] }]);
  bench.distrust();
  await bench.apply(socket);
  await assert.rejects(stat(path));
  bench.put('a', { x: 'vouched for' });
  await bench.apply(socket);
  assert.equal(await readSocket(path), 'vouched for');
  await bench.restart();
  await assert.rejects(stat(path));
});
