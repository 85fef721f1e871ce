import { createHash, timingSafeEqual } from 'node:crypto';
import type { Holder } from './holder.ts';

/** A program that may ask the endpoint, and what it may have. */
export interface Consumer {
  readonly name: string;
  /** Of its token. */
  readonly digest: Uint8Array;
  /** By the path of the URL. */
  readonly holders: ReadonlyMap<string, Holder>;
}

export function digestOfToken(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

/**
 * Whose token it is. Digests are compared, and all of them, whichever fits: how long it takes says neither how much of a guess was right nor whose
 * token comes first.
 */
export function consumerOf(token: string, consumers: readonly Consumer[]): Consumer | undefined {
  const digest = digestOfToken(token);
  let found: Consumer | undefined;
  for (const consumer of consumers) {
    if (timingSafeEqual(consumer.digest, digest)) found = consumer;
  }
  return found;
}
