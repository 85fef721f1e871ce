import * as z from 'zod/mini';
import { isVaultError } from '../../errors.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { parsePublicKey } from '../../sealing/publicKey.ts';

/** One generation of an item: both documents as they were stored, judged by nobody. */
export interface StoredGeneration {
  readonly ref: ItemRef;
  readonly keys: Uint8Array;
  /** Undefined where only the keys document is left of it. */
  readonly item: Uint8Array | undefined;
}

/** A field that a party could read, with the first and the last generation in which it could. */
export interface ExposedField {
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** What a party could ever read of one item: secrets that must be changed at their source. */
export interface Exposure extends ItemRef {
  readonly first: number;
  readonly last: number;
  /** Sorted by name. */
  readonly fields: readonly ExposedField[];
  /** Of some generation only the list of recipients is left: it may have had other fields. */
  readonly incomplete: boolean;
}

/** Generations of an item, each range from its first to its last. */
export interface UnknownGenerations extends ItemRef {
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
}

/** Whom to look for: by name in either list, or by key under whatever name. */
export interface Suspect {
  readonly name: string;
  readonly fingerprints: ReadonlySet<string>;
}

const entry = z.object({ name: z.string(), fingerprint: z.string() });
const keysSchema = z.object({
  header: z.object({ generation: z.number(), group: z.optional(z.object({ public_keys: z.array(z.string()) })) }),
  admins: z.array(entry), clients: z.array(entry), audience: z.optional(entry),
});
const itemSchema = z.object({ fields: z.record(z.string(), z.unknown()) });

/**
 * Every item and field that a party could read in some generation, by an entry of its own or by an audience that it was in. Signatures are not looked at, nor is the format's version: who wrote a
 * key for somebody let them read, whoever it was. Generations that are not among those given are told as unknown.
 */
export async function findExposure(generations: AsyncIterable<StoredGeneration>, suspect: Suspect): Promise<{ readonly exposure: Exposure[]; readonly unknown: UnknownGenerations[] }> {
  const found = new Map<string, { ref: ItemRef; first: number; last: number; incomplete: boolean; fields: Map<string, ExposedField> }>();
  const seen = new Map<string, { ref: ItemRef; generations: Set<number> }>();
  /** Fingerprints of the keys that the party had as a member of an audience; and what is sealed to audiences, which may be met before them. */
  const groupKeys = new Set<string>();
  const sealedToGroups: { readonly ref: ItemRef; readonly generation: number; readonly fingerprint: string; readonly names: string[] | undefined }[] = [];

  const expose = (ref: ItemRef, generation: number, names: readonly string[] | undefined): void => {
    const id = `${ref.vault}/${ref.item}`;
    const known = found.get(id) ?? { ref, first: generation, last: generation, incomplete: false, fields: new Map<string, ExposedField>() };
    found.set(id, known);
    known.first = Math.min(known.first, generation);
    known.last = Math.max(known.last, generation);
    known.incomplete ||= names === undefined;
    for (const name of names ?? []) {
      const before = known.fields.get(name);
      known.fields.set(name, { name, first: Math.min(before?.first ?? generation, generation), last: Math.max(before?.last ?? generation, generation) });
    }
  };

  for await (const { ref, keys, item } of generations) {
    const parsed = keysSchema.safeParse(jsonOf(keys));
    if (!parsed.success) continue;
    const { header: { generation, group }, audience } = parsed.data;
    const id = `${ref.vault}/${ref.item}`;
    const covered = seen.get(id) ?? { ref, generations: new Set() };
    seen.set(id, covered);
    covered.generations.add(generation);
    if (audience !== undefined) sealedToGroups.push({ ref, generation, fingerprint: audience.fingerprint, names: item === undefined ? undefined : fieldNames(item) });
    if (!isRecipient(parsed.data, suspect)) continue;
    // What an audience holds are keys; what they open is told in its place.
    if (group !== undefined) for (const each of fingerprintsOf(group.public_keys)) groupKeys.add(each);
    else expose(ref, generation, item === undefined ? undefined : fieldNames(item));
  }
  for (const { ref, generation, fingerprint, names } of sealedToGroups) if (groupKeys.has(fingerprint)) expose(ref, generation, names);
  return {
    exposure: sorted(found).map(({ ref: { vault, item }, first, last, incomplete, fields }) => ({
      vault, item, first, last, incomplete, fields: [...fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    })),
    unknown: sorted(seen).flatMap(({ ref: { vault, item }, generations: covered }) => {
      const ranges = gapsOf(covered);
      return ranges.length === 0 ? [] : [{ vault, item, ranges }];
    }),
  };
}

function fingerprintsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    try {
      return [parsePublicKey(line).fingerprint];
    } catch (error) {
      if (!isVaultError(error)) throw error;
      return [];
    }
  });
}

function sorted<T>(items: ReadonlyMap<string, T>): T[] {
  return [...items.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** What is missing from 1 to the highest. */
function gapsOf(covered: ReadonlySet<number>): { first: number; last: number }[] {
  const gaps: { first: number; last: number }[] = [];
  let last = 0;
  for (const generation of [...covered].sort((a, b) => a - b)) {
    if (generation > last + 1) gaps.push({ first: last + 1, last: generation - 1 });
    last = generation;
  }
  return gaps;
}

function isRecipient({ admins, clients }: z.output<typeof keysSchema>, { name, fingerprints }: Suspect): boolean {
  return [...admins, ...clients].some((each) => each.name === name || fingerprints.has(each.fingerprint));
}

function fieldNames(bytes: Uint8Array): string[] | undefined {
  const parsed = itemSchema.safeParse(jsonOf(bytes));
  return parsed.success ? Object.keys(parsed.data.fields) : undefined;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
