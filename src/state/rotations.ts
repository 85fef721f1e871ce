import * as z from 'zod/mini';
import type { ItemRef } from '../sealing/dataKey.ts';
import type { StateDirectory } from './stateDirectory.ts';

const rotationSchema = z.strictObject({
  started: z.iso.datetime({ precision: 0 }),
  items: z.array(z.strictObject({ vault: z.string(), item: z.string(), commitment: z.string() })),
});

/** A rotation of many items that was begun: the commitment to the data key that each had then. */
export interface Rotation {
  /** RFC 3339, UTC, to the second. */
  readonly started: string;
  readonly items: readonly (ItemRef & { readonly commitment: string })[];
}

/** The rotation that was begun and not finished. */
export async function readRotation(state: StateDirectory, repository: string): Promise<Rotation | undefined> {
  return await state.read(rotationSchema, 'rotations', repository);
}

export async function writeRotation(state: StateDirectory, repository: string, { started, items }: Rotation): Promise<void> {
  await state.write({ started, items: items.map(({ vault, item, commitment }) => ({ vault, item, commitment })) }, 'rotations', repository);
}

export async function clearRotation(state: StateDirectory, repository: string): Promise<void> {
  await state.remove('rotations', repository);
}
