import { isVaultError, VaultError } from '../errors.ts';
import { parseClient } from '../inventory/documents.ts';
import type { Recipient } from '../items/recipients.ts';
import { nearest } from '../json/validate.ts';
import { parsePublicKey } from '../sealing/publicKey.ts';
import type { Store } from '../stores/store.ts';
import type { Roster } from '../trust/roster.ts';
import { searchInventory } from './searchNodes.ts';

export interface ChooseOptions {
  /** Leave out nodes that match and have no key that can be sealed to, instead of failing. */
  readonly skipUnsealable: boolean;
  /** Accept a query that selects nobody. */
  readonly allowEmpty: boolean;
  /** Names of admins; everyone on the roster where undefined. */
  readonly admins?: readonly string[] | undefined;
}

/** Who a new generation is sealed to. */
export interface ChosenRecipients {
  readonly recipients: readonly Recipient[];
  /** Nodes that matched and were left out, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** How the query is read, where that may surprise. */
  readonly warning: string | undefined;
}

/**
 * The admins, and the nodes that `query` selects, with their keys.
 * @throws VaultError query-invalid, query-selects-nobody, node-unsealable, party-not-found
 */
export async function chooseRecipients(store: Store, roster: Roster, query: string, options: ChooseOptions): Promise<ChosenRecipients> {
  const admins = chooseAdmins(roster, options.admins);
  const { names, reading } = await searchInventory(store, query);
  const skipped: { name: string; reason: string }[] = [];
  const clients: Recipient[] = [];
  for (const name of names) {
    const key = await clientKey(store, name);
    if (typeof key === 'string') skipped.push({ name, reason: key });
    else clients.push({ role: 'client', name, publicKey: key });
  }
  if (skipped.length > 0 && !options.skipUnsealable) {
    throw new VaultError('node-unsealable', `${String(skipped.length)} of ${String(names.length)} nodes that ${query} selects cannot be sealed to:\n`
      + skipped.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n'), {
      hint: 'Give each a key with "vault node add NAME --key LINE --force", or leave them out with --skip-unsealable.',
      details: { query, nodes: skipped },
    });
  }
  if (clients.length === 0 && !options.allowEmpty) {
    throw new VaultError('query-selects-nobody', `The query ${query} selects no node${skipped.length > 0 ? ' that can be sealed to' : ''}.`, {
      hint: 'Try it with "vault search"; if nobody but the admins shall open the item for now, use --allow-empty.',
      details: { query },
    });
  }
  return {
    recipients: [...admins, ...clients],
    skipped,
    warning: reading.surprising ? `The query ${query} mixes AND and OR without parentheses. It is read as: ${reading.parenthesised}` : undefined,
  };
}

/** Admins of the roster by name. @throws VaultError party-not-found */
export function chooseAdmins(roster: Roster, names: readonly string[] | undefined): Recipient[] {
  const known = roster.admins.map(({ name }) => name);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new VaultError('party-not-found', `${JSON.stringify(name)} is not an admin on the roster (version ${String(roster.version)}).`, {
      hint: near === undefined ? `Admins are: ${known.join(', ')}.` : `Did you mean ${near}?`, details: { name, admins: known },
    });
  }
  return roster.admins
    .filter(({ name }) => names === undefined || names.includes(name))
    .map(({ name, public_key }) => ({ role: 'admin', name, publicKey: parsePublicKey(public_key) }));
}

async function clientKey(store: Store, name: string): Promise<Recipient['publicKey'] | string> {
  const document = await store.readInventory('clients', name);
  if (document === undefined) return 'it has no client document, so no public key';
  try {
    return parseClient(document.bytes, document.source, name);
  } catch (error) {
    if (isVaultError(error)) return error.message;
    throw error;
  }
}
