import { VaultError } from '../errors.ts';

/** A digest as it is part of a name. */
const DIGEST = /^[A-Za-z0-9_-]{43}$/;

export function isDigest(name: string): boolean {
  return DIGEST.test(name);
}

/** `digest`, under which a roster that still lacks signatures lies. @throws VaultError proposal-not-found for what is no digest */
export function requireDigest(digest: string): string {
  if (isDigest(digest)) return digest;
  throw new VaultError('proposal-not-found', `${JSON.stringify(digest.slice(0, 60))} is not the fingerprint of a roster.`, { hint: 'See "vault admin list".', details: { digest: digest.slice(0, 60) } });
}
