import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import type { Problem } from '../../json/validate.ts';
import { parseAgentConfiguration, requireSameDirectories, wantedItems, type AgentConfiguration } from './configuration.ts';

const LEAST = { identity: '/i', roster: `${'A'.repeat(42)}E`, source: { type: 'folder', path: '/r' } };

function parse(value: unknown): AgentConfiguration {
  return parseAgentConfiguration(new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)), 'agent.json');
}

function failure(value: unknown): { readonly code: ErrorCode; readonly problems: readonly Problem[] } {
  try {
    parse(value);
  } catch (error) {
    assert.ok(isVaultError(error), String(error));
    return { code: error.code, problems: (error.details['problems'] ?? []) as readonly Problem[] };
  }
  assert.fail('it was taken');
}

const paths = (more: object): string[] => failure({ ...LEAST, ...more }).problems.map(({ path }) => path);
const file = (more: object = {}): object => ({ type: 'file', path: '/run/x', item: 'v/i', ...more });

describe('a configuration of the agent', () => {
  test('may be as short as that, and times are in milliseconds', () => {
    const { state_directory, runtime_directory, source, items, deliveries, log } = parse({ $schema: 'x', ...LEAST });
    assert.deepEqual([state_directory, runtime_directory, source, items, deliveries, log],
      ['/var/lib/iam-vault', '/run/iam-vault', { type: 'folder', path: '/r', poll: 30_000 }, [], [], { level: 'info', format: 'json' }]);
    assert.equal(parse({ ...LEAST, source: { type: 'folder', path: '/r', poll: '1.5m' } }).source.poll, 90_000);
  });

  test('names each item once, wherever it is named', () => {
    const configuration = parse({
      ...LEAST, items: ['v/a', 'v/a'], deliveries: [file({ item: 'v/b' }), { type: 'directory', path: '/run/d', files: [{ name: 'f', item: 'v/a' }, { name: 'g', template: '/t', items: { c: 'v/c' } }] }],
      endpoint: { consumers: [{ name: 'app', items: ['v/d', 'v/b'] }] }, credentials: [{ item: 'v/e', mode: 'key' }],
    });
    assert.deepEqual(wantedItems(configuration).map(({ item }) => item), ['a', 'b', 'c', 'd', 'e']);
  });

  test('is told all that is wrong at once, where it stands, and what may have been meant', () => {
    const { code, problems } = failure(`{
 "identity": "/i", "rooster": "x", "roster": "x",
 "source": {"type": "https", "uri": "https://x"},
 "deliveries": [{"type": "flie", "path": "/a"}, {"type": "file", "path": "/b", "item": "v/i", "on_change": {"comand": ["x"]}}],
 "credentials": [{"item": "v/i", "mode": "sesion"}, {"item": "v/j", "mode": "session", "role_arm": "x"}],
 "log": {"fromat": "text", "level": "loud"}
}`);
    assert.equal(code, 'input-invalid');
    assert.deepEqual(problems.map(({ path, line, suggestion }) => [path, line, suggestion]), [
      ['rooster', 2, 'roster'], ['roster', 2, undefined],
      ['source.url', 3, undefined], ['source.uri', 3, 'url'],
      ['deliveries[0].type', 4, 'file'], ['deliveries[1].on_change.command', 4, undefined], ['deliveries[1].on_change.comand', 4, 'command'],
      ['credentials[0].mode', 5, 'session'], ['credentials[1].role_arm', 5, 'role_arn'],
      ['log.fromat', 6, 'format'], ['log.level', 6, undefined],
    ]);
    const [foreign] = failure({ ...LEAST, source: { type: 'folder', path: '/r', url: 'https://x' } }).problems;
    assert.doesNotMatch(foreign?.message ?? '', /ca_file/, 'members of another kind of source are not offered');
  });

  test('says nothing that contradicts itself', () => {
    assert.deepEqual(paths({ deliveries: [{ type: 'file', path: '/a' }, file({ path: '/b', template: '/t', items: { a: 'v/i' } }), file({ path: '/c', items: { a: 'v/i' } })] }),
      ['deliveries[0]', 'deliveries[1].template', 'deliveries[2].items']);
    assert.deepEqual(paths({ deliveries: [{ type: 'file', path: '/a', template: '/t', field: 'f', format: 'json' }] }), ['deliveries[0]', 'deliveries[0].field', 'deliveries[0].format']);
    assert.deepEqual(paths({ deliveries: [file(), file()] }), ['deliveries[1].path']);
    assert.deepEqual(paths({ deliveries: [{ type: 'directory', path: '/run/d', files: [{ name: 'f', item: 'v/i' }, { name: 'f', item: 'v/i' }] }, file({ path: '/run/d/x' })] }),
      ['deliveries[0].files[1].name', 'deliveries[1].path']);
    assert.deepEqual(paths({ deliveries: [file()], credentials: [{ item: 'v/i', mode: 'session' }, { item: 'v/i', mode: 'key' }] }), ['deliveries[0]', 'credentials[1].item']);
    assert.deepEqual(paths({ endpoint: { port: 1, consumers: ['a', 'a'].map((name) => ({ name, items: ['v/i'] })) }, monitor: { port: 1 } }), ['endpoint.consumers[1].name', 'monitor.port']);
    assert.deepEqual(paths({ runtime_directory: '/x', state_directory: '/x' }), ['runtime_directory']);
  });

  test('has values that can be what they say, and no others', () => {
    for (const path of ['relative', '/a/../b', '/a//b', '/a/', '', '/a\u0000b', '/a\nb', `/${'a'.repeat(4096)}`]) assert.deepEqual(paths({ identity: path }), ['identity'], path);
    for (const item of ['v', 'v/i/x', '/i', 'v/', '.v/i', '../i', 'v/ i', 'v/i_keys', 5, null]) assert.deepEqual(paths({ items: [item] }), ['items[0]'], String(item));
    for (const mode of ['400', '0402', '0777', '04000', 0o400, '0o400', '']) assert.deepEqual(paths({ deliveries: [file({ mode })] }), ['deliveries[0].mode'], String(mode));
    for (const owner of ['', '-r', 'a b', 'a:b', '1.5', 'root\n']) assert.deepEqual(paths({ deliveries: [file({ owner })] }), ['deliveries[0].owner'], owner);
    for (const url of ['http://example.com', 'ftp://x', 'https://u:p@x', 'https://x/?q', 'https://x/#f', 'x']) assert.deepEqual(paths({ source: { type: 'https', url } }), ['source.url'], url);
    for (const poll of ['1', '99ms', '25h', '-1s', '1 s', 5, '1e3s']) assert.deepEqual(paths({ source: { type: 'folder', path: '/r', poll } }), ['source.poll'], String(poll));
    for (const port of [-1, 65_536, 1.5, '1']) assert.deepEqual(paths({ monitor: { port } }), ['monitor.port'], String(port));
  });

  test('is refused where it is hostile, and touches nothing', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '$schemas', '']) {
      assert.equal(failure(`{"identity": "/i", ${JSON.stringify(name)}: {"polluted": 1}}`).code, 'input-invalid', name);
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    const names = parse({ ...LEAST, deliveries: [{ type: 'file', path: '/a', template: '/t', items: { constructor: 'v/i' } }] });
    assert.deepEqual(wantedItems(names), [{ vault: 'v', item: 'i' }]);
    assert.equal(failure('['.repeat(100_000)).code, 'input-too-deep');
    assert.equal(failure(`{"items": [${' '.repeat(4 << 20)}]}`).code, 'input-too-large');
    assert.equal(failure('{"identity": 1, "identity": 2}').code, 'input-duplicate-key');
    for (const text of ['', '[', '{"a": 1,}', '// x\n{}']) assert.equal(failure(text).code, 'input-not-json', text);
    for (const value of ['[]', '5', 'null', '"x"']) assert.equal(failure(value).code, 'input-invalid', value);
    assert.deepEqual(paths({ items: Array.from({ length: 10_001 }, (_, i) => `v/i${String(i)}`) }), ['items']);
    assert.equal(failure({ ...LEAST, deliveries: Array.from({ length: 1000 }, () => ({ type: 'x' })) }).problems.length, 100, 'no more than anybody reads');
    fc.assert(fc.property(fc.jsonValue(), (value) => { assert.ok(failure(JSON.stringify(value)).code.startsWith('input-')); }));
  });

  test('keeps its directories while the agent runs', () => {
    const before = parse(LEAST);
    requireSameDirectories(before, parse({ ...LEAST, items: ['v/i'] }));
    for (const member of ['state_directory', 'runtime_directory']) {
      assert.throws(() => { requireSameDirectories(before, parse({ ...LEAST, [member]: '/other' })); }, (error) => isVaultError(error, 'usage'));
    }
  });
});
