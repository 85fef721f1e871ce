import * as z from 'zod/mini';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { StateDirectory } from './stateDirectory.ts';

const seenSchema = z.strictObject({ generation: z.int().check(z.gte(1)) });

/** The highest generation of an item that was seen here; 0 for none. */
export async function readSeenGeneration(state: StateDirectory, repository: string, { vault, item }: ItemRef): Promise<number> {
  return (await state.read(seenSchema, 'seen', repository, vault, item))?.generation ?? 0;
}

/** Remembers a generation, where it is higher than what is remembered. */
export async function rememberGeneration(state: StateDirectory, repository: string, ref: ItemRef, generation: number): Promise<void> {
  const name = ['seen', repository, ref.vault, ref.item];
  await state.locked(async () => {
    if (generation > await readSeenGeneration(state, repository, ref)) await state.write({ generation }, ...name);
  }, name);
}
