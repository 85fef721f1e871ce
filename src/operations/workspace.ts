import { isVaultError, VaultError } from '../errors.ts';
import type { Identity } from '../sealing/identity.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { readSeen, readSeenGeneration, rememberGeneration } from '../state/generations.ts';
import { readPin, rememberPin } from '../state/pins.ts';
import type { StateDirectory } from '../state/stateDirectory.ts';
import type { Store } from '../stores/store.ts';
import { foreignTypeOf } from '../items/foreignItem.ts';
import { parseItemDocuments, verifyItem, type ParsedItem, type VerifiedItem } from '../items/verify.ts';
import type { Signer } from '../items/seal.ts';
import { isFullAdmin, type Admin, type Roster } from '../trust/roster.ts';
import { pinOf, rosterGone, walkRoster } from '../trust/walk.ts';
import { foreignItem } from './itemType.ts';
import { walkFrom } from '../trust/walkFrom.ts';

/** What every operation on a repository works with. */
export interface Workspace {
  readonly store: Store;
  readonly state: StateDirectory;
  readonly now: () => Date;
  /** Something that a person should know and that is no failure. */
  readonly notice: (text: string) => void;
  /** Something that a person must know: shown however quiet the program is told to be. */
  readonly warn: (text: string) => void;
  /** A roster fingerprint that the reader insists on. */
  readonly pin?: string | undefined;
}

/** The newest roster, and what identifies the repository. */
export interface Trust {
  readonly roster: Roster;
  /** Digest of the roster's version 1. */
  readonly repository: string;
  /** Former admins whose signatures on items are taken too: for who signs them anew, never for who reads them. */
  readonly formerAdmins?: readonly Admin[];
}

/**
 * Walks to the newest roster from what was trusted before, and remembers it. On first use the roster is trusted as it is found,
 * unless the workspace names a fingerprint, which then must be of one of the versions.
 * @param firstUse `refuse`: for what seals, a roster that was never trusted here must be named by its fingerprint
 * @throws VaultError roster-*
 */
export async function trustRoster({ store, state, notice, warn, pin }: Workspace, { firstUse = 'accept' }: { readonly firstUse?: 'accept' | 'refuse' } = {}): Promise<Trust> {
  const remembered = await readPin(state, store.location);
  const walked = await walkFrom(store, remembered);
  // A version older than the remembered one is found by walking from the first; each names the digest of the one before.
  const digests = pin === undefined || walked.digests.includes(pin) || remembered === undefined ? walked.digests
    : (await walkRoster((version) => store.readRoster(version), undefined)).digests;
  if (pin !== undefined && !digests.includes(pin)) {
    throw new VaultError('roster-pin-mismatch', `No version of the roster of ${store.location} has the fingerprint ${JSON.stringify(pin.slice(0, 60))}.`, {
      hint: 'Compare the fingerprint with an admin, who sees it with "vault admin list".', details: { pin, found: digests },
    });
  }
  const repository = remembered?.repository ?? walked.digests[0];
  const newest = pinOf(walked);
  if (remembered?.digest !== newest.digest) {
    if (remembered === undefined && pin === undefined) {
      if (firstUse === 'refuse') {
        throw new VaultError('roster-untrusted', `The roster of ${store.location} was never used here, and something would be sealed to the admins that it names: ${walked.roster.admins.map(({ name }) => name).join(', ')}.`, {
          hint: `Compare its fingerprint with an admin's "vault admin list", then run the command with --pin ${newest.digest}.`,
          details: { fingerprint: newest.digest, admins: walked.roster.admins.map(({ name }) => name) },
        });
      }
      warn(`Trusting the roster of ${store.location} on first use: version ${String(newest.version)}, ${newest.digest}. `
        + 'Compare this fingerprint with an admin\'s "vault admin list".');
    }
    await remember(notice, () => rememberPin(state, store.location, { ...newest, repository }));
  }
  return { roster: walked.roster, repository };
}

/**
 * That the store holds a repository: for what writes to the inventory, which no roster protects, and would else write to a wrong place unnoticed.
 * @throws VaultError roster-missing, roster-rollback
 */
export async function requireRoster({ store, state }: Pick<Workspace, 'store' | 'state'>): Promise<void> {
  const version = (await readPin(state, store.location))?.version ?? 1;
  if (await store.readRoster(version) === undefined) throw rosterGone(version);
}

