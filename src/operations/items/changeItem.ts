import { isVaultError, VaultError } from '../../errors.ts';
import { groupRecipient } from '../../items/group.ts';
import type { ItemDocuments, ItemHeader, KeysDocument } from '../../items/model.ts';
import type { Recipient, SealEntries } from '../../items/recipients.ts';
import { extendItem, sealItemWith, type Audience, type Signer } from '../../items/seal.ts';
import type { OpenItem, VerifiedItem } from '../../items/verify.ts';
import type { Json } from '../../json/canonical.ts';
import { isAudienceName } from '../../names.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { wipe } from '../../sealing/encoding.ts';
import { rememberGeneration } from '../../state/generations.ts';
import { refuseChangedKeys } from '../knownKeys.ts';
import { itemNotFound, openThrough } from '../openItem.ts';
import { premisesOf } from '../premises.ts';
import { readVerifiedItem, refuseMissing, type Trust, type Workspace } from '../workspace.ts';
import { compareFields, compareHeaders, countFields, SAME_FIELDS, type FieldChanges, type HeaderChanges } from './differences.ts';
import { groupPremises, headerAudience, makeAudience, nextKeys, type Groups } from './groups.ts';
import type { Inventory } from './inventory.ts';
import { planAudience, refuseKeys, type AudienceOptions, type AudiencePlan, type Party, type Scope } from './planAudience.ts';

/** What one run of a command that changes items works with. */
export interface Session {
  readonly workspace: Workspace;
  readonly trust: Trust;
  readonly signer: Signer;
  readonly inventory: Inventory;
  readonly options: AudienceOptions;
  readonly sealEntries: SealEntries;
  readonly groups: Groups;
}

/** How an item's data key reaches those who can open it: each of them has an entry, or their audience has the only one. */
export type Form = (typeof AUDIENCE_FORMS)[number];
export const AUDIENCE_FORMS = ['inline', 'group'] as const;

/** What is wanted of an item; what is left out stays as it is, but for who the query selects now. */
export interface Intent {
  readonly audience?: (header: ItemHeader, keys: KeysDocument) => Audience;
  /** Every field of the new generation; undefined where the content stays. The values are opened for it alone. */
  readonly fields?: (open: OpenItem) => Readonly<Record<string, Json>> | undefined;
  /** Encrypt anew under another data key, whatever else changes. */
  readonly rotate?: boolean;
  /** Sign the header anew, though nothing else changes. */
  readonly resign?: (keys: KeysDocument) => boolean;
  readonly exclude?: readonly Party[];
  /** What of the audience is asked anew; `all` where left out. */
  readonly scope?: Scope;
  /** As it is where left out. */
  readonly form?: Form;
  /** What this run does, or did, to an audience by itself: then the items that are sealed to it only follow. */
  readonly settled?: (audience: ItemRef) => Pick<PlannedChange, 'action'> | undefined;
}

/** `extended`: sealed to newcomers alone, under the same data key. `resealed`: encrypted anew, under another. `resigned`: neither. */
export type ItemAction = 'created' | 'unchanged' | 'resigned' | 'extended' | 'resealed';

/** What a change would do, or did. Holds no secret. */
export interface PlannedChange extends ItemRef {
  readonly action: ItemAction;
  /** Of the new generation; the present one where nothing changes. */
  readonly generation: number;
  readonly audience: Omit<AudiencePlan, 'recipients'>;
  /** Names of fields whose value is new, is another, or is gone. */
  readonly fields: FieldChanges;
  readonly header: HeaderChanges;
}

/** How often a change is tried again, where somebody else was faster. */
const ATTEMPTS = 10;

/** Says what an intent would do to an item. Changes nothing. @throws VaultError as {@link changeItem} */
export async function planChange(session: Session, ref: ItemRef, intent: Intent): Promise<PlannedChange> {
  const planned = await planUnchecked(session, ref, intent);
  await refuseChangedKeys(session.workspace, session.trust, planned.audience.gained, session.options.acceptKeys);
  return planned;
}

/** {@link planChange} for a run over many items, which compares the newcomers of all with the keys that are known, once. */
export async function planUnchecked(session: Session, ref: ItemRef, intent: Intent): Promise<PlannedChange> {
  const { planned, open } = await prepare(session, ref, intent);
  open?.wipe();
  return planned;
}

