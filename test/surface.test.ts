// The surface that people and scripts rely on. A change on purpose: node --import tsx test/surface.test.ts --update
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT_CODES } from '../src/reporting/exitCodes.ts';
import { AGENT_CONFIGURATION_FILE, publishedAgentConfiguration, publishedSchema, schemaFile, schemas, type SchemaName } from '../src/reporting/schemas.ts';

const SNAPSHOT = new URL('surface.json', import.meta.url);
const SCHEMAS = new URL('../docs/schemas/', import.meta.url);
const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const HOW = 'The surface changed. If that is meant: node --import tsx test/surface.test.ts --update, and tell people in the README or docs/.';

/** Files of JavaScript and JSON that `vault --version` may load. */
const MODULES_MAX = 2;

interface Manifest {
  readonly commands: Readonly<Record<string, {
    readonly aliases: readonly string[];
    readonly args: Readonly<Record<string, { readonly required?: boolean; readonly multiple?: boolean }>>;
    readonly flags: Readonly<Record<string, { readonly char?: string; readonly type: string; readonly multiple?: boolean; readonly options?: readonly string[]; readonly default?: unknown }>>;
  }>>;
}

async function surface(): Promise<object> {
  const { commands } = JSON.parse(await readFile(new URL('../oclif.manifest.json', import.meta.url), 'utf8')) as Manifest;
  const { bin, exports } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { bin: Record<string, string>; exports: object };
  return {
    binaries: Object.keys(bin).sort(),
    exports: Object.keys(exports).sort(),
    commands: Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { aliases, args, flags }]) => [id.replaceAll(':', ' '), {
      ...(aliases.length === 0 ? {} : { aliases }),
      args: Object.entries(args).map(([name, { required, multiple }]) => `${required === true ? name : `[${name}]`}${multiple === true ? '...' : ''}`),
      flags: Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, flag]) => [
        `--${name}`, ...(flag.char === undefined ? [] : [`-${flag.char}`]), ...(flag.type === 'boolean' ? [] : [flag.options?.join('|') ?? 'VALUE']), ...(flag.multiple === true ? ['...'] : []),
      ].join(' ')),
    }])),
    exitCodes: EXIT_CODES,
    schemas: Object.keys(schemas).sort(),
  };
}

it('is the one that was agreed on', async () => {
  const now = `${JSON.stringify(await surface(), undefined, 2)}\n`;
  if (process.argv.includes('--update')) await writeFile(SNAPSHOT, now);
  assert.deepEqual(JSON.parse(now), JSON.parse(await readFile(SNAPSHOT, 'utf8')), HOW);
});

it('has its JSON Schemas published', async () => {
  const names = Object.keys(schemas) as SchemaName[];
  assert.deepEqual((await readdir(SCHEMAS)).sort(), [...names.map(schemaFile), AGENT_CONFIGURATION_FILE].sort(), 'Run: node scripts/schemas.js');
  assert.equal(await readFile(new URL(AGENT_CONFIGURATION_FILE, SCHEMAS), 'utf8'), publishedAgentConfiguration(), 'Run: node scripts/schemas.js');
  for (const name of names) assert.equal(await readFile(new URL(schemaFile(name), SCHEMAS), 'utf8'), publishedSchema(name), `${schemaFile(name)} is not up to date. Run: node scripts/schemas.js`);
});

it('has a JSON Schema for every command but those whose result is of another kind', async () => {
  const { commands } = JSON.parse(await readFile(new URL('../oclif.manifest.json', import.meta.url), 'utf8')) as Manifest;
  const missing = Object.keys(commands).map((id) => id.replaceAll(':', ' ')).filter((name) => !(name in schemas));
  assert.deepEqual(missing, ['agent credential-process', 'agent exec', 'agent run', 'decrypt', 'exec']); // They print AWS's format, a log, and what they open.
});

it(`starts without loading more than ${String(MODULES_MAX)} files`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'iam-vault-modules-'));
  try {
    // V8's coverage names every file that was run, however it was loaded.
    const { status, stderr } = spawnSync(process.execPath, [BIN, '--version'], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: directory, NODE_V8_COVERAGE: directory } });
    assert.equal(status, 0, stderr);
    const reports = (await readdir(directory)).filter((file) => file.startsWith('coverage-'));
    const loaded = new Set<string>();
    for (const file of reports) {
      const { result } = JSON.parse(await readFile(join(directory, file), 'utf8')) as { result: { url: string }[] };
      for (const { url } of result) if (url.startsWith('file:')) loaded.add(fileURLToPath(url));
    }
    assert.ok(loaded.size > 0);
    assert.ok(loaded.size <= MODULES_MAX, `vault --version loads ${String(loaded.size)} files:\n${[...loaded].join('\n')}`);
    for (const file of loaded) assert.doesNotMatch(file, /aws-sdk|smithy|libsodium|zod/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
