import { join } from 'node:path';
import type { SealEntries } from '../src/items/recipients.ts';
import { encodeBase64 } from '../src/sealing/encoding.ts';
import { parsePublicKey } from '../src/sealing/publicKey.ts';
import { sodium } from '../src/sealing/sodium.ts';
import { openFileStore } from '../src/stores/file/fileStore.ts';
import { inTurn, peakMemory, type Command } from './processes.ts';
import { recipientLines, storeItem, type Scene } from './scene.ts';
import { mib, ms, type Row } from './table.ts';

const ITEMS = 1000;
const RECIPIENTS = 100;
const FLEET = 1000;
const RUNS = 5;
const GOAL = 500;

/** To verify opens nothing: what a sealed key holds makes no difference, and 100,000 real ones take minutes. */
const pretendToSeal: SealEntries = (_dataKey, _ref, recipients) => Promise.resolve(recipients.map(({ name, publicKey: { fingerprint } }) =>
  ({ name, fingerprint, sealed_key: encodeBase64(sodium.randombytes_buf(112)) })));

/** A whole repository, verified by a new process, as a hook or a CI job does; each of its items was seen there before. */
export async function benchVerify(scene: Scene): Promise<Row[]> {
  const store = openFileStore(join(scene.folder, 'repository'));
  const nodes = recipientLines(scene, FLEET).map((line, i) => ({ role: 'client' as const, name: `node${String(i).padStart(4, '0')}`, publicKey: parsePublicKey(line) }));
  for (const { name, publicKey } of nodes) {
    await store.writeInventory('clients', name, new TextEncoder().encode(`${JSON.stringify({ name, public_key: publicKey.line })}\n`));
  }
  for (let item = 0; item < ITEMS; item++) {
    const first = (item * 7) % FLEET;
    // One of them is the admin.
    await storeItem(scene, `verify${String(item)}`, Array.from({ length: RECIPIENTS - 1 }, (_, i) => nodes[(first + i) % FLEET]).filter((node) => node !== undefined), pretendToSeal);
  }
  const { node, node20 } = scene;
  const ours = (binary: string): Command => scene.vault(binary, 'verify');
  const bare = (binary: string): Command => scene.vault(binary, 'verify', '--no-scan');
  const found = await inTurn({ ours: ours(node), noScan: bare(node), ...(node20 === undefined ? {} : { ours20: ours(node20) }) } as Record<'ours' | 'noScan' | 'ours20', Command>, RUNS);
  const perSecond = (time: number): number => (ITEMS * 1000) / time;
  const text = (time: number): string => `${perSecond(time).toFixed(0)} items/s, ${ms(time)}`;
  return [{
    group: 'verify', what: `verify ${ITEMS.toLocaleString('en')} items of ${String(RECIPIENTS)} recipients`, ours: `${text(found.ours)}${mib(peakMemory(ours(node)))}`,
    peer: `without looking for plaintext: ${text(found.noScan)}`, goal: `${String(GOAL)} items/s`, met: perSecond(found.ours) >= GOAL, runs: RUNS,
    older: node20 === undefined ? undefined : text(found.ours20),
  }];
}