/**
 * Reads and verifies an item, and remembers its generation.
 * @returns undefined where there is no such item
 */
export async function readVerifiedItem(workspace: Workspace, trust: Trust, ref: ItemRef): Promise<VerifiedItem | undefined> {
  const parsed = await readParsedItem(workspace, ref);
  return parsed === undefined ? undefined : await judgeItem(workspace, trust, parsed);
}

/** @throws VaultError item-missing, where an item that is not there was seen here before, and was not deleted from here */
export async function refuseMissing({ state }: Workspace, { repository }: Trust, { vault, item }: ItemRef): Promise<void> {
  const { generation: seen, deleted } = await readSeen(state, repository, { vault, item });
  if (seen === 0 || deleted) return;
  throw new VaultError('item-missing', `${vault}/${item} is gone: generation ${String(seen)} of it was seen here.`, {
    hint: 'Restore it: both of its files from version control, or in etcd as docs/etcd.md says of backups. If it was deleted on purpose, say so here: vault delete item VAULT ITEM.',
    details: { vault, item, seen },
  });
}

/**
 * Step 1 of the order of verification; undefined where there is no such item.
 * @throws VaultError item-other-format, where it is another program's and was never seen as ours
 */
export async function readParsedItem({ store, state }: Workspace, ref: ItemRef): Promise<ParsedItem | undefined> {
  const documents = await store.readItem(ref);
  if (documents === undefined) return undefined;
  try {
    return parseItemDocuments(ref, documents);
  } catch (error) {
    const type = isVaultError(error, 'document-invalid') ? foreignTypeOf(documents) : undefined;
    if (type === undefined || await wasSeen(state, store, ref)) throw error;
    throw foreignItem(ref, type);
  }
}

/** Whether an item of ours had that name: then what lies there now was put in its place. */
async function wasSeen(state: StateDirectory, store: Store, ref: ItemRef): Promise<boolean> {
  const pin = await readPin(state, store.location);
  if (pin === undefined) return false;
  const { generation, deleted } = await readSeen(state, pin.repository, ref);
  return generation > 0 && !deleted;
}

/** Steps 3 to 5: verifies an item and remembers its generation. */
export async function judgeItem({ state, notice }: Workspace, { roster, repository, formerAdmins }: Trust, parsed: ParsedItem): Promise<VerifiedItem> {
  const seenGeneration = await readSeenGeneration(state, repository, parsed);
  const verified = verifyItem(parsed, { roster, repository, seenGeneration, formerAdmins });
  if (verified.header.generation > seenGeneration) {
    await remember(notice, () => rememberGeneration(state, repository, parsed, verified.header.generation));
  }
  return verified;
}

/** A reader whose state directory cannot be written can still read; it is told what it gives up. */
async function remember(notice: Workspace['notice'], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isVaultError(error, 'state-unwritable')) throw error;
    notice(`What was verified cannot be remembered, so an older copy would not be noticed next time. ${error.message}`);
  }
}

/** The admin whose signing key `identity` holds. @throws VaultError not-an-admin */
export function signerOf(roster: Roster, identity: Identity): Signer {
  const admin = roster.admins.find(({ signing_key }) => signing_key === identity.signingKey?.line);
  if (admin === undefined) {
    throw new VaultError('not-an-admin', `This identity (${identity.publicKey.fingerprint}) is not an admin's: the roster (version ${String(roster.version)}) names ${roster.admins.map(({ name }) => name).join(', ')}.`, {
      hint: 'Use the identity of an admin with --identity, or ask an admin to add you to the roster.',
      details: { fingerprint: identity.publicKey.fingerprint, admins: roster.admins.map(({ name }) => name) },
    });
  }
  return { name: admin.name, identity };
}

/**
 * As {@link signerOf}, for what those who may only seal may not do.
 * @param what as "change the roster"
 * @throws VaultError not-an-admin
 */
export function fullSignerOf(roster: Roster, identity: Identity, what: string): Signer {
  const signer = signerOf(roster, identity);
  if (roster.admins.some((admin) => admin.name === signer.name && isFullAdmin(admin))) return signer;
  throw new VaultError('not-an-admin', `${signer.name} is on the roster as a refresher: it may seal and sign items, and may not ${what}.`, {
    hint: 'Use the identity of an admin with --identity.', details: { name: signer.name },
  });
}
