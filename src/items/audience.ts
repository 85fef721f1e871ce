import type { RecipientRole } from '../sealing/dataKey.ts';
import type { KeysDocument, RecipientEntry } from './model.ts';
import type { Recipient } from './recipients.ts';

/** How the recipients of an item would change. */
export interface AudienceChange {
  readonly gained: readonly Recipient[];
  readonly lost: readonly { readonly role: RecipientRole; readonly name: string }[];
  /** Known names that have another key now. */
  readonly rekeyed: readonly { readonly role: RecipientRole; readonly name: string; readonly before: string; readonly after: string }[];
}

/** Compares who an item is sealed to with who it shall be sealed to. */
export function compareAudience(keys: Pick<KeysDocument, 'admins' | 'clients'>, wanted: readonly Recipient[]): AudienceChange {
  const present = { admin: fingerprintsOf(keys.admins), client: fingerprintsOf(keys.clients) };
  const wantedNames = { admin: new Set<string>(), client: new Set<string>() };
  for (const { role, name } of wanted) wantedNames[role].add(name);
  const lostOf = (role: RecipientRole): AudienceChange['lost'] =>
    [...present[role].keys()].filter((name) => !wantedNames[role].has(name)).map((name) => ({ role, name }));
  return {
    gained: wanted.filter(({ role, name }) => !present[role].has(name)),
    lost: [...lostOf('admin'), ...lostOf('client')],
    rekeyed: wanted.flatMap(({ role, name, publicKey: { fingerprint: after } }) => {
      const before = present[role].get(name);
      return before === undefined || before === after ? [] : [{ role, name, before, after }];
    }),
  };
}

/** One map a role: ten thousand names are not joined with a role to tell them apart. */
function fingerprintsOf(entries: readonly RecipientEntry[]): Map<string, string> {
  return new Map(entries.map(({ name, fingerprint }) => [name, fingerprint]));
}
