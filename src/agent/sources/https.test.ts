import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { makeAuthority, serveFiles, type Misbehaviour, type WebServer } from '../../../test/scripts/webServer.ts';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { alice, example, ref, roster, signedRoster } from '../../items/example.testing.ts';
import { openFileStore } from '../../stores/file/fileStore.ts';
import type { Store } from '../../stores/store.ts';
import type { Source, SourceReply } from '../source.ts';
import { httpsSource } from './https.ts';

/** One that never comes. */
const never = (): AbortSignal => new AbortController().signal;
const KEYS = '/data_bags/vault/account_user_keys.json';
const ITEM = '/data_bags/vault/account_user.json';

interface Scene {
  readonly root: string;
  readonly store: Store;
  readonly server: WebServer;
  readonly source: Source;
  open(more?: { readonly url?: string; readonly timeout?: number; readonly authorities?: Uint8Array }): Source;
}

async function scene(t: TestContext, withTls = false): Promise<Scene> {
  const root = await mkdtemp(join(tmpdir(), 'vault-https-'));
  const store = openFileStore(root);
  await store.writeRoster(1, signedRoster(roster, [alice]));
  await store.writeItem(ref, example(), 0);
  const server = await serveFiles(root, withTls ? await makeAuthority(root, 'right') : undefined);
  const closers: (() => void)[] = [];
  t.after(async () => {
    for (const close of closers) close();
    await server.close();
    await rm(root, { recursive: true, force: true });
  });
  const open: Scene['open'] = ({ url = server.url, timeout = 10_000, authorities } = {}) => {
    const source = httpsSource({ type: 'https', url, poll: 3_600_000, timeout }, authorities);
    closers.push(source.follow([], () => undefined));
    return source;
  };
  return { root, store, server, open, source: open() };
}

function versionOf(reply: SourceReply): string {
  assert.ok(reply.kind === 'found' && reply.version !== undefined);
  return reply.version;
}

const failsWith = (code: ErrorCode) => (error: unknown): boolean => isVaultError(error, code);

