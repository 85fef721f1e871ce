import { VaultError } from '../errors.ts';
import { KEYS_SUFFIX } from '../names.ts';
import { decodeBase64, digestOf, equalBytes, utf8, wipe } from '../sealing/encoding.ts';
import { commitmentOf, openDataKey, type ItemRef, type SealRole } from '../sealing/dataKey.ts';
import { openField } from '../sealing/field.ts';
import type { Identity } from '../sealing/identity.ts';
import { verifyStatement } from '../sealing/signature.ts';
import type { Json } from '../json/canonical.ts';
import { signingKeyOf, type Admin, type Roster } from '../trust/roster.ts';
import { parseItem, parseKeys, type ItemDocument, type ItemDocuments, type ItemHeader, type KeysDocument, type RecipientEntry } from './model.ts';
import { recipientNames, recipientsDigest } from './recipients.ts';

/** An item whose signature, digests and generation were found good. */
export interface VerifiedItem extends ItemRef {
  readonly header: ItemHeader;
  readonly keys: KeysDocument;
  readonly document: ItemDocument;
  /** The bytes of ITEM.json. */
  readonly itemBytes: Uint8Array;
}

/** An item of good form: step 1. Nothing in it is to be believed yet. */
export interface ParsedItem extends ItemRef {
  readonly keys: KeysDocument;
  /** The bytes of ITEM.json, which are looked into when their digest was found good. */
  readonly itemBytes: Uint8Array;
  /** Of the recipients the reader's own entry alone is there. */
  readonly isPartial: boolean;
}

/** What an item is judged by. */
export interface Judge {
  /** The newest roster, already walked to from the reader's pin (step 2). */
  readonly roster: Roster;
  /** Digest of version 1 of that roster. */
  readonly repository: string;
  /** The highest generation of this item that this reader has seen; 0 for none. */
  readonly seenGeneration: number;
  /**
   * Others whose signature is taken beside the roster's: admins once, for a caller that signs the item anew. A reader of items
   * gives none.
   */
  readonly formerAdmins?: readonly Admin[] | undefined;
}

/**
 * Step 1 of docs/format.md, "Order of verification": schema and format version.
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseItemDocuments(ref: ItemRef, documents: ItemDocuments): ParsedItem {
  const where = `${ref.vault}/${ref.item}`;
  const keys = parseKeys(documents.keys, `${where}${KEYS_SUFFIX}.json`);
  const { header } = keys;
  if (header.vault !== ref.vault || header.id !== `${ref.item}${KEYS_SUFFIX}`) {
    throw new VaultError('document-invalid', `${where} holds another item: ${header.vault}/${header.id}.`, {
      hint: 'A file was copied or renamed: restore both files of the item from version control.',
      details: { ...ref, found: { vault: header.vault, id: header.id } },
    });
  }
  return { ...ref, keys, itemBytes: documents.item, isPartial: documents.isPartial === true };
}

/**
 * Steps 3 to 5, and the recipients' digest; the caller walked the roster, step 2.
 * @throws VaultError with the code of the step that failed
 */
export function verifyItem({ vault, item, keys, itemBytes, isPartial }: ParsedItem, judge: Judge): VerifiedItem {
  const ref: ItemRef = { vault, item };
  const where = `${vault}/${item}`;
  const { signature, ...header } = keys.header;

  // 3. repository, signer and signature
  if (!sameText(header.repository, judge.repository)) {
    throw new VaultError('repository-mismatch', `${where} was made for another repository: the first version of its roster is ${header.repository}.`, {
      hint: 'It was copied from there: make it here instead. If this repository was made anew on purpose, an admin must write its items again.',
      details: { ...ref, found: header.repository, repository: judge.repository },
    });
  }
  const signers = [...judge.roster.admins, ...judge.formerAdmins ?? []].filter(({ name }) => name === header.signer);
  if (signers.length === 0) {
    throw new VaultError('signer-unknown', `${where} is signed by ${header.signer}, who is not on the roster (version ${String(judge.roster.version)}).`, {
      hint: `If that person was an admin when it was signed, an admin looks at it ("vault diff") and signs it anew: vault refresh ${ref.vault} ${ref.item} --accept-signer ${header.signer}. If nobody knows the name, somebody forged the item.`,
      details: { ...ref, signer: header.signer },
    });
  }
  if (!signers.some((admin) => isSignedBy(header, signature, admin))) {
    throw new VaultError('signature-invalid', `The signature of ${header.signer} on ${where} is not good: the header was changed, or another key signed it.`, {
      hint: 'Do not use this copy. Restore the item from version control, and find out who changed it.',
      details: { ...ref, signer: header.signer },
    });
  }

  // 4. digest of the item
  if (!sameText(digestOf(itemBytes), header.item_digest)) {
    throw new VaultError('item-digest-mismatch', `${ref.item}.json is not the file that generation ${String(header.generation)} of ${where} was signed for.`, {
      hint: 'Restore both files of the item from the same commit.',
      details: { ...ref, generation: header.generation },
    });
  }
  const document = parseItem(itemBytes, `${where}.json`);
  if (document.vault !== ref.vault || document.id !== ref.item) {
    throw new VaultError('document-invalid', `${where} holds another item: ${document.vault}/${document.id}.`, { details: { ...ref } });
  }

  // 5. generation
  if (header.generation < judge.seenGeneration) {
    throw new VaultError('generation-rollback', `${where} is at generation ${String(header.generation)}, but generation ${String(judge.seenGeneration)} was seen here before.`, {
      hint: 'On another branch, or after git took you back: merge the newer state first, or look with another VAULT_STATE_DIR. Otherwise an older copy was put back: fetch the newest one; if that is not to be had, an admin deletes the item and makes it anew.',
      details: { ...ref, found: header.generation, seen: judge.seenGeneration },
    });
  }

  // 5a. a reader that has all recipients before it checks their digest too
  const names = recipientNames(keys);
  if (!isPartial && (names.length !== header.recipients_count || !sameText(recipientsDigest(names), header.recipients_digest))) {
    throw new VaultError('recipients-digest-mismatch', `The list of recipients of ${where} is not the one that was signed.`, {
      hint: 'Restore the item from version control, and find out who changed the list.',
      details: { ...ref },
    });
  }
  return { ...ref, header, keys, document, itemBytes };
}

