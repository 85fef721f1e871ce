// A writer in a process of its own: writes one generation after another, by compare and swap, COUNT times.
// node --import tsx fileStoreWriter.testing.ts ROOT COUNT
import { example, ref } from '../../items/example.testing.ts';
import { parseKeys } from '../../items/model.ts';
import { isVaultError } from '../../errors.ts';
import { openFileStore } from './fileStore.ts';

const [root = '', count = '0'] = process.argv.slice(2);
const store = openFileStore(root);
let conflicts = 0;
for (let written = 0; written < Number(count);) {
  const stored = await store.readItem(ref);
  const generation = stored === undefined ? 0 : parseKeys(stored.keys, 'keys').header.generation;
  try {
    await store.writeItem(ref, example({ generation: generation + 1 }), generation);
    written++;
  } catch (error) {
    if (!isVaultError(error, 'store-conflict')) throw error;
    conflicts++;
  }
}
process.stdout.write(`${JSON.stringify({ conflicts })}\n`);
