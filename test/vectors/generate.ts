// Writes the test vectors: node --import tsx test/vectors/generate.ts --write
// Sealing is randomised, so every run gives other files. They were made once and are kept: run it again only when the
// format changes, and then all of them change.
import { writeFileSync } from 'node:fs';
import { brokenVectors } from './brokenVectors.ts';
import { keyVectors, protectedVectors } from './keyVectors.ts';
import { goodVectors } from './openVectors.ts';

const files = {
  'open.json': goodVectors(),
  'broken.json': brokenVectors(),
  'keys.json': keyVectors(),
  'protected.json': await protectedVectors(),
};

for (const [name, vectors] of Object.entries(files)) {
  const text = `${JSON.stringify({ format: 'iam-vault/1', vectors }, undefined, 2)}\n`;
  if (process.argv.includes('--write')) writeFileSync(new URL(name, import.meta.url), text);
  process.stdout.write(`${name}: ${String(text.length)} bytes\n`);
}
