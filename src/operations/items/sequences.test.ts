// Any sequence of the commands that change items keeps `vault verify` green, every intended recipient able to read, and everybody else unable to.
import { test } from 'node:test';
import fc from 'fast-check';
import { Run } from './sequencesRun.testing.ts';
import { step } from './sequencesSteps.testing.ts';
import { World } from './sequencesWorld.testing.ts';

test('any sequence of commands leaves what was intended', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }), async (steps) => {
    const world = await World.open();
    try {
      const run = new Run(world);
      for (const each of steps) await run.do(each);
    } finally {
      await world.close();
    }
  }), { numRuns: 20, includeErrorInReport: true });
});
