import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSharedConfigFiles } from '@smithy/core/config';
import fc from 'fast-check';
import { parseAwsIni } from './awsIni.ts';

const directory = await mkdtemp(join(tmpdir(), 'aws-ini-'));
after(() => rm(directory, { recursive: true }));

function keys(text: string, kind: string, name: string): Record<string, string> | undefined {
  const section = parseAwsIni(text, 'f').find((s) => s.kind === kind && s.name === name);
  return section === undefined ? undefined : Object.fromEntries(section.keys);
}

test('section names keep their dots, spaces and quotes apart from nesting', () => {
  const text = '[profile a.b.c]\nregion=r1\n[profile my name]\nregion=r2\n[profile "quoted name"]\nregion=r3\n[a.b]\nregion=r4\n';
  assert.deepEqual(keys(text, 'profile', 'a.b.c'), { region: 'r1' });
  assert.deepEqual(keys(text, 'profile', 'my name'), { region: 'r2' });
  assert.deepEqual(keys(text, 'profile', 'quoted name'), { region: 'r3' });
  assert.deepEqual(keys(text, 'bare', 'a.b'), { region: 'r4' });
});

test('a value keeps what the ini package alone would take from it', () => {
  const text = '[x]\na = b#c;d\nb = "q" \'r\' "s"\nc = true\nd = null\ne = c:\\\\dir\\;x\nf = v ; comment\n# g = 1\nh[] = 1\ni="one"\n';
  assert.deepEqual(keys(text, 'bare', 'x'), {
    a: 'b#c;d', b: '"q" \'r\' "s"', c: 'true', d: 'null', e: 'c:\\\\dir\\;x', f: 'v', i: '"one"',
  });
});

test('nested blocks end where the indentation does', () => {
  const text = '[services s]\niam =\n  endpoint_url = http://i\nsts =\n  endpoint_url = http://s\nother = 1\n';
  assert.deepEqual(keys(text, 'services', 's'), { 'iam.endpoint_url': 'http://i', 'sts.endpoint_url': 'http://s', other: '1' });
});

test('byte order mark and CRLF', () => {
  const text = '\uFEFF[profile x]\r\nregion = r\r\n';
  assert.deepEqual(keys(text, 'profile', 'x'), { region: 'r' });
  assert.equal(parseAwsIni(text, 'f')[0]?.sdkReads, false);
});

test('__proto__ is a name like any other and changes no prototype', () => {
  const text = '[profile __proto__]\npolluted = 1\n[__proto__]\npolluted = 1\n[profile constructor]\n__proto__ = 1\nregion = r\n';
  assert.deepEqual(keys(text, 'profile', '__proto__'), { polluted: '1' });
  assert.deepEqual(keys(text, 'profile', 'constructor'), { region: 'r' });
  assert.equal('polluted' in {}, false);
});

test('sections that appear twice are one', () => {
  assert.deepEqual(keys('[profile x]\na=1\nb=1\n[profile y]\n[profile x]\nb=2\n', 'profile', 'x'), { a: '1', b: '2' });
});

test('of what the SDK reads, it reads the same', async () => {
  const name = fc.stringMatching(/^[a-zA-Z][\w.@+-]{0,8}$/).filter((n) => !['profile', 'services', 'constructor', 'toString', 'valueOf'].includes(n));
  const value = fc.stringMatching(/^[\w"'#;\\=./:[\]{}-][\w "'#;\\=./:[\]{}-]{0,12}$/).filter((v) => !/^[#;]/.test(v));
  const key = fc.stringMatching(/^[a-z_]{1,8}$/).filter((k) => k !== '__proto__');
  const body = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 4 });
  let n = 0;
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(name, body), { minLength: 1, maxLength: 4 }), async (profiles) => {
    const text = profiles.map(([p, lines]) => `[profile ${p}]\n${lines.map(([k, v]) => `${k} = ${v}`).join('\n')}\n`).join('');
    const path = join(directory, `config-${String(n++)}`);
    await writeFile(path, text);
    const { configFile } = await loadSharedConfigFiles({ configFilepath: path, filepath: join(directory, 'none') });
    const ours = Object.fromEntries(parseAwsIni(text, path).map((s) => [s.name, Object.fromEntries(s.keys)]));
    assert.deepEqual(ours, { ...configFile });
  }), { numRuns: 200 });
});

test('never crashes on arbitrary text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
    parseAwsIni(text, 'f');
  }));
});
