import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { openLineQueue, type LostLines } from './lineQueue.ts';

const ofLoss = ({ lines, auditLines }: LostLines): string => `lost ${String(lines)} ${String(auditLines)}\n`;

test('what is pushed in one turn is written at once, and what follows after that', async () => {
  const written: string[] = [];
  const queue = openLineQueue((text, done) => {
    written.push(text);
    setImmediate(done, true);
  }, ofLoss);
  for (const line of ['a\n', 'b\n']) queue.push(line, false);
  await turn();
  queue.push('c\n', true);
  assert.equal(await queue.drained(1000), true);
  assert.deepEqual(written, ['a\nb\n', 'c\n']);
  assert.deepEqual(queue.lost, { lines: 0, auditLines: 0 });
});

test('a reader that stands still takes a bounded memory, audit lines last, and is told what it missed', async () => {
  const written: string[] = [];
  let go: (taken: boolean) => void = () => undefined;
  const queue = openLineQueue((text, done) => {
    written.push(text);
    go = done;
  }, ofLoss, { most: 10, mostAudit: 20 });
  queue.push('first\n', false);
  await turn();
  for (let i = 0; i < 100; i++) queue.push('1234\n', false);
  for (let i = 0; i < 100; i++) queue.push('1234\n', true);
  assert.deepEqual(queue.lost, { lines: 196, auditLines: 98 });
  assert.equal(await queue.drained(1), false);
  go(true);
  await turn();
  assert.deepEqual(written, ['first\n', `lost 196 98\n${'1234\n'.repeat(4)}`]);

  // What could not be written is lost too, and is told with the next that is.
  go(false);
  await turn();
  assert.deepEqual(queue.lost, { lines: 200, auditLines: 100 });
  queue.push('last\n', false);
  await turn();
  assert.equal(written.at(-1), 'lost 200 100\nlast\n');
});
