import * as z from 'zod/mini';
import { nameProblem } from '../names.ts';
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

/** Items of which something is remembered, of one vault or of all; sorted by vault and item. */
export async function listSeen(state: StateDirectory, repository: string, vault?: string): Promise<ItemRef[]> {
  const isName = (kind: 'vault' | 'item') => (name: string) => nameProblem(kind, name) === undefined;
  const vaults = vault === undefined ? (await state.list('seen', repository)).filter(isName('vault')) : [vault];
  const items = await Promise.all(vaults.map(async (each) => (await state.list('seen', repository, each))
    .filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length)).filter(isName('item'))
    .map((item) => ({ vault: each, item }))));
  return items.flat();
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
