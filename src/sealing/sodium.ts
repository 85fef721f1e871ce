/**
 * The only importer of libsodium. Importing this module waits until the WebAssembly code is ready, so that
 * everything above it is plain synchronous code.
 */
import sodium from 'libsodium-wrappers';

await sodium.ready;
readRandomnessInBlocks();

export { sodium };

/**
 * libsodium's JavaScript asks its host for randomness one 32-bit word at a time, which costs more than the curve arithmetic of
 * a seal. The words come from the same generator here, 256 at a time; each is forgotten as it is given out.
 */
function readRandomnessInBlocks(): void {
  const words = new Uint32Array(256);
  let next = words.length;
  const host = (sodium as unknown as { libsodium: { getRandomValue: () => number } }).libsodium;
  host.getRandomValue = () => {
    if (next === words.length) {
      globalThis.crypto.getRandomValues(words);
      next = 0;
    }
    const word = words[next];
    // A missing word must never become a constant.
    if (word === undefined) throw new RangeError('No randomness is left in the block.');
    words[next++] = 0;
    return word;
  };
}

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
