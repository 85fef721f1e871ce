import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentConfiguration } from '../configuration/configuration.ts';
import { deliveredItems } from './deliveredItems.ts';

const file = (path: string, ...items: string[]): AgentConfiguration['deliveries'][number] => ({
  type: 'file', path, template: '/t', items: Object.fromEntries(items.map((item, i) => [`i${String(i)}`, { vault: 'v', item }])), mode: 0o400,
});

test('delivered is what was handed on, and that nothing has a problem with', () => {
  const refs = ['c', 'b', 'a', 'd', 'e'].map((item) => ({ vault: 'v', item }));
  const configuration = { deliveries: [file('/one', 'a'), file('/two', 'a', 'b'), file('/three', 'c', 'd')] };
  const handed = new Map([['v/a', 1], ['v/b', 2], ['v/c', 3], ['v/e', 5]]);
  const said = (...subjects: string[]): string[] => deliveredItems(configuration, refs, handed, subjects.map((subject) => ({ subject, code: 'x', message: 'x' })))
    .map(({ item, generation, delivered }) => `${item}${String(generation)}${delivered ? '+' : '-'}`);
  // Of d there is no content yet: the file of c and d is not made.
  assert.deepEqual(said(), ['a1+', 'b2+', 'c3-', 'd0-', 'e5+']);
  assert.deepEqual(said('/two'), ['a1-', 'b2-', 'c3-', 'd0-', 'e5+']);
  assert.deepEqual(said('v/e', '/elsewhere'), ['a1+', 'b2+', 'c3-', 'd0-', 'e5-']);
});
