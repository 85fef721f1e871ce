import { isVaultError, VaultError } from '../../errors.ts';
import { fileOf } from '../../items/fieldValues.ts';
import { formatValue, type FieldFormat } from '../../items/valueFormats.ts';
import type { Json } from '../../json/canonical.ts';
import type { ItemRef } from '../../sealing/dataKey.ts';
import { refText } from '../configuration/configuration.ts';
import type { ContentConfiguration } from '../configuration/schema.ts';
import type { ItemContent } from '../following/itemFollower.ts';
import type { Templates } from './template.ts';

/** The bytes that a file is to have. */
export type Render = (content: ContentConfiguration) => Promise<Uint8Array>;

/**
 * Renders from items whose contents are there.
 * @param contents by `vault/item`
 * @throws VaultError field-not-found, field-format, template-invalid; none quotes a value
 */
export function renderFrom(contents: ReadonlyMap<string, ItemContent>, templates: Templates): Render {
  const contentOf = (ref: ItemRef): ItemContent => {
    const content = contents.get(refText(ref));
    if (content === undefined) throw new VaultError('internal', `${refText(ref)} has no content yet.`);
    return content;
  };
  return async ({ item, field, format, template, items }) => {
    if (template !== undefined) {
      const scope = Object.fromEntries(Object.entries(items ?? {}).map(([alias, ref]) => [alias, contentOf(ref).fields]));
      return encode(await templates.fill(template, scope));
    }
    if (item === undefined) return new Uint8Array(); // Refused with the configuration.
    const content = contentOf(item);
    const value = field === undefined ? content.fields : fieldOf(content, field);
    try {
      const text = await formatValue(value, format === undefined ? defaultFormat(value, field) : format === 'dotenv' ? 'env' : format);
      return typeof text === 'string' ? encode(text) : text;
    } catch (error) {
      if (!isVaultError(error, 'field-format')) throw error;
      throw new VaultError('field-format', `${field === undefined ? refText(item) : `Field ${field} of ${refText(item)}`} does not fit its format. ${error.message}`, { cause: error, hint: error.hint, details: error.details });
    }
  };
}

/** A file and a text are what they are; of everything else JSON tells all. */
function defaultFormat(value: Json, field: string | undefined): FieldFormat {
  return field !== undefined && (typeof value === 'string' || fileOf(value) !== undefined) ? 'raw' : 'json';
}

function fieldOf({ fields, ...ref }: ItemContent, field: string): Json {
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (value !== undefined) return value;
  throw new VaultError('field-not-found', `Generation ${String(ref.generation)} of ${refText(ref)} has no field ${field}.`, {
    hint: `It has: ${Object.keys(fields).sort().join(', ') || 'none'}.`, details: { vault: ref.vault, item: ref.item, field },
  });
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
