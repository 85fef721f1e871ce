/** docs/agent.md names all that there is. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { agentSchema } from '../src/agent/configuration/schema.ts';
import { EVENT_TYPES } from '../src/agent/observing/levels.ts';
import { openMetrics } from '../src/agent/observing/metrics.ts';

const page = await readFile(new URL('../docs/agent.md', import.meta.url), 'utf8');
const isNamed = (name: string): boolean => page.includes(`\`${name}\``) || page.includes(`"${name}"`);

/** Names of members, at any depth. */
function membersOf(schema: unknown, found = new Set<string>()): ReadonlySet<string> {
  if (schema === null || typeof schema !== 'object') return found;
  const { properties } = schema as { properties?: Record<string, unknown> };
  for (const name of Object.keys(properties ?? {})) found.add(name);
  for (const inner of Object.values(schema)) membersOf(inner, found);
  return found;
}

test('every member of the configuration', async () => {
  const schema: unknown = JSON.parse(await readFile(new URL('../docs/schemas/agent.schema.json', import.meta.url), 'utf8'));
  const names = membersOf(schema);
  for (const name of Object.keys(agentSchema.shape)) assert.ok(names.has(name), `${name} is not in the published schema`);
  assert.deepEqual([...names].filter((name) => !isNamed(name)), []);
});

test('every type of event', () => {
  assert.deepEqual(EVENT_TYPES.filter((name) => !isNamed(name)), []);
});

test('every metric', async () => {
  const text = await (await openMetrics('0.0.0')).render(undefined);
  const names = [...text.matchAll(/^# TYPE iam_vault_agent_(\S+) /gm)].map(([, name = '']) => name);
  assert.ok(names.length > 20);
  assert.deepEqual(names.filter((name) => !isNamed(name)), []);
});
