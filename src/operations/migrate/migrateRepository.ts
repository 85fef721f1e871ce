import * as z from 'zod/mini';
import { VaultError } from '../../errors.ts';
import { layoutJson } from '../../json/canonical.ts';
import { parseDocument } from '../../json/document.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { writePin } from '../../state/pins.ts';
import { JOIN_KINDS } from '../../stores/joining.ts';
import type { Store } from '../../stores/store.ts';
import { rosterDigest, parseRoster, type Roster } from '../../trust/roster.ts';
import { verifyRepository } from '../verify/verifyRepository.ts';
import { trustRoster, type Workspace } from '../workspace.ts';
import { copyDocuments, type Copied } from './copyDocuments.ts';

const markSchema = z.strictObject({ repository: z.string() });

/** What was moved. */
export interface Migration extends Copied {
  /** Digest of version 1 of the roster. */
  readonly repository: string;
  /** Fingerprint of the newest roster. */
  readonly fingerprint: string;
  /** Of another program, in data bags; they stay where they are. */
  readonly left: readonly ItemRef[];
}

/** How often all is compared again, while somebody changes what is moved. */
const ROUNDS = 5;

/**
 * Copies a repository, all of it and to the byte, into a store that has nothing else; then compares all again, and verifies every signature
 * there. Goes on with what an interrupted run began.
 * @param finish makes the store a repository that is found, where it is none yet
 * @throws VaultError repository-exists, where the store holds anything else; store-conflict; and what verification finds
 */
export async function migrateRepository(workspace: Workspace, to: Store, finish: () => Promise<void>): Promise<Migration> {
  const { store: from, state } = workspace;
  const { roster, repository } = await trustRoster(workspace);
  await requireSound(workspace);
  const begun = await begin(to, from, repository, roster);
  let copied = await copyDocuments(from, to, { newest: roster.version, compareOnly: !begun });
  if (!begun && copied.changed > 0) throw occupied(to, 'a repository that was moved there before, and changed since');
  for (let round = 1, different = copied.changed; different > 0; round++) {
    if (round > ROUNDS) {
      throw new VaultError('store-conflict', `The repository in ${from.location} is being changed while it is moved.`, { hint: 'Run the command again when nobody works on it: it goes on where it was.' });
    }
    const again = await copyDocuments(from, to, { newest: roster.version });
    different = again.changed;
    copied = { ...again, changed: copied.changed + again.changed };
  }
  if (await from.readRoster(roster.version + 1) !== undefined) {
    throw new VaultError('store-conflict', `The roster of ${from.location} was changed while it was moved.`, { hint: 'Run the command again: it goes on where it was.' });
  }
  await requireSound({ ...workspace, store: to }, true);
  await finish();
  await to.writeMigration(undefined);
  warnOfLeft(workspace, to, copied);
  const fingerprint = rosterDigest(roster);
  await writePin(state, to.location, { version: roster.version, digest: fingerprint, repository });
  return { ...copied, repository, fingerprint, left: await foreignItems(from) };
}

/** @returns false where the repository is there already, as a whole. @throws VaultError repository-exists */
async function begin(to: Store, from: Store, repository: string, roster: Roster): Promise<boolean> {
  const mark = await to.readMigration();
  if (mark !== undefined) {
    const { repository: other } = parseDocument(markSchema, mark, `The mark of a migration in ${to.location}`);
    if (other !== repository) throw occupied(to, `what a migration of another repository began, ${other}`);
    return true;
  }
  if (await to.readRoster(roster.version + 1) !== undefined) throw occupied(to, 'a repository with a newer roster');
  const first = await to.readRoster(1);
  if (first !== undefined) {
    const mine = await from.readRoster(1);
    if (mine !== undefined && rosterDigest(parseRoster(first, `Version 1 of the roster in ${to.location}`).roster) === repository) return false;
    throw occupied(to, 'another repository');
  }
  for (const kind of JOIN_KINDS) {
    for await (const _ of to.joining?.listKind(kind) ?? []) throw occupied(to, 'documents of something else');
  }
  const lists = await Promise.all([to.listItems(), to.listProposals(), ...(['nodes', 'clients', 'roles', 'users'] as const).map((kind) => to.listInventoryNames(kind))]);
  if (lists.some((list) => list.length > 0)) throw occupied(to, 'documents of something else');
  await to.writeMigration(new TextEncoder().encode(layoutJson({ repository })));
  return true;
}

/** A copy in files is a backup too: what it lacks is said, and is no error. */
function warnOfLeft({ store: from, warn }: Workspace, to: Store, { joining }: Copied): void {
  if (joining === undefined || joining.moved || joining.invitations + joining.requests + joining.admissions === 0) return;
  warn(`What is about joining stayed in ${from.location}, for ${to.location} has no place for it: ${String(joining.invitations)} invitations, ${String(joining.requests)} requests, ${String(joining.admissions)} admissions. `
    + 'Nodes that are in the inventory are in it there too. If the repository ever goes back to etcd from there, invite anew, and approve what is in the inventory with "vault node approve --inventory".');
}

function occupied({ location }: Store, what: string): VaultError {
  return new VaultError('repository-exists', `The store of ${location} is not empty: it holds ${what}. Nothing was changed.`, {
    hint: 'Name another directory, or another prefix.', details: { location },
  });
}

/** @throws the first of what `vault verify` finds */
async function requireSound(workspace: Workspace, forget = false): Promise<void> {
  const { problems: [first] } = await verifyRepository({ ...workspace, pin: undefined, notice: () => undefined, warn: () => undefined }, { forget });
  if (first === undefined) return;
  throw new VaultError(first.code, `${first.vault === undefined ? '' : `${first.vault}/${first.item ?? ''}: `}${first.message}`, {
    hint: `Only a sound repository is moved: see "vault verify". ${first.hint ?? ''}`.trim(), details: { location: workspace.store.location },
  });
}

async function foreignItems(store: Store): Promise<ItemRef[]> {
  const vaults = new Set(['vault', ...(await store.listItems()).map(({ vault }) => vault)]);
  const lists = await Promise.all([...vaults].map(async (vault) => (await store.listForeign(vault)).map((item) => ({ vault, item }))));
  return lists.flat();
}
