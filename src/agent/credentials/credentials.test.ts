import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAgentConfiguration, type AgentConfiguration } from '../configuration/configuration.ts';
import type { Follower } from '../following/follower.ts';
import { openCredentials } from './credentials.ts';

test('a session goes on when the configuration is read again, and not under another roster', async (t) => {
  const runtime = await mkdtemp(join(tmpdir(), 'vault-credentials-'));
  const configured = (roster: string): AgentConfiguration => parseAgentConfiguration(new TextEncoder().encode(JSON.stringify({
    identity: '/i', roster, source: { type: 'folder', path: '/s' }, runtime_directory: runtime,
    credentials: [{ item: 'v/i', mode: 'session', endpoint_url: 'http://127.0.0.1:1' }], // Nobody is there.
  })), 'test');
  const content = { vault: 'v', item: 'i', generation: 1, signer: 'alice', time: '', signature: '1', fields: { data: { aws_access_key_id: 'AKIAEXAMPLEEXAMPLE', aws_secret_access_key: 's'.repeat(40) } } };
  const knowing = (contents: readonly unknown[]): Follower => ({ states: contents.map((each) => ({ content: each })), state: () => undefined }) as unknown as Follower;
  let failed = (): void => undefined;
  const failure = new Promise<void>((resolve) => { failed = resolve; });
  const credentials = openCredentials(({ type }) => { if (type === 'session-failed') failed(); });
  t.after(async () => {
    await credentials.stop();
    await rm(runtime, { recursive: true });
  });
  const codes = (): string[] => credentials.problems().map(({ code }) => code);

  const [roster, another] = ['A'.repeat(43), `${'A'.repeat(42)}E`];
  await credentials.apply(configured(roster), knowing([content]));
  await failure;
  await credentials.apply(configured(roster), knowing([content]));
  assert.deepEqual(codes(), ['aws-unreachable']);
  await credentials.apply(configured(another), knowing([]));
  assert.deepEqual(codes(), []);
});
