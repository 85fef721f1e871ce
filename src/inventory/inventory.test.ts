import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isVaultError, VaultError, type ErrorCode } from '../errors.ts';
import { vaultIdentity } from '../sealing/opensshKey.testing.ts';
import { sshPublicKey } from '../sealing/publicKey.ts';
import { parseClient, parseClientSigningKey, parseNode, parseRole, parseUser, type Role } from './documents.ts';
import { expandRunList, needsExpansion } from './runList.ts';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const failsWith = (...codes: ErrorCode[]) => (error: unknown): boolean => isVaultError(error, ...codes);
const { publicKey, signingKey } = vaultIdentity(1);
const RSA = '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n';

describe('documents as knife downloads them', () => {
  test('a node', () => {
    const node = { name: 'web1', chef_environment: 'prod', run_list: ['role[web]'], normal: { tags: [] }, default: {}, override: {}, automatic: { ipaddress: '10.0.0.1' }, json_class: 'Chef::Node', chef_type: 'node', policy_name: null };
    const parsed = parseNode(json(node), 'nodes/web1.json', 'web1');
    assert.equal(parsed.chef_environment, 'prod');
    assert.deepEqual(parsed.automatic, { ipaddress: '10.0.0.1' });
    assert.ok(!('policy_name' in parsed));
    assert.deepEqual(parseNode(json({ name: 'bare' }), 'nodes/bare.json', 'bare'), { name: 'bare' });
  });

  test('a client: keys that can be sealed to, and those that cannot', () => {
    assert.equal(parseClient(json({ name: 'web1', public_key: publicKey.line, validator: false, json_class: 'Chef::ApiClient' }), 'c', 'web1').line, publicKey.line);
    assert.equal(parseClient(json({ clientname: 'web1', public_key: `${publicKey.line}\n` }), 'c', 'web1').line, publicKey.line);
    assert.throws(() => parseClient(json({ name: 'web1', public_key: RSA }), 'c', 'web1'), (error) => error instanceof VaultError && error.code === 'key-invalid' && error.message.includes('RSA'));
    assert.throws(() => parseClient(json({ name: 'web1' }), 'c', 'web1'), failsWith('key-invalid'));
    assert.throws(() => parseClient(json({ name: 'web1', public_key: 7 }), 'c', 'web1'), failsWith('input-invalid'));
    assert.throws(() => parseClient(new TextEncoder().encode('{"name":"web1","name":"web1","public_key":""}'), 'c', 'web1'), failsWith('input-duplicate-key'));
  });

  test('a client: the key that what it says is verified with', () => {
    const signing = (more: object): string | undefined => parseClientSigningKey(json({ name: 'web1', ...more }), 'c', 'web1')?.line;
    const ssh = sshPublicKey(signingKey?.ed25519 ?? new Uint8Array()).line;
    assert.equal(signing({ public_key: publicKey.line, signing_key: signingKey?.line }), signingKey?.line);
    assert.equal(signing({ public_key: publicKey.line }), undefined);
    assert.equal(signing({ public_key: `${ssh} host` }), ssh);
    assert.throws(() => signing({ public_key: publicKey.line, signing_key: publicKey.line }), failsWith('key-invalid'));
  });

  test('a user: only one with a signing key can be an admin', () => {
    assert.throws(() => parseUser(json({ name: 'alice', public_key: RSA, display_name: 'Alice' }), 'u', 'alice'), failsWith('key-invalid'));
    assert.throws(() => parseUser(json({ name: 'alice', public_key: publicKey.line }), 'u', 'alice'), failsWith('key-invalid'));
    assert.throws(() => parseUser(json({ name: 'alice', public_key: RSA, signing_key: signingKey?.line }), 'u', 'alice'), failsWith('key-invalid'));
    const admin = { name: 'alice', public_key: publicKey.line, signing_key: signingKey?.line };
    assert.deepEqual(parseUser(json({ ...admin, username: 'alice' }), 'u', 'alice'), admin);
  });

  test('a role', () => {
    const role = { name: 'web', run_list: ['recipe[nginx]'], env_run_lists: { prod: ['recipe[waf]'] }, json_class: 'Chef::Role', default_attributes: {} };
    assert.deepEqual(parseRole(json(role), 'r', 'web'), { name: 'web', runList: ['recipe[nginx]'], envRunLists: { prod: ['recipe[waf]'] } });
    assert.deepEqual(parseRole(json({ name: 'web' }), 'r', 'web'), { name: 'web', runList: [], envRunLists: {} });
  });

  test('must be named as their files', () => {
    for (const parse of [parseNode, parseRole] as const) assert.throws(() => parse(json({ name: 'b' }), 's', 'a'), failsWith('name-invalid'));
    assert.throws(() => parseClient(json({ name: 'b', public_key: publicKey.line }), 's', 'a'), failsWith('name-invalid'));
    assert.throws(() => parseNode(json({ name: '../a' }), 's', '../a'), failsWith('name-invalid'));
  });

  test('arbitrary bytes and JSON give a document or a VaultError, and touch no prototype', () => {
    const member = fc.constantFrom('name', 'run_list', 'public_key', 'automatic', 'normal', '__proto__', 'constructor', 'env_run_lists', 'signing_key', 'chef_environment');
    const value = fc.oneof(fc.jsonValue(), fc.constant('a'), fc.constant({ __proto__: null, polluted: true }));
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 100 }), fc.json().map((text) => new TextEncoder().encode(text)),
      fc.array(fc.tuple(member, value), { maxLength: 5 }).map((members) => new TextEncoder().encode(`{${members.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`)),
    );
    fc.assert(fc.property(input, (bytes) => {
      for (const parse of [parseNode, parseRole, parseClient, parseUser]) {
        try {
          parse(bytes, 'source', 'a');
        } catch (error) {
          assert.ok(isVaultError(error), inspect(error));
        }
      }
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    }), { numRuns: 1000 });
  });

  test('too large ones are refused', () => {
    const spaces = (length: number): Uint8Array => new Uint8Array(length).fill(0x20);
    for (const [parse, length] of [[parseNode, 16 << 20], [parseRole, 16 << 20], [parseClient, 64 << 10], [parseUser, 64 << 10]] as const) {
      assert.throws(() => parse(spaces(length), 's', 'a'), failsWith('input-not-json'));
      assert.throws(() => parse(spaces(length + 1), 's', 'a'), failsWith('input-too-large'));
    }
  });

  test('problems of nodes and roles have a position, but in very large ones', () => {
    const large = ` "filler":"${'x'.repeat(1 << 20)}"`;
    const deep = `${'['.repeat(64)}${']'.repeat(64)}`;
    const cases: readonly (readonly [members: string, code: ErrorCode, position: string, problem: string])[] = [
      ['"run_list":["role[web]"],\n "run_list":["role[db]"]', 'input-duplicate-key', 's:2:2: ', 'appears twice'],
      ['"run_list":[],\n "run\\u005flist":[]', 'input-duplicate-key', 's:2:2: ', 'appears twice'],
      ['"normal":{"tags":["a"],"tags":["b"]}', 'input-duplicate-key', 's:1:36: ', 'appears twice'],
      ['"normal":{"a":[{"b":1,"b":1}]}', 'input-duplicate-key', 's:1:35: ', 'appears twice'],
      ['"env_run_lists":{"prod":[],"prod":[]}', 'input-duplicate-key', 's:1:40: ', 'appears twice'],
      [`"a":${deep}`, 'input-too-deep', 's:1:80: ', 'nested more than 64 levels deep'],
      ['"run_list":["a",7,8]', 'input-invalid', 's:1:29: ', 'run_list[1]: found a number, expected a string.'],
      ['"run_list":"a"', 'input-invalid', 's:1:24: ', 'run_list: found a string, expected a list.'],
      ['"a":01', 'input-not-json', 's:1:', 'not valid JSON'],
    ];
    for (const [members, code, position, problem] of cases) {
      for (const parse of [parseNode, parseRole]) {
        const text = `{"name":"a",${members}`;
        assert.throws(() => parse(new TextEncoder().encode(`${text}}`), 's', 'a'), (error) => isVaultError(error, code) && error.message.startsWith(position) && error.message.includes(problem), members);
        assert.throws(
          () => parse(new TextEncoder().encode(`${text},${large}}`), 's', 'a'),
          (error) => isVaultError(error, code) && error.message.startsWith('s: ') && error.message.includes(problem) && error.message.length < 200 && error.details['source'] === 's', members,
        );
      }
    }
    const notUtf8 = new Uint8Array((1 << 20) + 1).fill(0xff);
    assert.throws(() => parseNode(notUtf8, 's', 'a'), failsWith('input-not-json'));
    assert.throws(() => parseRole(json({ name: 'a', env_run_lists: { prod: ['a', 7] } }), 's', 'a'), (error) => isVaultError(error, 'input-invalid') && error.message.includes('env_run_lists.prod[1]: found a number'));
  });

  test('nodes that are nested or wrong in millions of places are refused in bounded memory', () => {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    assert.throws(() => parseNode(encode(`{"name":"a","x":${'['.repeat(3_000_000)}${']'.repeat(3_000_000)}}`), 's', 'a'), failsWith('input-too-deep'));
    assert.throws(() => parseNode(encode(`{"name":"a","run_list":[${'1,'.repeat(3_000_000)}1]}`), 's', 'a'), (error) =>
      isVaultError(error, 'input-invalid') && (error.details['problems'] as unknown[]).length === 1);
  });
});