/**
 * Carries an intent out: reads the item, compares, seals, and writes, if the item is then still the one that was read; otherwise
 * it begins anew, so that nobody's change is lost. Where the roster, or a newcomer, is another than when the run began, it stops.
 * @param agreed the plan that somebody agreed to, whose newcomers were compared with the keys that are known: what takes more away
 *   than it is refused
 * @throws VaultError item-not-found, item-missing, not-a-recipient, recipient-unknown, store-conflict, what planAudience and
 *   readVerifiedItem throw, and what the store does
 */
export async function changeItem(session: Session, ref: ItemRef, intent: Intent, agreed?: PlannedChange): Promise<PlannedChange> {
  // Newcomers whose keys were looked at with the plan need not be looked at again.
  const known = new Set(agreed?.audience.gained.map(({ name, publicKey }) => `${name} ${publicKey.fingerprint}`));
  /** What became of the item's audience, which is changed before it. */
  let kept: Pick<PlannedChange['audience'], 'gained' | 'lost' | 'rekeyed'> | undefined;
  for (let attempt = 1; ; attempt++) {
    const prepared = await prepare(session, ref, intent);
    const { verified, open, upkeep } = prepared;
    const planned = kept === undefined ? prepared.planned : { ...prepared.planned, audience: { ...prepared.planned.audience, ...kept } };
    try {
      if (upkeep !== undefined) {
        if (attempt === ATTEMPTS) throw new VaultError('store-conflict', `The audience of ${ref.vault}/${ref.item} is being changed all the time. Nothing was written.`, { hint: 'Run the command again.', details: { ...upkeep } });
        const { exclude, scope } = intent;
        const { gained, lost, rekeyed } = (await changeItem(session, upkeep, { ...(exclude === undefined ? {} : { exclude }), ...(scope === undefined ? {} : { scope }) }, agreed)).audience;
        kept ??= { gained, lost, rekeyed };
        session.groups.forget(upkeep); // Somebody else may have done it.
        continue;
      }
      if (planned.action === 'unchanged') {
        await session.workspace.store.finishItem(ref);
        return planned;
      }
      if (agreed !== undefined) refuseMore(planned, agreed);
      const newcomers = planned.audience.gained.filter(({ name, publicKey }) => !known.has(`${name} ${publicKey.fingerprint}`));
      await refuseChangedKeys(session.workspace, session.trust, newcomers, session.options.acceptKeys);
      const group = await targetOf(session, prepared);
      const documents = await compose(session, prepared, group);
      await session.workspace.store.writeItem(ref, documents, verified.header.generation, group === undefined ? premisesOf(session.workspace, session.trust, planned.audience.gained) : groupPremises(session, group));
      session.groups.forget(ref);
      await rememberGeneration(session.workspace.state, session.trust.repository, ref, planned.generation);
      return planned;
    } catch (error) {
      if (!isVaultError(error, 'store-conflict') || attempt === ATTEMPTS || error.details['found'] === undefined) throw error;
    } finally {
      open?.wipe();
    }
  }
}

interface Prepared {
  readonly planned: PlannedChange;
  readonly verified: VerifiedItem;
  /** Where something is to be written, or was to be compared. */
  readonly open: OpenItem | undefined;
  readonly recipients: readonly Recipient[];
  /** Every field, where the content changes. */
  readonly fields: Readonly<Record<string, Json>> | undefined;
  readonly form: Form;
  /** The audience that it is, and stays, sealed to. */
  readonly group: VerifiedItem | undefined;
  /** That audience, where it is to be changed first. */
  readonly upkeep?: ItemRef;
}