describe('a web server', { concurrency: 8 }, () => {
  test('is asked no more than it must, over connections that are kept', async (t) => {
    const { store, server, source } = await scene(t);
    const version = versionOf(await source.readItem(ref, undefined, never()));
    for (let i = 0; i < 3; i++) assert.equal((await source.readItem(ref, version, never())).kind, 'unchanged');
    assert.deepEqual(server.requests.splice(0), [`${KEYS} 200`, `${ITEM} 200`, ...Array.from({ length: 3 }, () => `${KEYS} 304`)]);
    await store.writeItem(ref, example({ generation: 2 }), 1);
    assert.notEqual(versionOf(await source.readItem(ref, version, never())), version);
    assert.equal((await source.readItem({ vault: 'vault', item: 'other' }, undefined, never())).kind, 'absent');

    const [first, again, next] = [await source.readRoster(1, never()), await source.readRoster(1, never()), await source.readRoster(2, never())];
    assert.deepEqual([again, next], [first, undefined]);
    assert.deepEqual(server.requests.slice(-3), ['/trust/1.json 200', '/trust/1.json 304', '/trust/2.json 404']);
    await Promise.all(Array.from({ length: 8 }, () => source.readItem(ref, undefined, never())));
    assert.ok(server.connections() <= 4, String(server.connections()));
  });

  test('may serve them below a path, under names with every character that names have', async (t) => {
    const { root, server, open } = await scene(t);
    const odd = { vault: 'a+b', item: 'x,y=z@+1.2' };
    await mkdir(join(root, 'below', 'it is'), { recursive: true });
    await openFileStore(join(root, 'below', 'it is')).writeItem(odd, example({ ...odd }), 0);
    for (const url of [`${server.url}below/it%20is`, `${server.url}below/it%20is/`]) versionOf(await open({ url }).readItem(odd, undefined, never()));
  });

  test('without ETag and Last-Modified is read and compared', async (t) => {
    const { store, server, source } = await scene(t);
    const documents = await store.readItem(ref) ?? assert.fail();
    server.misbehave = (request, response) => { response.end(request.url === KEYS ? documents.keys : documents.item); };
    const version = versionOf(await source.readItem(ref, undefined, never()));
    assert.equal((await source.readItem(ref, version, never())).kind, 'unchanged');
  });

  test('whose files are being replaced is asked again, and a pair that stays mixed is not relied on', async (t) => {
    const { server, source } = await scene(t);
    const [one, two] = [example(), example({ generation: 2 })];
    let times = 0;
    server.misbehave = (request, response) => { response.end(request.url === KEYS ? two.keys : ++times < 3 ? one.item : two.item); };
    versionOf(await source.readItem(ref, undefined, never()));
    server.misbehave = (request, response) => { response.end(request.url === KEYS ? two.keys : one.item); };
    const mixed = await source.readItem(ref, undefined, never());
    assert.ok(mixed.kind === 'found' && mixed.version === undefined);
    server.misbehave = (request, response) => { if (request.url === KEYS) response.end(two.keys); else response.writeHead(404).end(); };
    await assert.rejects(source.readItem(ref, undefined, never()), failsWith('document-invalid'));
  });

  test('that refuses what it does not list is believed where it just gave the version before', async (t) => {
    const { server, source } = await scene(t);
    await source.readRoster(1, never());
    server.misbehave = (_request, response) => { response.writeHead(403).end(); };
    assert.equal(await source.readRoster(2, never()), undefined);
    await assert.rejects(source.readRoster(1, never()), failsWith('store-unreachable'));
    await assert.rejects(source.readItem(ref, undefined, never()), failsWith('store-unreachable'));
  });

  const bad: Readonly<Record<string, readonly [ErrorCode, Misbehaviour]>> = {
    'hangs': ['store-unreachable', () => undefined],
    'hangs after the head': ['store-unreachable', (_request, response) => { response.writeHead(200).write('{'); }],
    'trickles': ['store-unreachable', (_request, response) => {
      const timer = setInterval(() => { response.write('x'); }, 20);
      response.on('close', () => { clearInterval(timer); });
    }],
    'trickles that nothing is there': ['store-unreachable', (_request, response) => {
      response.writeHead(404);
      const timer = setInterval(() => { response.write('x'); }, 20);
      response.on('close', () => { clearInterval(timer); });
    }],
    'fails': ['store-unreachable', (_request, response) => { response.writeHead(500).end('no'); }],
    'sends it elsewhere': ['store-unreachable', (_request, response) => { response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(); }],
    'says that nothing changed though nothing was known': ['store-unreachable', (_request, response) => { response.writeHead(304).end(); }],
    'encodes': ['store-unreachable', (_request, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'); }],
    'breaks off': ['store-unreachable', (_request, response) => { response.writeHead(200, { 'content-length': '100' }).write('x', () => { response.destroy(); }); }],
    'speaks something else': ['store-unreachable', (_request, response) => { response.socket?.end('SSH-2.0-OpenSSH\r\n'); }],
    'announces too much': ['input-too-large', (_request, response) => { response.writeHead(200, { 'content-length': String(1 << 30) }).write('x'); }],
    'sends without an end': ['input-too-large', (_request, response) => {
      const chunk = Buffer.alloc(1 << 20);
      const more = (): void => { if (!response.destroyed) response.write(chunk, more); };
      more();
    }],
  };
  for (const [what, [code, misbehaviour]] of Object.entries(bad)) {
    test(`that ${what} is an error in time, and no more than the file is read`, { timeout: 20_000 }, async (t) => {
      const { server, source, open } = await scene(t);
      server.misbehave = misbehaviour;
      await assert.rejects(open({ timeout: 200 }).readItem(ref, undefined, never()), failsWith(code));
      server.misbehave = undefined;
      versionOf(await source.readItem(ref, undefined, never()));
    });
  }

  test('that is not there, or vouched for by another, is unreachable', async (t) => {
    const { root, server, open } = await scene(t, true);
    const [right, wrong] = [await makeAuthority(root, 'right2'), await makeAuthority(root, 'wrong')];
    await assert.rejects(open().readRoster(1, never()), failsWith('store-unreachable'));
    await assert.rejects(open({ authorities: wrong.cert }).readRoster(1, never()), failsWith('store-unreachable'));
    await assert.rejects(open({ authorities: right.cert, url: 'https://127.0.0.1:1/' }).readRoster(1, never()), failsWith('store-unreachable'));
    assert.ok(await open({ authorities: await readFile(join(root, 'right.pem')) }).readRoster(1, never()));
    assert.ok(server.connections() > 0);
  });

  test('whose connection is closed as it is used again is asked once more', async (t) => {
    const { server, source } = await scene(t);
    await source.readRoster(1, never());
    let times = 0;
    server.misbehave = (request, response) => {
      if (++times === 1) request.socket.resetAndDestroy();
      else response.writeHead(404).end();
    };
    assert.equal(await source.readRoster(2, never()), undefined);
  });

  test('is not waited for by who ends', { timeout: 5000 }, async (t) => {
    const { server, open } = await scene(t);
    server.misbehave = () => undefined;
    const ending = new AbortController();
    const reading = open({ timeout: 60_000 }).readItem(ref, undefined, ending.signal);
    ending.abort();
    await assert.rejects(reading);
  });
});
