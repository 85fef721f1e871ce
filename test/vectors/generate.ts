// Writes the test vectors: node --import tsx test/vectors/generate.ts --write
// Sealing is randomised, so every run gives other files. They were made once and are kept: run it again only when the
// format changes, and then name the files that it is about.
import { writeFileSync } from 'node:fs';
import { audienceVectors } from './audienceVectors.ts';
import { brokenVectors } from './brokenVectors.ts';
import { keyVectors, protectedVectors } from './keyVectors.ts';
import { goodVectors } from './openVectors.ts';
import { refresherVectors } from './refresherVectors.ts';

const files = {
  'audiences.json': audienceVectors(),
  'open.json': goodVectors(),
  'broken.json': brokenVectors(),
  'refreshers.json': refresherVectors(),
  'keys.json': keyVectors(),
  'protected.json': await protectedVectors(),
};

/** Files that are named, as `audiences.json`; all of them otherwise. */
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));

for (const [name, vectors] of Object.entries(files)) {
  const text = `${JSON.stringify({ format: 'iam-vault/1', vectors }, undefined, 2)}\n`;
  if (process.argv.includes('--write') && (wanted.length === 0 || wanted.includes(name))) writeFileSync(new URL(name, import.meta.url), text);
  process.stdout.write(`${name}: ${String(text.length)} bytes\n`);
}
