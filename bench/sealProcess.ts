// Measured by seal.ts, as a process of its own: node sealProcess.js RECIPIENTS IN OUT, as age -R RECIPIENTS -o OUT IN.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Json } from '../src/json/canonical.ts';
import { sealItemWith } from '../src/items/seal.ts';
import { generateSeed, identityFromSeed } from '../src/sealing/identity.ts';
import { parsePublicKey } from '../src/sealing/publicKey.ts';
import { sealOnThreads } from '../src/workers/sealOnThreads.ts';

const [recipients = '', input = '', out = ''] = process.argv.slice(2);
const identity = identityFromSeed(generateSeed());
const lines = readFileSync(recipients, 'utf8').trimEnd().split('\n');
const { item, keys } = await sealItemWith(sealOnThreads, {
  vault: 'bench', item: 'sealed', repository: 'A'.repeat(43), fields: { data: JSON.parse(readFileSync(input, 'utf8')) as Json }, searchQuery: '', namedAdmins: null, namedClients: [],
  recipients: lines.map((line, i) => ({ role: 'client', name: `node${String(i).padStart(5, '0')}`, publicKey: parsePublicKey(line) })),
  generation: 1, signer: { name: 'admin', identity }, time: new Date(),
});
writeFileSync(`${out}.json`, item);
writeFileSync(`${out}_keys.json`, keys);
