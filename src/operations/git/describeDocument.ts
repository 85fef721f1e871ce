import { isVaultError } from '../../errors.ts';
import { parseItem, parseKeys, type KeysDocument } from '../../items/model.ts';
import { digestOf, utf8 } from '../../sealing/encoding.ts';
import { parsePublicKey, parseSigningKey } from '../../sealing/publicKey.ts';
import { isFullAdmin, parseRoster, rosterDigest } from '../../trust/roster.ts';

/** What is shown of a document where versions of it are compared: one fact a line. Nothing in it needs a key, or is secret. */
export interface DocumentText {
  readonly kind: 'item' | 'keys' | 'roster' | 'other';
  readonly lines: readonly string[];
}

/** Describes a document of a vault, so that two versions of it can be compared line by line; anything else as it is. */
export function describeDocument(bytes: Uint8Array): DocumentText {
  for (const describe of [describeKeys, describeItem, describeRoster]) {
    try {
      return describe(bytes);
    } catch (error) {
      if (!isVaultError(error)) throw error; // Not a document of this kind.
    }
  }
  const text = new TextDecoder().decode(bytes);
  return { kind: 'other', lines: (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n') };
}

const SHORT = 12;

function describeItem(bytes: Uint8Array): DocumentText {
  const { vault, id, fields } = parseItem(bytes, 'item');
  return {
    kind: 'item',
    lines: [`item ${vault}/${id}`, ...Object.entries(fields).map(([name, { ciphertext, nonce }]) => `field ${name} ${digestOf(utf8(`${nonce} ${ciphertext}`)).slice(0, SHORT)}`)],
  };
}

function describeKeys(bytes: Uint8Array): DocumentText {
  const { header, admins, clients } = parseKeys(bytes, 'keys');
  const recipients = (role: string, entries: KeysDocument['admins']): string[] => entries.map(({ name, fingerprint }) => `${role} ${name} ${fingerprint}`);
  return {
    kind: 'keys',
    lines: [
      `item ${header.vault}/${header.id}`,
      `generation ${String(header.generation)}`,
      `signed by ${header.signer} at ${header.time}`,
      `search_query ${JSON.stringify(header.search_query)}`,
      ...(header.named_admins === null ? ['named_admins: everyone on the roster'] : header.named_admins.map((name) => `named_admin ${name}`)),
      ...header.named_clients.map((name) => `named_client ${name}`),
      `item_digest ${header.item_digest}`,
      `data key ${header.commitment}`,
      ...recipients('admin', admins),
      ...recipients('client', clients),
    ],
  };
}

function describeRoster(bytes: Uint8Array): DocumentText {
  const { roster, signatures } = parseRoster(bytes, 'roster');
  return {
    kind: 'roster',
    lines: [
      `roster version ${String(roster.version)} of ${roster.time}`,
      `fingerprint ${rosterDigest(roster)}`,
      `previous ${roster.previous ?? 'none'}`,
      `quorum ${String(roster.quorum)}`,
      ...roster.admins.map((admin) => `${isFullAdmin(admin) ? 'admin' : 'refresher'} ${admin.name} seals to ${parsePublicKey(admin.public_key).fingerprint}, signs with ${parseSigningKey(admin.signing_key).fingerprint}`),
      ...signatures.map(({ name }) => `signature of ${name}`),
    ],
  };
}
