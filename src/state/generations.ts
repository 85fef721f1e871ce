import * as z from 'zod/mini';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { StateDirectory } from './stateDirectory.ts';

const seenSchema = z.strictObject({ generation: z.int().check(z.gte(1)), deleted: z.optional(z.literal(true)) });

/** The highest generation of an item that was seen here; 0 for none. */
export async function readSeenGeneration(state: StateDirectory, repository: string, ref: ItemRef): Promise<number> {
  return (await readSeen(state, repository, ref)).generation;
}

/** What was seen of an item; `deleted` where it was deleted from here. */
export async function readSeen(state: StateDirectory, repository: string, { vault, item }: ItemRef): Promise<{ readonly generation: number; readonly deleted: boolean }> {
  const seen = await state.read(seenSchema, 'seen', repository, vault, item);
  return { generation: seen?.generation ?? 0, deleted: seen?.deleted ?? false };
}

/** Remembers a generation, where it is higher than what is remembered. */
export async function rememberGeneration(state: StateDirectory, repository: string, ref: ItemRef, generation: number): Promise<void> {
  await rememberHigher(state, repository, ref, generation, {});
}

/** Remembers that an item was deleted on purpose; `generation` is above that of what was deleted, so that no copy of it is ever taken again. */
export async function rememberDeletion(state: StateDirectory, repository: string, ref: ItemRef, generation: number): Promise<void> {
  await rememberHigher(state, repository, ref, generation, { deleted: true });
}

async function rememberHigher(state: StateDirectory, repository: string, ref: ItemRef, generation: number, more: { readonly deleted?: true }): Promise<void> {
  const name = ['seen', repository, ref.vault, ref.item];
  await state.locked(async () => {
    if (generation > await readSeenGeneration(state, repository, ref)) await state.write({ generation, ...more }, ...name);
  }, name);
}
