import type { KeysDocument, RecipientEntry } from '../../items/model.ts';
import type { VerifiedItem } from '../../items/verify.ts';
import { parsePublicKey } from '../../sealing/publicKey.ts';
import type { Roster } from '../../trust/roster.ts';
import type { ClientKey, Inventory } from '../items/inventory.ts';
import type { Finding } from './finding.ts';

/** Compares recipients with the roster and the inventory of today: what they tell is that an item should be refreshed. */
export interface AudienceJudge {
  /** Differences of one item; an admin signed all of them once, so they are no failures. */
  warningsOf(verified: Pick<VerifiedItem, 'vault' | 'item'> & { readonly keys: Pick<KeysDocument, 'admins' | 'clients'> }): Promise<Finding[]>;
}

/** So many names are told; the rest is counted. */
const NAMES_MAX = 10;

/** @param inventory undefined where the repository has no clients at all, as a copy for nodes has none */
export function openAudienceJudge(roster: Roster, inventory: Inventory | undefined): AudienceJudge {
  const admins = new Map(roster.admins.map(({ name, public_key }) => [name, parsePublicKey(public_key).fingerprint]));
  return {
    async warningsOf({ vault, item, keys }) {
      const gone: string[] = [];
      const rekeyed: string[] = [];
      const judge = ({ name, fingerprint }: RecipientEntry, present: string | undefined): void => {
        if (present === undefined) gone.push(name);
        else if (present !== fingerprint) rekeyed.push(name);
      };
      for (const entry of keys.admins) judge(entry, admins.get(entry.name));
      const goneAdmins = gone.splice(0);
      if (inventory !== undefined) {
        const known = await inventory.clients(keys.clients.map(({ name }) => name));
        for (const entry of keys.clients) judge(entry, fingerprintOf(known.keyOf(entry.name)));
      }
      const refresh = `vault refresh ${vault} ${item}`;
      const warnings: (Finding | undefined)[] = [
        warning('not-an-admin', goneAdmins, 'can open it as an admin, and is not on the roster any more', 'can open it as admins, and are not on the roster any more', `Run "${refresh}".`),
        warning('party-not-found', gone, 'can open it, and is gone from the inventory', 'can open it, and are gone from the inventory', `Run "${refresh} --clean-unknown".`),
        warning('recipient-key-changed', rekeyed, 'has another key now', 'have other keys now', `Run "${refresh}", with --accept-key NAME for each key that was changed by right.`),
      ];
      return warnings.flatMap((each) => (each === undefined ? [] : [{ vault, item, ...each, message: `${vault}/${item}: ${each.message}` }]));
    },
  };
}

/** A client whose key cannot be sealed to is there, with another key. */
function fingerprintOf(key: ClientKey | undefined): string | undefined {
  return key === undefined ? undefined : 'publicKey' in key ? key.publicKey.fingerprint : '';
}

function warning(code: Finding['code'], names: readonly string[], one: string, several: string, hint: string): Finding | undefined {
  if (names.length === 0) return undefined;
  const more = names.length - NAMES_MAX;
  return { code, message: `${names.slice(0, NAMES_MAX).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''} ${names.length === 1 ? one : several}.`, hint };
}
