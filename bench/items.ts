import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layoutJson } from '../src/json/canonical.ts';
import { encodeItem, encodeKeys, type ItemHeader, type RecipientEntry } from '../src/items/model.ts';
import { recipientNames, recipientsDigest, sealEntry } from '../src/items/recipients.ts';
import { timeText } from '../src/items/seal.ts';
import { commitmentOf, newDataKey } from '../src/sealing/dataKey.ts';
import { digestOf, encodeBase64, FORMAT } from '../src/sealing/encoding.ts';
import { sealField } from '../src/sealing/field.ts';
import { parseIdentity, type Identity } from '../src/sealing/identity.ts';
import { agePublicKey, type PublicKey } from '../src/sealing/publicKey.ts';
import { signStatement } from '../src/sealing/signature.ts';
import { sodium } from '../src/sealing/sodium.ts';
import { parseRoster, rosterDigest } from '../src/trust/roster.ts';
import { output, peakMemory, timeProcess, type Command } from './processes.ts';
import { SECRET, type Scene } from './scene.ts';
import { mib, ms, type Row } from './table.ts';

const VAULT = 'fleet';

interface Node {
  readonly name: string;
  readonly publicKey: PublicKey;
}

/** A repository of its own with so many items, each sealed to the same nodes, all of which are in its inventory. */
interface Fleet {
  readonly root: string;
  vault(...args: readonly string[]): Command;
}

/** A change among very many: what it costs beside doing all anew. */
export async function benchItems(scene: Scene): Promise<Row[]> {
  return [...await refresh(scene, 1), ...await refresh(scene, 300), ...await rotate(scene)];
}

async function refresh(scene: Scene, items: number): Promise<Row[]> {
  const fleet = await makeFleet(scene, items, 10_000);
  try {
    addNode(fleet.root, makeNode('newcomer'));
    const before = filesOf(fleet);
    const took = await timeProcess(fleet.vault('refresh', '--quiet', '--json'));
    const { seals, bytes } = changesSince(fleet, before);
    // Anew: one run of one item, as often as there are items.
    const anew = await timeProcess(fleet.vault('rotate', 'keys', VAULT, 'item0', '--quiet'));
    const what = `1 new node among 10,000, ${String(items)} ${items === 1 ? 'item' : 'items'}`;
    return [
      row(`refresh with ${what}`, ms(took), `sealing anew: ${items === 1 ? ms(anew) : `${ms(anew)} for each item`}`),
      row(`seals, and bytes of files written, for ${what}`, `${String(seals)}, ${(bytes / 1e6).toFixed(1)} MB`, `sealing anew: ${(items * 10_002).toLocaleString('en')} seals`),
    ];
  } finally {
    rmSync(fleet.root, { recursive: true, force: true });
  }
}

async function rotate(scene: Scene): Promise<Row[]> {
  const fleet = await makeFleet(scene, 300, 1000);
  try {
    const took = await timeProcess(fleet.vault('rotate', 'keys', '--all', '--quiet'));
    return [row('rotate keys --all, 300 items with 1,000 nodes each', `${ms(took)}${mib(peakMemory(fleet.vault('rotate', 'keys', '--all', '--quiet')))}`, `${(301 * 1001).toLocaleString('en')} seals`)];
  } finally {
    rmSync(fleet.root, { recursive: true, force: true });
  }
}

function row(what: string, ours: string, peer: string): Row {
  return { group: 'items', what, ours, peer, goal: '', met: undefined, runs: 1 };
}

function makeNode(name: string): Node {
  return { name, publicKey: agePublicKey(sodium.crypto_scalarmult_base(sodium.randombytes_buf(32))) };
}

function addNode(root: string, { name, publicKey }: Node): void {
  writeFileSync(join(root, 'nodes', `${name}.json`), layoutJson({ name, chef_environment: '_default', run_list: ['role[fleet]'], normal: {}, default: {}, override: {}, automatic: {} }));
  writeFileSync(join(root, 'clients', `${name}.json`), layoutJson({ name, public_key: publicKey.line }));
}

