import { join, resolve } from 'node:path';
import { CONFIG_FILE, DEFAULT_CONFIG, encodeConfig, type VaultConfig } from '../config/repository.ts';
import { VaultError } from '../errors.ts';
import { readRegularFile, realPath } from '../files/read.ts';
import { createFile, ensureDirectory } from '../files/write.ts';
import { GIT_ATTRIBUTES } from '../git/attributes.ts';
import { layoutJson } from '../json/canonical.ts';
import { checkName } from '../names.ts';
import { FORMAT } from '../sealing/encoding.ts';
import type { Identity } from '../sealing/identity.ts';
import { timeText } from '../items/seal.ts';
import { walkRoster } from '../trust/walk.ts';
import { encodeRoster, rosterDigest, signRoster, type Admin, type Roster } from '../trust/roster.ts';
import type { StateDirectory } from '../state/stateDirectory.ts';
import { readPin, writePin } from '../state/pins.ts';
import type { Store } from '../stores/store.ts';
import { makeRecoveryIdentity, RECOVERY_NAME, type RecoveryIdentity } from './roster/recoveryIdentity.ts';

export interface InitRequest {
  /** The directory that becomes the repository's root; made where it is missing. */
  readonly root: string;
  readonly adminName: string;
  /** Asked for once all else is found in order, so that no identity is made in vain. The caller wipes it. */
  readonly identity: () => Promise<Identity>;
  readonly now: Date;
  readonly state: StateDirectory;
  /** What vault.json shall hold; the file store where it is left out. */
  readonly config?: VaultConfig | undefined;
  readonly openStore: (root: string) => Store | Promise<Store>;
  /** Make a recovery identity too, as a second admin. */
  readonly recovery?: boolean | undefined;
  /**
   * Told before the repository is one, if there is a recovery identity: its secret must be in a person's hands before anything
   * can be sealed to it. A run that is interrupted in between is begun anew, with another.
   */
  readonly handOver?: ((made: InitResult) => void) | undefined;
  readonly notice?: ((text: string) => void) | undefined;
}

export interface InitResult {
  readonly root: string;
  readonly admin: Admin;
  /** Fingerprint of version 1 of the roster: what readers compare. */
  readonly roster: string;
  readonly recovery?: RecoveryIdentity;
}

const MODE = { mode: 0o644 };

/** Files that a repository's working copy has beside its content. */
const COMPANIONS: Readonly<Record<string, string>> = {
  '.gitignore': '# What the file store needs while it writes\n.vault.lock\n.*.new\n.*.pending\n# Keys of a sandbox\naws-config\n',
  '.gitattributes': GIT_ATTRIBUTES,
};

/**
 * Makes a vault repository: vault.json, version 1 of the roster with one admin, the admin's user document. In an existing
 * chef-repo nothing that is there is changed.
 * @throws VaultError repository-exists, name-invalid, store-unreachable
 */
export async function initRepository(request: InitRequest): Promise<InitResult> {
  if (request.recovery !== true) return await makeRepository(request);
  return await makeRecoveryIdentity(RECOVERY_NAME, (recovery, identity) => makeRepository(request, { recovery, identity }));
}