async function prepare(session: Session, ref: ItemRef, intent: Intent): Promise<Prepared> {
  const { workspace, trust, inventory, options } = session;
  const verified = await readVerifiedItem(workspace, trust, ref);
  if (verified === undefined) {
    await refuseMissing(workspace, trust, ref);
    throw await itemNotFound(workspace.store, ref);
  }
  const { header } = verified;
  const group = await session.groups.of(verified);
  const form = isAudienceName(ref.item) ? 'inline' : intent.form ?? (group === undefined ? 'inline' : 'group');
  const stays = form === 'group' && group !== undefined;
  const settled = stays && intent.fields === undefined ? intent.settled?.(group) : undefined;
  if (stays && settled !== undefined) return prepareSettled(session, verified, group, intent, settled);

  const present = group ?? verified;
  const before = headerAudience(present.header);
  const { recipients, ...audience } = await planAudience(inventory, trust.roster, {
    where: `${ref.vault}/${ref.item}`, present: present.keys,
    wanted: intent.audience?.({ ...header, search_query: before.searchQuery, named_admins: before.namedAdmins, named_clients: before.namedClients }, present.keys) ?? before,
    ...(intent.exclude === undefined ? {} : { exclude: intent.exclude }), ...(intent.scope === undefined ? {} : { scope: intent.scope }),
  }, options);
  const headerChanges = compareHeaders(headerAudience(header), audience.audience);
  const moves = stays && Object.keys(compareHeaders(before, audience.audience)).length > 0;
  const parties = audience.gained.length + audience.lost.length + audience.rekeyed.length;
  const converts = (form === 'group') !== (group !== undefined);
  const renews = converts || moves || (stays && isBehind(verified, group));
  const resign = Object.keys(headerChanges).length > 0 || intent.resign?.(verified.keys) === true;
  const common = { verified, recipients, form, group: stays && !moves ? group : undefined };
  if (parties === 0 && !renews && !resign && intent.rotate !== true && intent.fields === undefined) return { ...common, planned: plan('unchanged', SAME_FIELDS), open: undefined, fields: undefined };

  const takes = audience.lost.length > 0 || audience.rekeyed.length > 0;
  // Who only signs anew need not be able to open it.
  const open = (parties > 0 && !(stays && !takes)) || renews || intent.rotate === true || intent.fields !== undefined ? openThrough(verified, group, session.signer.identity, session.signer.name) : undefined;
  try {
    const wanted = open === undefined ? undefined : intent.fields?.(open);
    const changes = open === undefined || wanted === undefined ? SAME_FIELDS : compareFields(open.all(), wanted);
    const reseal = renews || intent.rotate === true || countFields(changes) > 0 || takes;
    if (reseal) requireKeys(ref, audience, recipients);
    const planned = plan(reseal ? 'resealed' : parties > 0 && !stays ? 'extended' : resign ? 'resigned' : 'unchanged', changes);
    return { ...common, planned, open, fields: wanted, ...(stays && !moves && parties > 0 ? { upkeep: { vault: group.vault, item: group.item } } : {}) };
  } catch (error) {
    open?.wipe();
    throw error;
  }

  function plan(action: ItemAction, fields: FieldChanges): PlannedChange {
    return { ...ref, action, generation: header.generation + (action === 'unchanged' ? 0 : 1), audience, fields, header: headerChanges };
  }
}

/** An item whose audience this run looks after by itself: what is left is to follow it. */
function prepareSettled(session: Session, verified: VerifiedItem, group: VerifiedItem, intent: Intent, { action: change }: Pick<PlannedChange, 'action'>): Prepared {
  const { vault, item, header } = verified;
  const audience: PlannedChange['audience'] = { gained: [], lost: [], rekeyed: [], refused: [], unknown: [], skipped: [], warning: undefined, audience: headerAudience(group.header) };
  const reseal = intent.rotate === true || change === 'resealed' || isBehind(verified, group);
  const headerChanges = compareHeaders(headerAudience(header), audience.audience);
  const resign = Object.keys(headerChanges).length > 0 || intent.resign?.(verified.keys) === true;
  const action = reseal ? 'resealed' : resign ? 'resigned' : 'unchanged';
  return {
    planned: { vault, item, action, generation: header.generation + (action === 'unchanged' ? 0 : 1), audience, fields: SAME_FIELDS, header: headerChanges },
    verified, recipients: [], fields: undefined, form: 'group', group, open: reseal ? openThrough(verified, group, session.signer.identity, session.signer.name) : undefined,
  };
}

/** Whether an item is sealed to another key of its audience than the present one. */
function isBehind({ keys }: VerifiedItem, group: VerifiedItem): boolean {
  return keys.audience?.fingerprint !== groupRecipient(group).publicKey.fingerprint;
}

/** The audience that an item is sealed to from now on; undefined where it lists its recipients. */
async function targetOf(session: Session, { planned, form, group, recipients }: Prepared): Promise<VerifiedItem | undefined> {
  if (form === 'inline') return undefined;
  return group ?? await findAudience(session, planned.vault, planned.audience.audience, recipients);
}

/**
 * Finds the audience for these, and brings it up to date; or makes it.
 * @param recipients those who are in it
 * @throws VaultError audience-mismatch, where somebody is in it who should not be
 */
