import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bech32 } from '@scure/base';
import type { ItemDocuments } from '../src/items/model.ts';
import type { Json } from '../src/json/canonical.ts';
import type { Recipient, SealEntries } from '../src/items/recipients.ts';
import { sealItemWith } from '../src/items/seal.ts';
import { parseIdentity, type Identity } from '../src/sealing/identity.ts';
import { agePublicKey } from '../src/sealing/publicKey.ts';
import { sodium } from '../src/sealing/sodium.ts';
import { openFileStore } from '../src/stores/file/fileStore.ts';
import { parseRoster, rosterDigest } from '../src/trust/roster.ts';
import { sealOnThreads } from '../src/workers/sealOnThreads.ts';
import { nodeBinary, output, type Command } from './processes.ts';

/** The value that is sealed and opened: an access key. */
export const SECRET = { aws_access_key_id: 'AKIAIOSFODNN7EXAMPLE', aws_secret_access_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

/** What the groups measure with: a temporary folder with a vault, and the programs. */
export interface Scene {
  readonly folder: string;
  readonly node: string;
  readonly node20: string | undefined;
  readonly age: boolean;
  /** An age identity, which both programs take, and its public key. */
  readonly reader: { readonly file: string; readonly line: string };
  /** `vault …` on a Node binary, in the scene's own repository and state. */
  vault(node: string, ...args: readonly string[]): Command;
}

export function makeScene(folder: string, age: boolean): Scene {
  const node = nodeBinary(24);
  if (node === undefined) throw new Error('There is no Node 24: set NODE24 to its path.');
  const secret = sodium.randombytes_buf(32);
  const file = join(folder, 'reader.age');
  writeFileSync(file, `${bech32.encode('age-secret-key-', bech32.toWords(secret), false).toUpperCase()}\n`, { mode: 0o600 });
  const env = {
    XDG_CONFIG_HOME: join(folder, 'config'), XDG_STATE_HOME: join(folder, 'state'), VAULT_REPOSITORY: join(folder, 'repository'),
    XDG_CACHE_HOME: folder, AWS_CONFIG_FILE: join(folder, 'aws'), AWS_SHARED_CREDENTIALS_FILE: '/dev/null', NO_COLOR: '1',
  };
  const scene: Scene = {
    folder, node, age,
    node20: nodeBinary(20),
    reader: { file, line: agePublicKey(sodium.crypto_scalarmult_base(secret)).line },
    vault: (binary, ...args) => ({ argv: [binary, 'bin/run.js', ...args], env }),
  };
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  output({ argv: [node, join(process.cwd(), 'bin/run.js'), 'init', repository, '--admin', 'admin', '--quiet'], env });
  return scene;
}

/** So many new age recipients; the last one is the scene's reader. */
export function recipientLines(scene: Scene, count: number): string[] {
  const lines = Array.from({ length: count - 1 }, () => agePublicKey(sodium.crypto_scalarmult_base(sodium.randombytes_buf(32))).line);
  return [...lines, scene.reader.line];
}

/** Puts an item that is sealed to these nodes into the scene's repository. @param seal how, where nobody is to open it */
export async function storeItem(scene: Scene, item: string, nodes: readonly Recipient[], seal: SealEntries = sealOnThreads): Promise<void> {
  const store = openFileStore(join(scene.folder, 'repository'));
  await store.writeItem({ vault: 'bench', item }, await makeItem(scene, item, nodes, 1, SECRET, seal), 0);
}

/** Documents of one generation of an item that is sealed to these nodes, and stored nowhere. */
export async function makeItem(scene: Scene, item: string, nodes: readonly Recipient[], generation: number, data: Json, seal: SealEntries = sealOnThreads): Promise<ItemDocuments> {
  const identity = await adminIdentity(scene);
  const store = openFileStore(join(scene.folder, 'repository'));
  const roster = parseRoster(await store.readRoster(1) ?? new Uint8Array(), 'the roster').roster;
  return await sealItemWith(seal, {
    vault: 'bench', item, repository: rosterDigest(roster), fields: { data, search_query: 'role:bench' }, searchQuery: 'role:bench', namedAdmins: null, namedClients: [],
    recipients: [{ role: 'admin', name: 'admin', publicKey: identity.publicKey }, ...nodes],
    generation, signer: { name: 'admin', identity }, time: new Date(),
  });
}

async function adminIdentity(scene: Scene): Promise<Identity> {
  const path = join(scene.folder, 'config/iam-vault/identity');
  return await parseIdentity(readFileSync(path, 'utf8'), path);
}
