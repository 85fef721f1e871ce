import { isVaultError, VaultError } from '../errors.ts';
import type { Recipient } from '../items/recipients.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { listSeen, readSeen } from '../state/generations.ts';
import { readVerifiedItem, type Trust, type Workspace } from './workspace.ts';

/**
 * Stops where a node that would be given an item is known in this repository by another key: whoever can write clients/
 * could otherwise be sealed to by way of an item that is new, or was deleted. Reads every item, so it is asked for newcomers alone.
 * @param acceptKeys names whose changed key is accepted
 * Warns where an item that may have told it is missing, or cannot be trusted.
 * @throws VaultError key-changed
 */
export async function refuseChangedKeys(workspace: Workspace, trust: Trust, newcomers: readonly Recipient[], acceptKeys: readonly string[]): Promise<void> {
  const doubtful = new Map(newcomers.filter(({ role, name }) => role === 'client' && !acceptKeys.includes(name)).map((each) => [each.name, each.publicKey.fingerprint]));
  if (doubtful.size === 0) return;
  const known = new Map<string, { readonly fingerprints: Set<string>; readonly where: string }>();
  const refs = await workspace.store.listItems();
  const mute = await missingItems(workspace, trust, refs);
  for (const ref of refs) {
    if (!await mayName(workspace, ref, doubtful)) continue;
    const clients = await clientsOf(workspace, trust, ref);
    if (clients === undefined) mute.push(ref);
    for (const { name, fingerprint } of clients ?? []) {
      if (!doubtful.has(name)) continue;
      const seen = known.get(name) ?? { fingerprints: new Set(), where: `${ref.vault}/${ref.item}` };
      known.set(name, seen);
      seen.fingerprints.add(fingerprint);
    }
  }
  const changed = [...doubtful].flatMap(([name, after]) => {
    const before = known.get(name);
    return before === undefined || before.fingerprints.has(after) ? [] : [{ name, before: [...before.fingerprints], after, where: before.where }];
  });
  if (changed.length > 0) throw keyChanged(changed);
  const unknown = [...doubtful.keys()].filter((name) => !known.has(name));
  if (unknown.length > 0 && mute.length > 0) {
    workspace.warn(`Nothing here tells whether these nodes had other keys before: ${unknown.join(', ')}. Items that may have told it are missing or cannot be trusted: ${mute.map(({ vault, item }) => `${vault}/${item}`).join(', ')}.`);
  }
}

/** Items that were seen here, are gone, and were not deleted from here. */
async function missingItems({ state }: Workspace, { repository }: Trust, present: readonly ItemRef[]): Promise<ItemRef[]> {
  const there = new Set(present.map(({ vault, item }) => `${vault}/${item}`));
  const missing: ItemRef[] = [];
  for (const ref of await listSeen(state, repository)) {
    if (!there.has(`${ref.vault}/${ref.item}`) && !(await readSeen(state, repository, ref)).deleted) missing.push(ref);
  }
  return missing;
}

/** More names than these are not looked for one by one. */
const NAMES_SOUGHT = 16;

/** Whether an item's recipients can be among `names`: told by its text, which costs less than verifying it. */
async function mayName({ store }: Workspace, ref: ItemRef, names: ReadonlyMap<string, string>): Promise<boolean> {
  if (names.size > NAMES_SOUGHT) return true;
  const documents = await store.readItem(ref).catch(() => undefined);
  if (documents === undefined) return true;
  const keys = Buffer.from(documents.keys.buffer, documents.keys.byteOffset, documents.keys.byteLength);
  return [...names.keys()].some((name) => keys.includes(`"name":"${name}"`));
}

/** The error that names each changed key, as it was and as it is. */
export function keyChanged(changed: readonly { readonly name: string; readonly before: readonly string[]; readonly after: string; readonly where: string }[]): VaultError {
  return new VaultError('key-changed', changed.map(({ name, before, after, where }) =>
    `The public key of ${name} is not the one that ${where} is sealed to: it was ${before.join(' or ')}, and is ${after}.`).join('\n'), {
    hint: `Ask whoever runs the machine. If the change is right, accept it by name: ${changed.map(({ name }) => `--accept-key ${name}`).join(' ')}. If nobody changed it, somebody wants to read what is sealed to it.`,
    details: { changed },
  });
}

/** Undefined where the item cannot be trusted. */
async function clientsOf(workspace: Workspace, trust: Trust, ref: { readonly vault: string; readonly item: string }): Promise<readonly { readonly name: string; readonly fingerprint: string }[] | undefined> {
  try {
    return (await readVerifiedItem(workspace, trust, ref))?.keys.clients ?? [];
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return undefined; // What is wrong with that item is said by the commands that are about it.
  }
}
