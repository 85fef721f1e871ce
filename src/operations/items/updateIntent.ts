import { VaultError } from '../../errors.ts';
import type { ItemHeader } from '../../items/model.ts';
import type { Audience } from '../../items/seal.ts';
import type { Json } from '../../json/canonical.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { chooseAdmins } from '../chooseRecipients.ts';
import type { Intent, Session } from './changeItem.ts';
import { refuseAudience } from './groups.ts';

/** What is wanted of an item that is there. */
export interface ItemUpdate {
  /** Fields to add or to change. */
  readonly values: Readonly<Record<string, Json>> | undefined;
  /** Take out every field that is not among the values. */
  readonly replace: boolean;
  /** Another query; empty for none. */
  readonly searchQuery: string | undefined;
  /** Names to add. */
  readonly admins: readonly string[];
  readonly clients: readonly string[];
}

/**
 * The intent of an update: each time it is tried, it starts from the item as it then is.
 * @throws VaultError party-not-found
 */
export function updateIntent({ workspace, trust, options }: Session, ref: ItemRef, update: ItemUpdate): Intent {
  const { values, replace, searchQuery, admins } = update;
  refuseAudience(ref);
  if (admins.length > 0) chooseAdmins(trust.roster, admins);
  const told = new Set<string>();
  const once = (tell: (text: string) => void, text: string): void => {
    if (!told.has(text)) tell(text);
    told.add(text);
  };
  const where = `${ref.vault}/${ref.item}`;
  return {
    audience: (header) => {
      if (header.named_admins === null && admins.length > 0) once(workspace.notice, `${where} is for everyone on the roster already: ${admins.join(', ')} too.`);
      const next = audienceOf(header, update);
      if (searchQuery === '' && header.search_query !== '' && next.namedClients.length === 0 && !options.allowEmpty) {
        throw new VaultError('query-selects-nobody', `Without its query ${where} would be for its admins alone: no client is named for it.`, {
          hint: 'Name nodes with --clients, or use --allow-empty if that is meant.', details: { item: where },
        });
      }
      return next;
    },
    ...(values === undefined && searchQuery === undefined ? {} : {
      fields: (open) => {
        const before = open.all();
        const after = values === undefined ? before : replace ? { ...values } : { ...before, ...values };
        if (searchQuery === undefined || searchQuery === before['search_query'] || !isFromIam(before)) return values === undefined ? undefined : after;
        once(workspace.warn, `${where} was made from an IAM file: its field search_query is changed too, and what the file says counts again at the next "vault create iam". Change the query there.`);
        return { ...after, search_query: searchQuery };
      },
    }),
  };
}

function audienceOf({ search_query, named_admins, named_clients }: ItemHeader, { searchQuery, admins, clients }: ItemUpdate): Audience {
  return {
    searchQuery: searchQuery ?? search_query,
    namedAdmins: named_admins === null ? null : [...named_admins, ...admins],
    namedClients: [...named_clients, ...clients],
  };
}

/** As "vault create iam" makes items: credentials, and the query beside them. */
function isFromIam({ data, search_query }: Readonly<Record<string, Json>>): boolean {
  return typeof search_query === 'string' && data !== null && typeof data === 'object' && Object.hasOwn(data, 'aws_access_key_id');
}
