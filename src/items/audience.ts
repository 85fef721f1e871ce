import type { RecipientRole } from '../sealing/dataKey.ts';
import type { KeysDocument } from './model.ts';
import { recipientNames, type Recipient } from './recipients.ts';

/** How the recipients of an item would change. */
export interface AudienceChange {
  readonly gained: readonly Recipient[];
  readonly lost: readonly { readonly role: RecipientRole; readonly name: string }[];
  /** Known names that have another key now. */
  readonly rekeyed: readonly { readonly role: RecipientRole; readonly name: string; readonly before: string; readonly after: string }[];
}

/** Compares who an item is sealed to with who it shall be sealed to. */
export function compareAudience(keys: Pick<KeysDocument, 'admins' | 'clients'>, wanted: readonly Recipient[]): AudienceChange {
  const id = ({ role, name }: { role: RecipientRole; name: string }): string => `${role} ${name}`;
  const present = new Map(recipientNames(keys).map((each) => [id(each), each]));
  const wantedIds = new Set(wanted.map(id));
  return {
    gained: wanted.filter((each) => !present.has(id(each))),
    lost: [...present.values()].filter((each) => !wantedIds.has(id(each))).map(({ role, name }) => ({ role, name })),
    rekeyed: wanted.flatMap((each) => {
      const before = present.get(id(each))?.fingerprint;
      const after = each.publicKey.fingerprint;
      return before === undefined || before === after ? [] : [{ role: each.role, name: each.name, before, after }];
    }),
  };
}
