import * as z from 'zod/mini';
import { isVaultError, VaultError } from '../../errors.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { digestOf, utf8 } from '../../sealing/encoding.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import type { RememberedPin } from '../../state/pins.ts';
import type { StateDirectory } from '../../state/stateDirectory.ts';

const digest = z.string().check(z.length(43));
const version = z.int().check(z.gte(1));

/**
 * An item and its generation stand in one document, so that neither is ever newer than the other. A place that only remembers has no texts.
 */
const itemSchema = z.strictObject({ generation: version, item: z.optional(z.string()), keys: z.optional(z.string()), partial: z.optional(z.literal(true)) });
const rosterSchema = z.strictObject({ version, digest, repository: digest, roster: z.optional(z.string()) });

export interface KeptItem {
  readonly generation: number;
  readonly documents: ItemDocuments | undefined;
}

export interface KeptRoster {
  readonly pin: RememberedPin;
  readonly bytes: Uint8Array | undefined;
}

/** A directory in which the agent keeps what it verified. Reads give undefined where there is nothing. */
export interface Place {
  /** @throws VaultError input-unreadable, document-invalid, document-not-canonical */
  readItem(repository: string, ref: ItemRef): Promise<KeptItem | undefined>;
  /**
   * Puts a generation, with its documents or alone, in the place of what is there, unless that is newer, or the same.
   * @throws VaultError state-unwritable, input-too-large
   */
  writeItem(repository: string, ref: ItemRef, kept: KeptItem): Promise<void>;
  /** @throws as {@link readItem} */
  readRoster(): Promise<KeptRoster | undefined>;
  /** Puts it in the place of an older one, and of one without its text. Fails where nothing can be written, also if nothing would have to be. */
  writeRoster(kept: KeptRoster): Promise<void>;
}

/** @param pinned the roster that the configuration pins: what is remembered of rosters is remembered under it */
export function openPlace(directory: StateDirectory, pinned: string): Place {
  const rosterName = ['rosters', digestOf(utf8(pinned))];
  const nameOf = (repository: string, { vault, item }: ItemRef): string[] => ['items', repository, vault, item];

  const readItem = async (repository: string, ref: ItemRef): Promise<KeptItem | undefined> => {
    const found = await directory.read(itemSchema, ...nameOf(repository, ref));
    if (found === undefined) return undefined;
    const { generation, item, keys, partial } = found;
    return { generation, documents: item === undefined || keys === undefined ? undefined : { item: utf8(item), keys: utf8(keys), ...(partial === undefined ? {} : { isPartial: partial }) } };
  };
  const readRoster = async (): Promise<KeptRoster | undefined> => {
    const found = await directory.read(rosterSchema, ...rosterName);
    if (found === undefined) return undefined;
    const { version, digest, repository, roster } = found;
    return { pin: { version, digest, repository }, bytes: roster === undefined ? undefined : utf8(roster) };
  };

  return {
    readItem, readRoster,
    writeItem: (repository, ref, { generation, documents }) => directory.locked(async () => {
      const there = await whole(readItem(repository, ref));
      if (there !== undefined && (there.generation > generation || (there.generation === generation && isSame(there.documents, documents)))) return;
      const texts = documents === undefined ? {} : { item: textOf(documents.item), keys: textOf(documents.keys), ...(documents.isPartial === true ? { partial: true } : {}) };
      await directory.write({ generation, ...texts }, ...nameOf(repository, ref));
    }, ['items']),
    writeRoster: ({ pin, bytes }) => directory.locked(async () => {
      const there = await whole(readRoster());
      if (there !== undefined && (there.pin.version > pin.version || (there.pin.digest === pin.digest && (bytes === undefined || there.bytes !== undefined)))) return;
      await directory.write({ version: pin.version, digest: pin.digest, repository: pin.repository, ...(bytes === undefined ? {} : { roster: textOf(bytes) }) }, ...rosterName);
    }, ['rosters']),
  };
}

/** What is damaged is as good as nothing to whoever is about to replace it. */
async function whole<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isVaultError(error)) return undefined;
    throw error;
  }
}

function isSame(a: ItemDocuments | undefined, b: ItemDocuments | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.isPartial === b.isPartial && Buffer.compare(a.keys, b.keys) === 0 && Buffer.compare(a.item, b.item) === 0;
}

/** Of documents that were verified, so are text. */
function textOf(bytes: Uint8Array): string {
  if (bytes.byteLength <= LARGEST) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  throw new VaultError('input-too-large', `A document of ${String(bytes.byteLength)} bytes is too large to be kept for a start without a source; at most ${String(LARGEST)} are allowed.`, {
    hint: 'Seal it to fewer recipients, or store less in it.', details: { size: bytes.byteLength, maxBytes: LARGEST },
  });
}

/** So that both together, with the quotes and line ends that a text in JSON has more, are still read again. */
const LARGEST = 24 << 20;
