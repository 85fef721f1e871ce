/**
 * What imports libsodium. Importing this module waits until the WebAssembly code is ready, so that everything above it is
 * plain synchronous code.
 */
import { sodium, sodiumReady } from './sodiumStart.ts';

await sodiumReady;

export { sodium };

/** Cost of deriving a key from a passphrase. */
export interface PassphraseCost {
  readonly operations: number;
  readonly memoryBytes: number;
}

/** libsodium's MODERATE limits for Argon2id: about a second, 256 MiB. */
export const MODERATE_COST: PassphraseCost = { operations: 3, memoryBytes: 268_435_456 };

/**
 * 32 bytes from a passphrase with Argon2id 1.3 (RFC 9106; crypto_pwhash).
 * Argon2 is in libsodium's "sumo" build alone, which is loaded only here because it is three times the size.
 */
export async function deriveFromPassphrase(passphrase: Uint8Array, salt: Uint8Array, cost: PassphraseCost): Promise<Uint8Array> {
  const { default: sumo } = await import('libsodium-wrappers-sumo');
  await sumo.ready;
  return sumo.crypto_pwhash(32, passphrase, salt, cost.operations, cost.memoryBytes, sumo.crypto_pwhash_ALG_ARGON2ID13);
}
