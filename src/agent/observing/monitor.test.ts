import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentConfiguration } from '../configuration/configuration.ts';
import type { AgentEvent } from '../events.ts';
import type { Follower } from '../following/follower.ts';
import { openMonitor } from './monitor.ts';

test('metrics are rendered once for many who ask: anybody on the machine may', async (t) => {
  let port = 0;
  const monitor = openMonitor({ version: '1', status: () => undefined, report: (event: AgentEvent) => { if (event.type === 'monitor-listening') ({ port } = event); } });
  t.after(() => monitor.stop());
  await monitor.apply({ monitor: { port: 0 } } as unknown as AgentConfiguration, {} as Follower);
  const ask = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  // The time of processors that was used is another in each rendering.
  const texts = await Promise.all(Array.from({ length: 50 }, ask));
  assert.match(texts[0] ?? '', /^iam_vault_agent_cpu_seconds_total /m);
  assert.ok(new Set(texts).size < 10, String(new Set(texts).size));
});