export async function findAudience(session: Session, vault: string, audience: Audience, recipients: readonly Recipient[]): Promise<VerifiedItem> {
  // Where somebody else made it meanwhile, it is found the next time.
  const found = await session.groups.find(vault, audience) ?? await makeAudience(session, vault, audience, recipients);
  if (found === undefined) return await findAudience(session, vault, audience, recipients);
  const planned = await planChange(session, found, {});
  const { lost, rekeyed, unknown } = planned.audience;
  const doubtful = [...new Set([...lost.map(({ name }) => name), ...rekeyed.map(({ name }) => name), ...unknown])];
  if (doubtful.length > 0) {
    throw new VaultError('audience-mismatch', `${doubtful.join(', ')} could open it too: ${doubtful.length === 1 ? 'it is' : 'they are'} still in the audience ${vault}/${found.item}, which is not up to date. Nothing was written.`, {
      hint: `Bring it up to date first: vault refresh ${vault} --clean-unknown.`, details: { vault, item: found.item, members: doubtful },
    });
  }
  if (planned.action === 'extended') await changeItem(session, found, {}, planned);
  return await session.groups.read(found);
}

/** What is sealed anew must be sealed to everybody who stays. @throws VaultError recipient-unknown, key-changed */
function requireKeys({ vault, item }: ItemRef, { unknown: gone, refused }: Pick<AudiencePlan, 'unknown' | 'refused'>, recipients: readonly Recipient[]): void {
  if (refused.length > 0) throw refuseKeys(`${vault}/${item}`, refused);
  const known = new Set(recipients.filter(({ role }) => role === 'client').map(({ name }) => name));
  const unknown = gone.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new VaultError('recipient-unknown', `${unknown.join(', ')} can open ${vault}/${item} and ${unknown.length === 1 ? 'is' : 'are'} not in the inventory any more, so it cannot be sealed anew.`, {
    hint: 'Take out whoever is gone with --clean-unknown, or add them again with "vault node add".', details: { vault, item, clients: unknown },
  });
}

/** Whoever agreed to lose one party or field did not agree to lose another. @throws VaultError store-conflict */
function refuseMore(planned: PlannedChange, agreed: PlannedChange): void {
  const id = ({ role, name }: Party): string => `${role} ${name}`;
  const known = new Set([...agreed.audience.lost, ...agreed.audience.rekeyed].map(id));
  const more = [...planned.audience.lost, ...planned.audience.rekeyed].filter((each) => !known.has(id(each)));
  const fields = planned.fields.removed.filter((name) => !agreed.fields.removed.includes(name));
  if (more.length === 0 && fields.length === 0) return;
  const what = [...more.map(({ name }) => `${name} would lose it too`), ...fields.map((name) => `the field ${name} would go too`)].join(', ');
  throw new VaultError('store-conflict', `${planned.vault}/${planned.item} was changed by somebody else meanwhile: now ${what}.`, {
    hint: 'Run the command again, and look at what it would do.', details: { vault: planned.vault, item: planned.item, lost: more.map(({ name }) => name), fields },
  });
}

async function compose(session: Session, { planned, verified, recipients, open, fields }: Prepared, group: VerifiedItem | undefined): Promise<ItemDocuments> {
  const { trust, signer, workspace, sealEntries } = session;
  const { vault, item, generation, audience: { audience, gained } } = planned;
  const time = workspace.now();
  // Nobody to seal to, so no data key: what was verified is vouched for once more.
  if (open === undefined) return extendItem({ verified, dataKey: new Uint8Array(), newcomers: [], audience, signer, time });
  if (planned.action === 'resealed') {
    warnOfSameKeys(workspace, planned, verified, recipients);
    const content = verified.header.group === undefined ? { fields: fields ?? open.all() } : await nextKeys(session, verified, { verified, open });
    return await sealItemWith(sealEntries, {
      vault, item, repository: trust.repository, ...content, ...audience, recipients: group === undefined ? recipients : [groupRecipient(group)], generation, signer, time,
    });
  }
  const dataKey = open.copyDataKey();
  try {
    return extendItem({ verified, dataKey, newcomers: gained, audience, signer, time });
  } finally {
    wipe(dataKey);
  }
}

/** Who goes by one name and has the same key under another can open it still. */
function warnOfSameKeys({ warn }: Workspace, { vault, item, audience: { lost } }: PlannedChange, { keys }: VerifiedItem, recipients: readonly Recipient[]): void {
  if (lost.length === 0) return;
  const gone = new Map([...keys.admins, ...keys.clients].filter(({ name }) => lost.some((each) => each.name === name)).map(({ name, fingerprint }) => [fingerprint, name]));
  for (const { name, publicKey: { fingerprint } } of recipients) {
    const other = gone.get(fingerprint);
    if (other !== undefined) warn(`${vault}/${item} stays open to the key of ${other}: ${name} has the same.`);
  }
}
