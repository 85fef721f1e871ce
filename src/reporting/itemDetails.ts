import type { DoomedItem } from '../operations/items/deleteItem.ts';
import type { DownloadedFile } from '../operations/items/downloadItem.ts';
import type { ItemDetails } from '../operations/showItem.ts';
import type { ShownVault } from '../operations/showVault.ts';
import type { ItemRef } from '../sealing/dataKey.ts';
import { escapeForTerminal } from './escape.ts';
import type { Output } from './output.ts';
import { renderTable } from './table.ts';

/** What `vault show --print` can be asked for, as knife's. */
export const PARTS = ['clients', 'admins', 'search', 'all'] as const;
export type Part = (typeof PARTS)[number];

/** The shape of `vault show VAULT ITEM --json`. */
export function detailsAsJson(details: ItemDetails, parts: ReadonlySet<Part>): object {
  const { vault, item, generation, searchQuery, admins, clients, fields, signedBy, values, audience } = details;
  const has = (part: Part): boolean => parts.has('all') || parts.has(part);
  return {
    vault, item, generation,
    ...(has('search') ? { search_query: searchQuery } : {}),
    ...(has('admins') ? { admins } : {}),
    ...(has('clients') ? { clients } : {}),
    ...(has('all') ? { fields, signed_by: signedBy } : {}),
    ...(has('all') && audience !== undefined ? { audience: { name: audience.name, epoch: audience.epoch, present: audience.isPresent } } : {}),
    ...(values === undefined ? {} : { values }),
  };
}

/** The same as lines, or as YAML. Values are JSON, a field a line. */
export async function renderDetails(details: ItemDetails, parts: ReadonlySet<Part>, output: Pick<Output, 'colors' | 'width'>, asYaml: boolean): Promise<string> {
  if (asYaml) return await yamlText(detailsAsJson(details, parts));
  const { colors } = output;
  const { vault, item, generation, searchQuery, admins, clients, fields, signedBy, time, values, audience } = details;
  const has = (part: Part): boolean => parts.has('all') || parts.has(part);
  const line = (title: string, text: string): string => `${colors.bold(title.padEnd(8))} ${text}`;
  return [
    `${colors.bold(`${vault}/${item}`)}  ${colors.dim(`generation ${String(generation)}, signed by ${signedBy} at ${time}`)}`,
    ...(has('search') ? [line('query', searchQuery === '' ? colors.dim('none') : escapeForTerminal(searchQuery))] : []),
    ...(has('all') && audience !== undefined ? [line('audience', `${audience.name}  ${colors.dim(`epoch ${String(audience.epoch)}`)}${audience.isPresent ? '' : colors.yellow(`  sealed to an earlier one: run "vault refresh ${vault}"`)}`)] : []),
    ...(has('admins') ? [line('admins', listText(admins, output.width))] : []),
    ...(has('clients') ? [line('nodes', listText(clients, output.width))] : []),
    ...(has('all') && values === undefined ? [line('fields', listText(fields, output.width))] : []),
    ...Object.entries(values ?? {}).map(([field, value]) => line(field, escapeForTerminal(JSON.stringify(value)))),
  ].join('\n');
}

/** The shape of `vault show VAULT --json`. */
export function vaultAsJson(vault: string, { items, problems, others }: ShownVault): object {
  return {
    vault,
    items: items.map(({ item, generation }) => ({ item, generation })),
    ...(problems.length === 0 ? {} : { problems: problems.map(({ item, error: { code, message } }) => ({ item, error: { code, message } })) }),
    ...(others.length === 0 ? {} : { others }),
  };
}

export async function renderVault(vault: string, shown: ShownVault, output: Pick<Output, 'colors' | 'width'>, asYaml: boolean): Promise<string> {
  if (asYaml) return await yamlText(vaultAsJson(vault, shown));
  if (shown.items.length === 0) return '';
  return renderTable(
    [{ title: 'ITEM', least: 20 }, { title: 'GENERATION' }, { title: 'ADMINS' }, { title: 'NODES' }],
    shown.items.map(({ item, generation, admins, clients }) => [item, String(generation), String(admins), String(clients)]),
    output,
  );
}

/** From so many names on they stand in columns, below their number. */
const MANY = 8;
const INDENT = 9;

function listText(names: readonly string[], width = 100): string {
  const count = String(names.length);
  if (names.length < MANY) return names.length === 0 ? '0' : `${count}  ${names.join(', ')}`;
  const column = Math.max(...names.map((name) => name.length)) + 2;
  const across = Math.max(1, Math.floor((width - INDENT) / column));
  const rows = Array.from({ length: Math.ceil(names.length / across) }, (_, row) =>
    ' '.repeat(INDENT) + names.slice(row * across, (row + 1) * across).map((name) => name.padEnd(column)).join('').trimEnd());
  return [count, ...rows].join('\n');
}

/** The shape of `vault download --json`. */
export function downloadAsJson({ vault, item }: ItemRef, files: readonly DownloadedFile[]): object {
  return { vault, item, files: files.map((file) => ({ ...file, mode: modeText(file.mode) })) };
}

export function renderDownload(files: readonly DownloadedFile[]): string {
  return files.map(({ path, mode, bytes }) => `${modeText(mode)}  ${String(bytes).padStart(8)}  ${escapeForTerminal(path)}`).join('\n');
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** What a deletion takes, from whom. */
export function renderDoomed({ vault, item, generation, fields, admins, clients }: DoomedItem, { width }: Pick<Output, 'width'>): string {
  if (generation === 0) return `${vault}/${item} is gone already; that this was meant will be remembered.`;
  return [
    `${vault}/${item}, generation ${String(generation)}`,
    `fields   ${fields.length === 0 ? 'not known' : listText(fields, width)}`, `admins   ${listText(admins, width)}`, `nodes    ${listText(clients, width)}`,
  ].join('\n');
}

async function yamlText(value: object): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value);
}
