import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isVaultError, type ErrorCode } from '../../errors.ts';
import { fileValue } from '../../items/fieldValues.ts';
import type { Json } from '../../json/canonical.ts';
import type { ContentConfiguration } from '../configuration/schema.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import { renderFrom, type Render } from './content.ts';
import { openTemplates } from './template.ts';

const DB = { vault: 'vault', item: 'db' };
const SECRET = 'correct horse';

const contentsOf = (fields: Readonly<Record<string, Json>>): ReadonlyMap<string, ItemContent> => (
  new Map([['vault/db', { ...DB, generation: 1, signer: 'alice', time: '', signature: '', fields }]]));

const textOf = async (render: Render, content: ContentConfiguration): Promise<string> => Buffer.from(await render(content)).toString();

/** The message and everything else of an error with that code, without a secret in it. */
const failsWith = (code: ErrorCode) => (error: unknown): boolean => {
  assert.ok(isVaultError(error, code), String(error));
  const { hint, details } = error;
  assert.ok(!JSON.stringify([error.message, hint, details]).includes(SECRET), error.message);
  return true;
};

describe('items', () => {
  const binary = Uint8Array.of(0xff, 0, 1);
  const render = renderFrom(contentsOf({
    password: SECRET, port: 5432, data: { host: 'h', password: `${SECRET}'"` }, key: fileValue({ bytes: binary, mode: 0o600 }),
    iam: { aws_access_key_id: 'AKIA', aws_secret_access_key: 'secret' },
  }), openTemplates());
  const item = DB;

  test('have a format of their own where none is given', async () => {
    assert.equal(await textOf(render, { item, field: 'password' }), SECRET);
    assert.deepEqual(await render({ item, field: 'key' }), binary);
    assert.equal(await textOf(render, { item, field: 'port' }), '5432\n');
    assert.deepEqual(JSON.parse(await textOf(render, { item, field: 'data' })), { host: 'h', password: `${SECRET}'"` });
    assert.equal((JSON.parse(await textOf(render, { item })) as { port: number }).port, 5432);
  });

  test('take every format', async () => {
    assert.equal(await textOf(render, { item, field: 'data', format: 'dotenv' }), `HOST=h\nPASSWORD="${SECRET}'\\""\n`);
    assert.equal(await textOf(render, { item, field: 'port', format: 'raw' }), '5432');
    assert.match(await textOf(render, { item, field: 'data', format: 'yaml' }), /^host: h\n/);
    assert.match(await textOf(render, { item, field: 'iam', format: 'aws-credentials' }), /^\[default\]\naws_access_key_id = AKIA\n/);
  });

  test('that do not fit fail without quoting a value', async () => {
    await assert.rejects(render({ item, field: 'gone' }), failsWith('field-not-found'));
    await assert.rejects(render({ item, field: 'constructor' }), failsWith('field-not-found'));
    await assert.rejects(render({ item, field: 'data', format: 'raw' }), failsWith('field-format'));
    await assert.rejects(render({ item, field: 'data', format: 'aws-credentials' }), failsWith('field-format'));
  });
});

describe('templates', () => {
  async function open(t: TestContext): Promise<(template: string) => Promise<string>> {
    const directory = await mkdtemp(join(tmpdir(), 'vault-template-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const render = (templates = openTemplates()): Render => renderFrom(contentsOf({
      data: { password: SECRET, quoted: `it's "${SECRET}"`, none: null, list: ['a', 'b'] },
      cert: fileValue({ bytes: new TextEncoder().encode('-----BEGIN'), mode: 0o644 }), key: fileValue({ bytes: Uint8Array.of(0xff), mode: 0o600 }),
    }), templates);
    const path = join(directory, 't');
    return async (template) => {
      await writeFile(path, template);
      return await textOf(render(), { template: path, items: { db: DB } });
    };
  }

  test('are filled with fields, files and filters', async (t) => {
    const fill = await open(t);
    assert.equal(await fill('p={{ db.data.password }};{% for x in db.data.list %}{{ x }}{% endfor %}'), `p=${SECRET};ab`);
    assert.equal(await fill('{{ db.cert }} {{ db.key.base64 }}'), '-----BEGIN /w==');
    assert.equal(await fill('{{ db.data.quoted | shell }} {{ db.data.quoted | json }} {{ db.data.quoted | dotenv }}'), `'it'\\''s "${SECRET}"' ${JSON.stringify(`it's "${SECRET}"`)} "it's \\"${SECRET}\\""`);
    assert.equal(await fill('{{ db.data.port | default: 5432 }}{% if db.data.port %}no{% endif %}{{ db.data.list | join: "," }}'), '5432a,b');
  });

  test('that miss a value, read files, run away or do not parse fail without quoting one', async (t) => {
    const fill = await open(t);
    for (const bad of [
      '{{ db.data.gone }}', '{{ db.gone.x }}', '{{ other.data }}', '{{ db.data.none }}', '{{ db.data }}', '{{ db.key }}', '{{ db.data[db.data.password] }}', '{{ db.data.constructor }}',
      '{{ db.data.password | nosuch }}', '{{ db.data.password | raw }}', '{{ db.data | shell }}', '{% if db', '{% nosuch %}',
      '{% include "/etc/passwd" %}', '{% render "/etc/passwd" %}', '{% layout "/etc/passwd" %}',
      '{% for i in (1..1000000000) %}x{% endfor %}', 'x'.repeat((1 << 20) + 1),
    ]) await assert.rejects(fill(bad), failsWith('template-invalid'), bad.slice(0, 80));
  });

  test('are read once until they are forgotten, and not where others can change them', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'vault-template-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const path = join(directory, 't');
    const templates = openTemplates();
    await assert.rejects(templates.fill(path, {}), failsWith('template-invalid'));
    await writeFile(path, 'one');
    templates.forget();
    assert.equal(await templates.fill(path, {}), 'one');
    await writeFile(path, Uint8Array.of(0xff));
    assert.equal(await templates.fill(path, {}), 'one');
    templates.forget();
    await assert.rejects(templates.fill(path, {}), failsWith('template-invalid'));
    await writeFile(path, 'two');
    await chmod(path, 0o666);
    templates.forget();
    await assert.rejects(templates.fill(path, {}), failsWith('template-invalid'));
    await chmod(path, 0o600);
    assert.equal(await openTemplates().fill(path, {}), 'two');
    await chmod(directory, 0o777); // Its user could put a link to another's file there.
    await assert.rejects(openTemplates().fill(path, {}), failsWith('template-invalid'));
  });
});