async function makeRepository(request: InitRequest, second?: { readonly recovery: RecoveryIdentity; readonly identity: Identity }): Promise<InitResult> {
  if (second?.recovery.admin.name === request.adminName) {
    throw new VaultError('party-exists', `${RECOVERY_NAME} is the name of the recovery identity.`, { hint: 'Give another name with --admin.', details: { name: RECOVERY_NAME } });
  }
  checkName('admin', request.adminName);
  const named = resolve(request.root);
  if (await readRegularFile(join(named, CONFIG_FILE), { maxBytes: 1 << 16 }) !== undefined) throw exists(named);
  const identity = await request.identity();
  if (identity.signingKey === undefined) {
    throw new VaultError('not-an-admin', 'An age identity cannot sign, so it cannot be an admin\'s.', {
      hint: 'Make an identity with "vault key generate", or use an SSH ed25519 key.',
    });
  }
  await ensureDirectory(named);
  // Pins are kept by this path, and it is by this path that the repository is found again.
  const root = await realPath(named) ?? named;
  const config = encodeConfig(request.config ?? DEFAULT_CONFIG);
  const store = await request.openStore(root);
  const admin: Admin = { name: request.adminName, public_key: identity.publicKey.line, signing_key: identity.signingKey.line };
  let begun = await begunRoster(store, admin);
  if (begun === 'other') throw existsIn(store, root);
  const remembered = await readPin(request.state, store.location);
  if (remembered !== undefined && (begun === undefined || rosterDigest(begun) !== remembered.digest)) throw known(root, remembered.version);
  if (begun !== undefined && (second !== undefined || begun.admins.length > 1)) {
    if (remembered !== undefined || (await store.listItems()).length > 0) throw existsIn(store, root);
    // Nobody may have seen the secret that belongs to it, or its maker wants one now; and nobody relies on it yet.
    request.notice?.('An earlier run was interrupted. Its roster was never used: it is made anew, and a recovery secret that it printed opens nothing.');
    await store.withdrawRoster();
    begun = undefined;
  }
  const roster: Roster = begun ?? {
    format: FORMAT, type: 'roster', version: 1, admins: [admin, ...(second === undefined ? [] : [second.recovery.admin])], quorum: 1, time: timeText(request.now), previous: null,
  };
  if (begun !== undefined && store.directory === undefined) request.notice?.('etcd has this repository already, with you as its admin: the directory names it now.');
  await ensureDirectory(join(root, 'iam-json-data'));
  if (store.directory !== undefined) await makeCompanions(root);
  if (begun === undefined) await store.writeRoster(1, encodeRoster({ roster, signatures: [
    signRoster(roster, admin.name, identity), ...(second === undefined ? [] : [signRoster(roster, second.recovery.admin.name, second.identity)]),
  ] }));
  // A user document that a chef-repo brought along stays: what counts is the roster.
  if (await store.readInventory('users', admin.name) === undefined) await store.writeInventory('users', admin.name, new TextEncoder().encode(layoutJson({ ...admin })));
  const digest = rosterDigest(roster);
  const made: InitResult = { root, admin, roster: digest, ...(second === undefined ? {} : { recovery: second.recovery }) };
  if (second !== undefined) request.handOver?.(made);
  // Last: its presence is what makes this a repository.
  await createFile(join(root, CONFIG_FILE), config, MODE);
  await writePin(request.state, store.location, { version: 1, digest, repository: digest });
  return made;
}

/** What the working copy of a repository of files has, before there is anything in it. What is there already stays. */
export async function makeCompanions(root: string): Promise<void> {
  await ensureDirectory(join(root, 'data_bags', 'vault'));
  for (const [name, text] of Object.entries(COMPANIONS)) await createFile(join(root, name), new TextEncoder().encode(text), MODE);
}

/** The roster of an earlier run for the same admin, with a recovery identity or without, that was interrupted before the end. */
async function begunRoster(store: Store, admin: Admin): Promise<Roster | 'other' | undefined> {
  const bytes = await store.readRoster(1);
  if (bytes === undefined) return undefined;
  const { roster } = await walkRoster((version) => store.readRoster(version), undefined);
  const [only, ...more] = roster.admins;
  const same = only?.name === admin.name && only.public_key === admin.public_key && only.signing_key === admin.signing_key;
  return same && more.every(({ name }) => name === RECOVERY_NAME) && roster.version === 1 ? roster : 'other';
}

/** A repository whose files were lost or put back must not become a new one by the way: that would forget what was trusted. */
function known(root: string, version: number): VaultError {
  return new VaultError('roster-rollback', `${root} was a vault repository before: version ${String(version)} of its roster was trusted here, and is gone.`, {
    hint: 'Restore its files from version control. To begin anew, choose another directory.', details: { root, version },
  });
}

/** The repository that is there already is not the directory's, but etcd's, where that is the store. */
function existsIn({ directory }: Store, root: string): VaultError {
  if (directory !== undefined) return exists(root);
  return new VaultError('repository-exists', 'There is a vault repository in that etcd, below that prefix, already.', {
    hint: `To work with it in ${root}, copy the vault.json that its admins have to there, and "vault trust pin" its fingerprint. To begin another, choose another prefix.`, details: { root },
  });
}

function exists(root: string): VaultError {
  return new VaultError('repository-exists', `${root} is a vault repository already.`, {
    hint: 'Use it as it is, or choose another directory.', details: { root },
  });
}
