import sodium from 'libsodium-wrappers';

/**
 * libsodium, and when it is ready. For sodium.ts, and for the command line, which waits for it before it runs a command:
 * src/cli/main.ts.
 */
export { sodium };
export const sodiumReady: Promise<void> = sodium.ready.then(readRandomnessInBlocks);

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
