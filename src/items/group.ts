import { VaultError } from '../errors.ts';
import type { Json } from '../json/canonical.ts';
import { canonicalBytes } from '../json/canonical.ts';
import { blake2b, decodeBase64, encodeBase64, equalBytes, FORMAT, isBase64, utf8, wipe } from '../sealing/encoding.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { generateSeed, identityFromSeed, type Identity } from '../sealing/identity.ts';
import { parsePublicKey } from '../sealing/publicKey.ts';
import type { GroupHeader, KeysDocument } from './model.ts';
import type { AudienceRecipient } from './recipients.ts';
import { sortNames, type Audience } from './seal.ts';
import { clientName, openItem, ownEntry, type OpenItem, type VerifiedItem } from './verify.ts';

/*
 * An audience is an item whose one field holds the seeds of key pairs: the present one first, then those that some item may still be sealed
 * to. Its recipients are the members. Other items are sealed to its present public key alone. See docs/format.md, "Audiences".
 */
const SEEDS = 'seeds';
const SEED_BYTES = 32;

/** Which audience an item is sealed to; undefined where it lists its recipients itself. */
export function audienceOf({ vault }: ItemRef, keys: Pick<KeysDocument, 'audience'>): ItemRef | undefined {
  return keys.audience === undefined ? undefined : { vault, item: keys.audience.name };
}

/**
 * A name for an audience: whoever makes one for the same people at the same time comes to the same.
 * @param attempt another one, where a name is taken by an audience of others
 */
export function audienceName({ searchQuery, namedAdmins, namedClients }: Audience, attempt: number): string {
  const digest = blake2b(canonicalBytes([FORMAT, 'audience', searchQuery, namedAdmins === null ? null : sortNames(namedAdmins), sortNames(namedClients), attempt]));
  return `audience-${Buffer.from(digest).toString('hex').slice(0, 32)}`;
}

/** What other items are sealed to. */
export function groupRecipient({ item, header }: Pick<VerifiedItem, 'item' | 'header'>): AudienceRecipient {
  return { role: 'audience', name: item, publicKey: parsePublicKey(header.group?.public_keys[0] ?? '') };
}

/** Fingerprints of the keys of an audience, the present one first. */
export function groupFingerprints({ group }: Pick<VerifiedItem['header'], 'group'>): string[] {
  return (group?.public_keys ?? []).map((line) => parsePublicKey(line).fingerprint);
}

/** The keys of an audience, and what it holds of them. */
export interface GroupKeys {
  readonly group: GroupHeader;
  readonly fields: Readonly<Record<string, Json>>;
}

/**
 * The keys of the next epoch: a new pair, and of those before, the ones that are still needed.
 * @param before undefined for a new audience
 * @param isNeeded whether some item is still sealed to the key with that fingerprint
 */
export function nextGroupKeys(before: { readonly verified: VerifiedItem; readonly open: OpenItem } | undefined, isNeeded: (fingerprint: string) => boolean): GroupKeys {
  const old = before === undefined ? [] : seedsOf(before.verified, before.open);
  const kept: { readonly seed: Uint8Array; readonly line: string }[] = [];
  for (const seed of [generateSeed(), ...old]) {
    const identity = identityFromSeed(seed);
    const { line, fingerprint } = identity.publicKey;
    identity.wipe();
    if (kept.length === 0 || isNeeded(fingerprint)) kept.push({ seed, line });
  }
  const keys: GroupKeys = {
    group: { epoch: (before?.verified.header.group?.epoch ?? 0) + 1, public_keys: kept.map(({ line }) => line) },
    fields: { [SEEDS]: kept.map(({ seed }) => encodeBase64(seed)) },
  };
  wipe(...kept.map(({ seed }) => seed), ...old);
  return keys;
}

/** The seeds that an audience holds, which are those of the keys in its signed header. The caller wipes them. @throws VaultError commitment-mismatch */
function seedsOf({ vault, item, header }: VerifiedItem, open: OpenItem): Uint8Array[] {
  const value = open.field(SEEDS);
  const texts = Array.isArray(value) ? value.filter((each) => typeof each === 'string' && isBase64(each, SEED_BYTES)) as string[] : [];
  const seeds = texts.map((text) => decodeBase64(text, 'a seed', SEED_BYTES));
  const lines = seeds.map((seed) => {
    const identity = identityFromSeed(seed);
    identity.wipe();
    return identity.publicKey.line;
  });
  if (equalBytes(utf8(lines.join(' ')), utf8((header.group?.public_keys ?? []).join(' ')))) return seeds;
  wipe(...seeds);
  throw new VaultError('commitment-mismatch', `The audience ${vault}/${item} holds other keys than its header was signed for.`, {
    hint: 'It was not made by this program. Find out who signed it.', details: { vault, item, signer: header.signer },
  });
}

/** An audience that a member opened: opens the items that are sealed to it. Holds secrets. */
export interface OpenGroup {
  readonly audience: ItemRef;
  /** Name under which who opened it is one of its clients; undefined for an admin. */
  readonly client: string | undefined;
  /** Of the keys that it can open items with. */
  readonly fingerprints: readonly string[];
  /** Steps 6 to 8 of the order of verification, by the audience's entry. @throws VaultError audience-mismatch, and as openItem */
  openItem(verified: VerifiedItem): OpenItem;
  wipe(): void;
}

/**
 * Opens an audience as one of its members.
 * @param name the reader's own name, where it is known
 * @param wanted the item that is to be opened, for messages
 * @throws VaultError as openItem, of the audience
 */
export function openGroup(verified: VerifiedItem, identity: Identity, name?: string, wanted?: ItemRef): OpenGroup {
  const open = openItem(verified, identity, name, wanted);
  let identities: readonly Identity[];
  try {
    const seeds = seedsOf(verified, open);
    identities = seeds.map((seed) => identityFromSeed(seed));
    wipe(...seeds);
  } finally {
    open.wipe();
  }
  return {
    audience: { vault: verified.vault, item: verified.item },
    client: clientName(verified, identity),
    fingerprints: identities.map(({ publicKey }) => publicKey.fingerprint),
    openItem(sealed) {
      const own = identities.find(({ publicKey: { fingerprint } }) => ownEntry(sealed.keys, fingerprint)?.role === 'audience');
      if (own === undefined || sealed.keys.audience?.name !== verified.item || sealed.vault !== verified.vault) throw audienceBehind(sealed, verified);
      return openItem(sealed, own, verified.item);
    },
    wipe() { for (const each of identities) each.wipe(); },
  };
}

/** The error for an item that is sealed to a key which its audience does not have, or does not have any more. */
export function audienceBehind({ vault, item, keys }: Pick<VerifiedItem, 'vault' | 'item' | 'keys'>, audience: Pick<VerifiedItem, 'item' | 'header'>): VaultError {
  return new VaultError('audience-mismatch', `${vault}/${item} is sealed to a key that its audience, ${keys.audience?.name ?? audience.item}, does not have (epoch ${String(audience.header.group?.epoch ?? 0)}).`, {
    hint: `Somebody may be changing both just now: try again. Otherwise one of the two is not the newest, or an admin runs "vault refresh ${vault}".`,
    details: { vault, item, audience: audience.item, sealed_to: keys.audience?.fingerprint ?? '' },
  });
}