/** Whether the header's signature is by an admin's key, under that admin's name. */
export function isSignedBy(header: ItemHeader, signature: string, admin: Admin): boolean {
  return header.signer === admin.name && verifyStatement({ ...header }, signature, signingKeyOf(admin));
}

function sameText(a: string, b: string): boolean {
  return equalBytes(utf8(a), utf8(b));
}

/** Fields of an item that an identity opened. */
export interface OpenItem {
  readonly fields: readonly string[];
  /** Step 8. @throws VaultError field-not-found, field-unopenable */
  field(name: string): Json;
  /** Every field. */
  all(): Record<string, Json>;
  /** A copy of the data key, for sealing it to others; the caller wipes it. */
  copyDataKey(): Uint8Array;
  wipe(): void;
}

/** Which entry is an identity's own: by fingerprint, never by trying. Admins first. */
export function ownEntry(keys: KeysDocument, fingerprint: string): { role: SealRole; entry: RecipientEntry } | undefined {
  const admin = keys.admins.find((entry) => entry.fingerprint === fingerprint);
  if (admin !== undefined) return { role: 'admin', entry: admin };
  const client = keys.clients.find((entry) => entry.fingerprint === fingerprint);
  if (client !== undefined) return { role: 'client', entry: client };
  return keys.audience?.fingerprint === fingerprint ? { role: 'audience', entry: keys.audience } : undefined;
}

/** Name under which a reader is one of an item's clients; undefined for an admin, and where an audience stands between. */
export function clientName({ keys }: Pick<VerifiedItem, 'keys'>, { publicKey }: Identity): string | undefined {
  const own = ownEntry(keys, publicKey.fingerprint);
  return own?.role === 'client' ? own.entry.name : undefined;
}

/**
 * Steps 6 to 8: finds the own entry, opens the data key, checks it; fields are decrypted when asked for.
 * @param name the reader's own name, where it is known, to say more when there is no entry for its key
 * @param wanted the item that is opened by this one, which is its audience, for messages
 * @throws VaultError not-a-recipient, recipient-key-changed, sealed-key-unopenable, sealed-key-context, commitment-mismatch
 */
export function openItem(verified: VerifiedItem, identity: Identity, name?: string, wanted: ItemRef = verified): OpenItem {
  const ref: ItemRef = { vault: verified.vault, item: verified.item };
  const where = `${ref.vault}/${ref.item}`;

  // 6. own entry
  const { fingerprint } = identity.publicKey;
  const own = ownEntry(verified.keys, fingerprint);
  if (own === undefined) throw noEntry(verified, fingerprint, name, wanted);

  // 7. the sealed key, its context and the commitment
  const sealed = decodeBase64(own.entry.sealed_key, `The sealed key of ${own.entry.name}`);
  const dataKey = openDataKey(sealed, { ...ref, role: own.role, name: own.entry.name, fingerprint }, identity);
  if (!sameText(commitmentOf(dataKey, ref), verified.header.commitment)) {
    wipe(dataKey);
    throw new VaultError('commitment-mismatch', `The sealed key of ${own.entry.name} in ${where} holds another key than the one that was signed for.`, {
      hint: 'The entry is of another generation, or forged: restore both files of the item from the same commit.',
      details: { ...ref, name: own.entry.name },
    });
  }

  // 8. fields
  const fields = Object.keys(verified.document.fields);
  const field = (wanted: string): Json => {
    const found = Object.hasOwn(verified.document.fields, wanted) ? verified.document.fields[wanted] : undefined;
    if (found === undefined) {
      throw new VaultError('field-not-found', `${where} has no field ${JSON.stringify(wanted)}.`, {
        hint: `It has: ${fields.join(', ')}.`, details: { ...ref, field: wanted, fields },
      });
    }
    return openField(found, dataKey, ref, wanted);
  };
  return {
    fields,
    field,
    all: () => Object.fromEntries(fields.map((each) => [each, field(each)])),
    copyDataKey: () => dataKey.slice(),
    wipe: () => { wipe(dataKey); },
  };
}

function noEntry(verified: VerifiedItem, fingerprint: string, name: string | undefined, { vault, item }: ItemRef): VaultError {
  const where = `${vault}/${item}`;
  const who = name ?? 'this identity';
  const listed = name === undefined ? undefined
    : [...verified.keys.clients, ...verified.keys.admins].find((entry) => entry.name === name);
  if (listed !== undefined) {
    return new VaultError('recipient-key-changed', `${where} is sealed to ${who}, but to another key (${listed.fingerprint}) than this one (${fingerprint}).`, {
      hint: `Use the identity that belongs to that key, or ask an admin to accept the new key of ${who} and seal the item again.`,
      details: { vault, item, name, fingerprint, sealed_to: listed.fingerprint },
    });
  }
  return new VaultError('not-a-recipient', `${who} (${fingerprint}) is not a recipient of ${where}.`, {
    hint: verified.header.search_query === ''
      ? 'Ask an admin to add it to the recipients.'
      : `The item is sealed to the nodes that ${verified.header.search_query} selected when it was written; ask an admin to review them.`,
    details: { vault, item, ...(name === undefined ? {} : { name }), fingerprint },
  });
}
