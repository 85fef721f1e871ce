import { isVaultError, VaultError } from '../../errors.ts';
import { audienceOf, openGroup, type OpenGroup } from '../../items/group.ts';
import type { ItemDocuments } from '../../items/model.ts';
import { clientName, openItem, parseItemDocuments, verifyItem, type OpenItem, type VerifiedItem } from '../../items/verify.ts';
import type { Identity } from '../../sealing/identity.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText } from '../configuration/configuration.ts';
import type { Source } from '../source.ts';
import type { Memory } from './memory.ts';
import type { TrustedNow } from './rosterFollower.ts';

/** Where an audience is read: the source, or what was kept of it. */
export interface GroupReader {
  readonly trusted: TrustedNow;
  readonly identity: Identity;
  /** Undefined where what was kept is to do. */
  readonly source: { readonly source: Source; readonly signal: AbortSignal } | undefined;
}

/** An item that was opened, and the name under which the reader is a client of it, or of its audience. */
export interface Opened {
  readonly open: OpenItem;
  readonly recipient: string | undefined;
}

/** Opens items, by the audience that each is sealed to, where it is. An audience is read when an item needs a key that is not known. */
export interface Groups {
  /** @throws VaultError store-unreachable, item-missing, and what verification and opening throw */
  open(verified: VerifiedItem, reader: GroupReader): Promise<Opened>;
  wipe(): void;
}

/** What was found of an audience under a version of the source's, and the roster that it was judged by. */
interface Found {
  readonly version: string | undefined;
  readonly roster: number;
  readonly group: OpenGroup | undefined;
  readonly problem: VaultError | undefined;
}

export function followGroups(memory: Memory): Groups {
  const known = new Map<string, Found>();
  /** Of what was verified in this process. */
  const highest = new Map<string, number>();
  const reading = new Map<string, Promise<OpenGroup>>();

  /** Steps 1 and 3 to 8 of the order of verification. */
  const take = async (ref: ItemRef, documents: ItemDocuments, { trusted: { roster, repository }, identity, source }: GroupReader, wanted: ItemRef): Promise<OpenGroup> => {
    const key = refText(ref);
    const seenGeneration = Math.max(highest.get(key) ?? 0, await memory.seen(repository, ref));
    const verified = verifyItem(parseItemDocuments(ref, documents), { roster, repository, seenGeneration });
    highest.set(key, verified.header.generation);
    const group = openGroup(verified, identity, undefined, wanted);
    if (source !== undefined) await memory.keepItem(repository, ref, documents, verified.header.generation);
    return group;
  };

  const read = async (ref: ItemRef, reader: GroupReader, wanted: ItemRef): Promise<OpenGroup> => {
    const { trusted: { roster: { version: roster }, repository }, source } = reader;
    if (source === undefined) {
      const documents = await memory.recallItem(repository, ref);
      if (documents === undefined) throw missing(ref, wanted, 'what was kept');
      const group = await take(ref, documents, reader, wanted);
      known.set(refText(ref), { version: undefined, roster, group, problem: undefined });
      return group;
    }
    const before = known.get(refText(ref));
    const reply = await source.source.readItem(ref, before?.roster === roster ? before.version : undefined, source.signal);
    if (reply.kind === 'unchanged' && before?.problem !== undefined) throw before.problem;
    if (reply.kind === 'unchanged' && before?.group !== undefined) return before.group;
    if (reply.kind !== 'found') throw missing(ref, wanted, source.source.location);
    try {
      const group = await take(ref, reply.documents, reader, wanted);
      before?.group?.wipe();
      known.set(refText(ref), { version: reply.version, roster, group, problem: undefined });
      return group;
    } catch (error) {
      // What was opened before still opens what is sealed to those keys.
      if (isVaultError(error)) known.set(refText(ref), { version: reply.version, roster, group: before?.group, problem: error });
      throw error;
    }
  };

  return {
    async open(verified, reader) {
      const ref = audienceOf(verified, verified.keys);
      if (ref === undefined) return { open: openItem(verified, reader.identity), recipient: clientName(verified, reader.identity) };
      const before = known.get(refText(ref))?.group;
      if (before?.fingerprints.includes(verified.keys.audience?.fingerprint ?? '') === true) return openedBy(before, verified);
      let asked = reading.get(refText(ref));
      if (asked === undefined) {
        asked = read(ref, reader, verified).finally(() => reading.delete(refText(ref)));
        reading.set(refText(ref), asked);
      }
      return openedBy(await asked, verified);
    },
    wipe() {
      for (const { group } of known.values()) group?.wipe();
      known.clear();
    },
  };
}

function openedBy(group: OpenGroup, verified: VerifiedItem): Opened {
  return { open: group.openItem(verified), recipient: group.client };
}

function missing(ref: ItemRef, wanted: ItemRef, location: string): VaultError {
  return new VaultError('item-missing', `The audience ${refText(ref)}, which ${refText(wanted)} is sealed to, is not in ${location}.`, {
    hint: 'If it was made just now, this resolves itself. Otherwise an admin restores it.', details: { ...ref },
  });
}