describe('a run list', () => {
  const role = (name: string, runList: string[], envRunLists: Record<string, string[]> = {}): [string, Role] => [name, { name, runList, envRunLists }];
  const roles = new Map([
    role('base', ['recipe[ntp]']),
    role('web', ['role[base]', 'recipe[nginx::default]'], { prod: ['recipe[waf]', 'role[base]'], empty: [] }),
    role('ring1', ['role[ring2]', 'recipe[one]']), role('ring2', ['role[ring1]', 'recipe[two]']),
    role('self', ['role[self]', 'recipe[me]']),
  ]);
  const expand = (run_list: string[], chef_environment?: string): [readonly string[], readonly string[]] => {
    const expanded = expandRunList({ run_list, ...(chef_environment === undefined ? {} : { chef_environment }) }, roles);
    return [expanded.roles, expanded.recipes];
  };

  test('is expanded through its roles, in order', () => {
    assert.deepEqual(expand(['recipe[a]', 'role[web]', 'recipe[b@1.2.3]', 'c']), [['web', 'base'], ['a', 'ntp', 'nginx::default', 'b', 'c']]);
    assert.deepEqual(expand([]), [[], []]);
  });

  test('takes the list of the node\'s environment where the role has one, though it is empty', () => {
    assert.deepEqual(expand(['role[web]'], 'prod'), [['web', 'base'], ['waf', 'ntp']]);
    assert.deepEqual(expand(['role[web]'], 'empty'), [['web'], []]);
    assert.deepEqual(expand(['role[web]'], 'other'), expand(['role[web]']));
    assert.deepEqual(expand(['role[web]'], 'constructor'), expand(['role[web]']));
  });

  test('may go round in circles, and name roles that are not there', () => {
    assert.deepEqual(expand(['role[ring1]']), [['ring1', 'ring2'], ['two', 'one']]);
    assert.deepEqual(expand(['role[self]', 'role[self]']), [['self'], ['me']]);
    assert.deepEqual(expand(['role[missing]', 'recipe[a]']), [['missing'], ['a']]);
  });

  test('may be as long and as deep as it likes', () => {
    const deep = new Map(Array.from({ length: 50_000 }, (_, i) => role(`r${String(i)}`, [`role[r${String(i + 1)}]`])));
    assert.equal(expandRunList({ run_list: ['role[r0]'] }, deep).roles.length, 50_001);
    const wide = new Map([role('wide', Array.from({ length: 500_000 }, (_, i) => `recipe[r${String(i)}]`))]);
    assert.equal(expandRunList({ run_list: ['role[wide]'] }, wide).recipes.length, 500_000);
  });

  test('is expanded only for nodes that do not say their roles themselves', () => {
    assert.ok(needsExpansion({ name: 'a', run_list: ['role[web]'] }));
    assert.ok(!needsExpansion({ name: 'a', run_list: ['role[web]'], automatic: { roles: ['web'] } }));
    assert.ok(!needsExpansion({ name: 'a', run_list: ['recipe[web]'] }));
  });
});