async function makeFleet(scene: Scene, items: number, count: number): Promise<Fleet> {
  const root = join(scene.folder, `fleet${String(items)}-${String(count)}`);
  const { argv: [program], env = {} } = scene.vault(scene.node);
  const variables = { ...env, VAULT_REPOSITORY: root };
  output({ argv: [program, join(process.cwd(), 'bin/run.js'), 'init', root, '--admin', 'admin', '--quiet'], env: variables });
  for (const part of ['nodes', 'clients', join('data_bags', VAULT)]) mkdirSync(join(root, part), { recursive: true });
  const nodes = Array.from({ length: count }, (_, i) => makeNode(`node${String(i).padStart(5, '0')}`));
  for (const node of nodes) addNode(root, node);
  writeItems(root, await adminIdentity(scene), items, nodes);
  return { root, vault: (...args) => ({ argv: [program, 'bin/run.js', ...args], env: variables }) };
}

/**
 * Items whose entries for nodes hold random bytes in place of the sealed key: no node opens any here, and millions of seals would
 * take longer than everything that is measured. All else is as `vault create item` writes it.
 */
function writeItems(root: string, identity: Identity, items: number, nodes: readonly Node[]): void {
  const { roster } = parseRoster(readFileSync(join(root, 'trust/1.json')), 'trust/1.json');
  const clients: RecipientEntry[] = nodes.map(({ name, publicKey: { fingerprint } }) => ({ name, fingerprint, sealed_key: encodeBase64(sodium.randombytes_buf(112)) }));
  for (let i = 0; i < items; i++) {
    const ref = { vault: VAULT, item: `item${String(i)}` };
    const dataKey = newDataKey();
    const item = encodeItem({ format: FORMAT, id: ref.item, vault: VAULT, fields: { data: sealField(SECRET, dataKey, ref, 'data') } });
    const admins = [sealEntry(dataKey, ref, { role: 'admin', name: 'admin', publicKey: identity.publicKey })];
    const names = recipientNames({ admins, clients });
    const header: ItemHeader = {
      format: FORMAT, type: 'item', id: `${ref.item}_keys`, vault: VAULT, repository: rosterDigest(roster), generation: 1, search_query: 'role:fleet', named_admins: null,
      named_clients: [], item_digest: digestOf(item), commitment: commitmentOf(dataKey, ref), recipients_digest: recipientsDigest(names), recipients_count: names.length,
      time: timeText(new Date()), signer: 'admin',
    };
    writeFileSync(join(root, 'data_bags', VAULT, `${ref.item}.json`), item);
    writeFileSync(join(root, 'data_bags', VAULT, `${ref.item}_keys.json`), encodeKeys({ admins, clients, header: { ...header, signature: signStatement({ ...header }, identity) } }));
  }
}

/** The sealed key of every entry, and the bytes of every file. */
function filesOf({ root }: Fleet): Map<string, string> {
  const folder = join(root, 'data_bags', VAULT);
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

function sealedKeys(text: string | undefined): Set<string> {
  return new Set([...(text ?? '').matchAll(/"sealed_key":"([^"]+)"/g)].map(([, key = '']) => key));
}

/** Sealed keys that were not there before, and the size of the files that are others now. */
function changesSince(fleet: Fleet, before: ReadonlyMap<string, string>): { seals: number; bytes: number } {
  let [seals, bytes] = [0, 0];
  for (const [name, text] of filesOf(fleet)) {
    if (text === before.get(name)) continue;
    bytes += Buffer.byteLength(text);
    const known = sealedKeys(before.get(name));
    for (const key of sealedKeys(text)) if (!known.has(key)) seals++;
  }
  return { seals, bytes };
}

function adminIdentity(scene: Scene): Promise<Identity> {
  const path = join(scene.folder, 'config/iam-vault/identity');
  return parseIdentity(readFileSync(path, 'utf8'), path);
}
