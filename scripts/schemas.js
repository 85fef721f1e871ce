// Writes docs/schemas from src/reporting/schemas.ts; test/surface.test.ts fails where they are not up to date.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { AGENT_CONFIGURATION_FILE, publishedAgentConfiguration, publishedSchema, schemaFile, schemas } = await import('../src/reporting/schemas.ts');
const directory = join(root, 'docs', 'schemas');
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
for (const name of Object.keys(schemas)) writeFileSync(join(directory, schemaFile(name)), publishedSchema(name));
writeFileSync(join(directory, AGENT_CONFIGURATION_FILE), publishedAgentConfiguration());
