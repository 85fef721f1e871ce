import { isVaultError, VaultError } from '../errors.ts';
import type { Recipient } from '../items/recipients.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { readVerifiedItem, type Trust, type Workspace } from './workspace.ts';

/**
 * Stops where a node that would be given an item is known in this repository by another key: whoever can write clients/
 * could otherwise be sealed to by way of an item that is new, or was deleted. Reads every item, so it is asked for newcomers alone.
 * @param acceptKeys names whose changed key is accepted
 * @throws VaultError key-changed
 */
export async function refuseChangedKeys(workspace: Workspace, trust: Trust, newcomers: readonly Recipient[], acceptKeys: readonly string[]): Promise<void> {
  const doubtful = new Map(newcomers.filter(({ role, name }) => role === 'client' && !acceptKeys.includes(name)).map((each) => [each.name, each.publicKey.fingerprint]));
  if (doubtful.size === 0) return;
  const known = new Map<string, { readonly fingerprints: Set<string>; readonly where: string }>();
  for (const ref of await workspace.store.listItems()) {
    if (!await mayName(workspace, ref, doubtful)) continue;
    for (const { name, fingerprint } of await clientsOf(workspace, trust, ref)) {
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
}

/** More names than these are not looked for one by one. */
const NAMES_SOUGHT = 16;

/** Whether an item's recipients can be among `names`: told by its text, which costs less than verifying it. */
async function mayName({ store }: Workspace, ref: ItemRef, names: ReadonlyMap<string, string>): Promise<boolean> {
  if (names.size > NAMES_SOUGHT) return true;
  const documents = await store.readItem(ref).catch(() => undefined);
  if (documents === undefined) return false;
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

async function clientsOf(workspace: Workspace, trust: Trust, ref: { readonly vault: string; readonly item: string }): Promise<readonly { readonly name: string; readonly fingerprint: string }[]> {
  try {
    return (await readVerifiedItem(workspace, trust, ref))?.keys.clients ?? [];
  } catch (error) {
    if (!isVaultError(error)) throw error;
    return []; // What is wrong with that item is said by the commands that are about it.
  }
}
