import { VaultError } from '../../errors.ts';
import { compareAudience, type AudienceChange } from '../../items/audience.ts';
import type { KeysDocument } from '../../items/model.ts';
import type { Recipient } from '../../items/recipients.ts';
import type { Audience } from '../../items/seal.ts';
import { nearest } from '../../json/validate.ts';
import type { RecipientRole } from '../../sealing/dataKey.ts';
import type { Roster } from '../../trust/roster.ts';
import { chooseAdmins } from '../chooseRecipients.ts';
import { keyChanged } from '../knownKeys.ts';
import type { Inventory, KnownClients } from './inventory.ts';

export interface AudienceOptions {
  /** Names whose changed public key is accepted. */
  readonly acceptKeys: readonly string[];
  /** Leave out nodes that match and have no key that can be sealed to, instead of failing. */
  readonly skipUnsealable: boolean;
  /** Accept a query that selects nobody any more. */
  readonly allowEmpty: boolean;
  /** Take out clients that are gone from the inventory. */
  readonly cleanUnknown: boolean;
  /** Where no person looks at what would be done. */
  readonly unattended?: Unattended;
}

/** Who decides about nodes in a person's place. */
export interface Unattended {
  /**
   * Whether a node may be sealed to under a key that the item is not sealed to yet. What is accepted of changed keys follows from this.
   * @param isRecipient it can open the item by another key: then it loses that, where nobody vouches for this one
   */
  vouchesFor(name: string, fingerprint: string, isRecipient: boolean): boolean;
  /** Whether a node that can open the item stays, though nothing selects it. */
  keeps(name: string): boolean;
}

/** A party that is kept out, whatever the query says. */
export interface Party {
  readonly role: RecipientRole;
  readonly name: string;
}

/** Why somebody who can open an item shall not any more. */
export type LossReason = 'not-selected' | 'not-named' | 'unknown' | 'not-on-roster' | 'excluded';

export interface Loss extends Party {
  readonly reason: LossReason;
}

/** Who shall be able to open an item, and how that differs from who can. */
export interface AudiencePlan extends Omit<AudienceChange, 'lost'> {
  /** Everybody who shall open it and whose key is known; admins first. */
  readonly recipients: readonly Recipient[];
  readonly lost: readonly Loss[];
  /** Who stays, and has another key that was not accepted: nothing can be sealed anew then. */
  readonly refused: AudienceChange['rekeyed'];
  /** Names of clients that are gone from the inventory and stay; those of them without a key only as long as nothing must be sealed anew. */
  readonly unknown: readonly string[];
  /** Nodes that matched and were left out, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** What the header shall say; names that are gone are left out. */
  readonly audience: Audience;
  /** How the query is read, where that may surprise. */
  readonly warning: string | undefined;
}

export interface AudienceRequest {
  /** `VAULT/ITEM`, for messages. */
  readonly where: string;
  /** Who can open it now; undefined for a new item. */
  readonly present: KeysDocument | undefined;
  readonly wanted: Audience;
  /** Kept out, though query or names say otherwise. */
  readonly exclude?: readonly Party[];
  readonly scope?: Scope;
}

/**
 * What is asked anew. `all`: the query, who is named, and the roster. `admins`: the roster alone; the clients stay. `named`: those who
 * can open it stay, and those who are named come in addition; the query is not asked.
 */
export type Scope = 'all' | 'admins' | 'named';

/**
 * Asks the stored (or a new) query again, and compares the answer with who can open the item.
 * @throws VaultError query-invalid, query-selects-nobody, node-unsealable, party-not-found, key-changed, roster-unreachable
 */
export async function planAudience(inventory: Inventory, roster: Roster, request: AudienceRequest, options: AudienceOptions): Promise<AudiencePlan> {
  const { where, present, wanted, exclude = [], scope = 'all' } = request;
  const isExcluded = ({ role, name }: Party): boolean => exclude.some((each) => each.role === role && each.name === name);
  const admins = adminsFor(roster, request).filter((each) => !isExcluded(each));
  if (admins.length === 0) {
    throw new VaultError('roster-unreachable', `${where} would be left without an admin: nobody could change it any more.`, {
      hint: 'Name another admin for it first: vault update VAULT ITEM --admins NAME.', details: { item: where },
    });
  }
  const { clients, skipped, unknown, warning, selected, known } = await clientsFor(inventory, request, options, isExcluded);
  const recipients = [...admins, ...clients];
  const change = compareAudience(present ?? { admins: [], clients: [] }, recipients);
  const staying = new Set(unknown);
  const lost = change.lost.filter(({ role, name }) => role === 'admin' || !staying.has(name));
  const accepted = change.rekeyed.filter(({ name }) => options.unattended !== undefined || options.acceptKeys.includes(name));
  const refused = change.rekeyed.filter((each) => !accepted.includes(each));
  // Where the clients are not asked about, another key of one of them matters only if it would be sealed to.
  if (refused.length > 0 && scope === 'all') throw refuseKeys(where, refused);
  const reasons = lost.map((each): Loss => ({ ...each, reason: reasonOf(each) }));
  if (selected === 0 && !options.allowEmpty && (present === undefined || reasons.some(({ reason }) => reason === 'not-selected'))) throw selectsNobody(where, wanted.searchQuery);
  return { ...change, rekeyed: accepted, refused, recipients, lost: reasons, unknown, skipped, warning, audience: audienceFor(request, reasons) };

  function reasonOf(party: Party): LossReason {
    if (isExcluded(party)) return 'excluded';
    if (party.role === 'admin') return roster.admins.some(({ name }) => name === party.name) ? 'not-named' : 'not-on-roster';
    if (!known.isKnown(party.name)) return 'unknown';
    return wanted.searchQuery === '' ? 'not-named' : 'not-selected';
  }
}

