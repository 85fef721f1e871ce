import { VaultError } from '../errors.ts';
import type { OpenItem, VerifiedItem } from '../items/verify.ts';
import { audienceOf, groupFingerprints } from '../items/group.ts';
import type { Json } from '../json/canonical.ts';
import { nearest } from '../json/validate.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { readAudience } from './items/groups.ts';
import { readItem } from './openItem.ts';
import { trustRoster, type Workspace } from './workspace.ts';

/** What an item says of itself, after it was verified. */
export interface ItemDetails extends ItemRef {
  readonly generation: number;
  readonly searchQuery: string;
  /** Names of who can open it. */
  readonly admins: readonly string[];
  readonly clients: readonly string[];
  /** Names of its fields, or the one that was asked for. */
  readonly fields: readonly string[];
  readonly signedBy: string;
  /** RFC 3339. */
  readonly time: string;
  /** Where it is sealed to an audience, or is one. `isPresent`: to the audience's present key, so that a refresh has nothing to do. */
  readonly audience?: { readonly name: string; readonly epoch: number; readonly isPresent: boolean };
  /** Values of those fields, where it was opened. */
  readonly values?: Readonly<Record<string, Json>>;
}

/**
 * What an item says of itself, and, where it is opened, its values.
 * @throws VaultError field-not-found, item-not-found and what readItem throws, field-unopenable
 */
export async function showItem(workspace: Workspace, ref: ItemRef, field: string | undefined, open?: OpenItem & { readonly verified: VerifiedItem }): Promise<ItemDetails> {
  const verified = open?.verified ?? (await readItem(workspace, ref)).verified;
  const { vault, item, header, document } = verified;
  const sealedTo = audienceOf(ref, verified.keys);
  const audience = sealedTo === undefined ? undefined : await readAudience(workspace, await trustRoster(workspace), sealedTo);
  const { keys, header: { group } } = audience ?? verified;
  const all = Object.keys(document.fields);
  if (field !== undefined && !all.includes(field)) {
    const near = nearest(field, all);
    throw new VaultError('field-not-found', `${vault}/${item} has no field ${JSON.stringify(field.slice(0, 200))}.`, {
      hint: near === undefined ? `It has: ${all.join(', ')}.` : `Did you mean ${near}?`, details: { vault, item, field: field.slice(0, 200), fields: all },
    });
  }
  const fields = field === undefined ? all : [field];
  return {
    vault, item, generation: header.generation, searchQuery: header.search_query,
    admins: keys.admins.map(({ name }) => name), clients: keys.clients.map(({ name }) => name),
    fields, signedBy: header.signer, time: header.time,
    ...(group === undefined ? {} : { audience: { name: audience?.item ?? item, epoch: group.epoch, isPresent: audience === undefined || groupFingerprints(audience.header)[0] === verified.keys.audience?.fingerprint } }),
    ...(open === undefined ? {} : { values: Object.fromEntries(fields.map((name) => [name, open.field(name)])) }),
  };
}
