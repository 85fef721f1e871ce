/** Gives `size` unpredictable bytes. */
export type RandomBytes = (size: number) => Uint8Array;

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * The prefixes of IAM's identifiers.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
export type IdPrefix = 'AIDA' | 'AGPA' | 'AKIA' | 'ASIA' | 'AROA';

/** An identifier as IAM makes them: 20 characters for access keys, 21 for everything else. */
export function makeId(prefix: IdPrefix, random: RandomBytes): string {
  const length = prefix === 'AKIA' || prefix === 'ASIA' ? 16 : 17;
  return prefix + Array.from(random(length), (byte) => BASE32.charAt(byte & 31)).join('');
}

/** 40 characters, as the secret of an access key has. */
export function makeSecret(random: RandomBytes): string {
  return Buffer.from(random(30)).toString('base64');
}

/** A version 4 UUID, as AWS uses for the ids of requests. */
export function makeRequestId(random: RandomBytes): string {
  const bytes = Buffer.from(random(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