/** The error for keys that changed and were not accepted. */
export function refuseKeys(where: string, refused: AudienceChange['rekeyed']): VaultError {
  return keyChanged(refused.map((each) => ({ ...each, before: [each.before], where })));
}

/** Those who were named and have left the roster are passed over; a new name must be on it. */
function adminsFor(roster: Roster, { present, wanted: { namedAdmins }, scope = 'all' }: AudienceRequest): Recipient[] {
  if (namedAdmins === null && scope !== 'named') return chooseAdmins(roster, undefined);
  const before = present?.admins.map(({ name }) => name) ?? [];
  const wanted = [...(scope === 'named' ? before : []), ...namedAdmins ?? []];
  return chooseAdmins(roster, wanted.filter((name) => !before.includes(name) || roster.admins.some((admin) => admin.name === name)));
}

interface ChosenClients {
  readonly clients: readonly Recipient[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  readonly unknown: readonly string[];
  readonly warning: string | undefined;
  /** How many nodes the query selects; undefined where none was asked. */
  readonly selected: number | undefined;
  readonly known: KnownClients;
}

async function clientsFor(
  inventory: Inventory, { where, present, wanted, scope = 'all' }: AudienceRequest, options: AudienceOptions, isExcluded: (party: Party) => boolean,
): Promise<ChosenClients> {
  const { searchQuery, namedClients } = wanted;
  const now = new Map((present?.clients ?? []).map(({ name, fingerprint }) => [name, fingerprint]));
  const found = searchQuery === '' || scope !== 'all' ? undefined : await inventory.select(searchQuery);
  const chosen = new Set([...(scope === 'all' ? found?.names ?? [] : now.keys()), ...(scope === 'admins' ? [] : namedClients)]);
  const clients: Recipient[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const unknown: string[] = [];
  const concerned = new Set([...chosen, ...now.keys()]);
  const known = await inventory.clients(concerned);
  for (const name of concerned) {
    if (isExcluded({ role: 'client', name })) continue;
    const key = known.keyOf(name);
    const isRecipient = now.has(name);
    // What is gone from the inventory stays until somebody asks for a cleaning: it may be gone by mistake.
    // Who was named may be no node at all, as a workstation is none: then a key is enough.
    const isGone = isRecipient && !(namedClients.includes(name) ? key !== undefined : known.isKnown(name));
    const isKept = isRecipient && options.unattended?.keeps(name) === true;
    if (isGone && options.cleanUnknown && !isKept) continue;
    // Who came after this run asked its query, and can open it already, is somebody else's to judge.
    if (!isGone && !chosen.has(name) && !isKept && !(isRecipient && known.isNewer(name))) continue;
    const isDoubtful = key !== undefined && 'publicKey' in key && now.get(name) !== key.publicKey.fingerprint && options.unattended?.vouchesFor(name, key.publicKey.fingerprint, isRecipient) === false;
    if (isDoubtful && isKept) unknown.push(name); // With the key that it had.
    else if (isDoubtful) skipped.push({ name, reason: 'nobody on the roster admitted it with the key that the inventory has' });
    else if (key !== undefined && 'publicKey' in key) {
      clients.push({ role: 'client', name, publicKey: key.publicKey });
      if (isGone) unknown.push(name);
    } else if (isRecipient) unknown.push(name);
    else if (key === undefined && namedClients.includes(name)) throw await noSuchClient(inventory, name);
    else if (!known.hasLeft(name)) skipped.push({ name, reason: key?.problem ?? 'it has no client document, so no public key' });
  }
  if (skipped.length > 0 && !options.skipUnsealable) throw unsealable(where, searchQuery, skipped);
  const reading = found?.reading;
  return {
    clients: clients.sort((a, b) => (a.name < b.name ? -1 : 1)), skipped, unknown,
    selected: found?.names.length, known,
    warning: reading?.surprising === true ? `The query ${searchQuery} mixes AND and OR without parentheses. It is read as: ${reading.parenthesised}` : undefined,
  };
}

function audienceFor({ wanted, exclude = [] }: AudienceRequest, lost: readonly Loss[]): Audience {
  const gone = (role: RecipientRole): Set<string> => new Set([...exclude, ...lost].filter((each) => each.role === role).map(({ name }) => name));
  const [admins, clients] = [gone('admin'), gone('client')];
  return {
    searchQuery: wanted.searchQuery,
    namedAdmins: wanted.namedAdmins === null ? null : wanted.namedAdmins.filter((name) => !admins.has(name)),
    namedClients: wanted.namedClients.filter((name) => !clients.has(name)),
  };
}

async function noSuchClient(inventory: Inventory, name: string): Promise<VaultError> {
  const near = nearest(name, await inventory.names());
  return new VaultError('party-not-found', `There is no client ${name}.`, {
    hint: near === undefined ? 'See "vault node list".' : `Did you mean ${near}?`, details: { name },
  });
}

function unsealable(where: string, query: string, skipped: ChosenClients['skipped']): VaultError {
  return new VaultError('node-unsealable', `${String(skipped.length)} ${skipped.length === 1 ? 'node' : 'nodes'} that ${where} shall be sealed to cannot be sealed to:\n`
    + skipped.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n'), {
    hint: 'Give each a key with "vault node add NAME --key LINE --force", or leave them out with --skip-unsealable.', details: { query, nodes: skipped },
  });
}

function selectsNobody(where: string, query: string): VaultError {
  return new VaultError('query-selects-nobody', `The query ${query} of ${where} selects no node.`, {
    hint: 'Try it with "vault search"; if nobody but the admins and the named nodes shall open the item for now, use --allow-empty.', details: { query, item: where },
  });
}
