import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVaultError } from '../../errors.ts';
import { parseAgentConfiguration } from './configuration.ts';

const base = { identity: '/etc/key', roster: 'A'.repeat(43), source: { type: 'folder', path: '/srv/vault' } };

function pathsOfProblems(more: object): string[] {
  try {
    parseAgentConfiguration(new TextEncoder().encode(JSON.stringify({ ...base, ...more })), 'agent.json');
  } catch (error) {
    assert.ok(isVaultError(error, 'input-invalid'));
    return (error.details['problems'] as { path: string }[]).map(({ path }) => path);
  }
  return [];
}

test('a place that the agent, a socket or another delivery cannot have is told before anything is written', () => {
  const delivery = (path: string, type = 'file'): object => ({ type, path, item: 'vault/db' });
  const own = ['agent.sock', 'agent.lock', 'tokens/a', 'witness', 'deliveries/x'].map((name) => delivery(`/run/iam-vault/${name}`));
  assert.deepEqual(pathsOfProblems({ deliveries: own }), own.map((_, i) => `deliveries[${String(i)}].path`));
  assert.deepEqual(pathsOfProblems({ deliveries: [delivery('/run/iam-vault/agent.socket'), delivery('/run/iam-vault/db')] }), []);
  assert.deepEqual(pathsOfProblems({ deliveries: [delivery('/run/a'), delivery('/run/a/b')] }), ['deliveries[0].path']);
  assert.deepEqual(pathsOfProblems({ deliveries: [delivery(`/run/${'x'.repeat(97)}`, 'socket')] }), []);
  assert.deepEqual(pathsOfProblems({ deliveries: [delivery(`/run/${'x'.repeat(98)}`, 'socket')] }), ['deliveries[0].path']);
  assert.deepEqual(pathsOfProblems({ runtime_directory: `/run/${'x'.repeat(90)}` }), ['runtime_directory']);
});
