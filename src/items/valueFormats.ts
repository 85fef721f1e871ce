import { VaultError } from '../errors.ts';
import { fileOf } from './fieldValues.ts';
import type { Json } from '../json/canonical.ts';

/** Texts that an opened value can take. */
export const FIELD_FORMATS = ['json', 'env', 'shell', 'yaml', 'aws-credentials', 'raw'] as const;
export type FieldFormat = (typeof FIELD_FORMATS)[number];

/**
 * A decrypted value as text; a file, with `raw`, as its bytes. `env` and `shell` name each value by its path, in capitals, joined by `_`.
 * @throws VaultError field-format where the value does not fit the format; the message never holds the value
 */
export async function formatValue(value: Json, format: FieldFormat): Promise<string | Uint8Array> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, undefined, 2)}\n`;
    case 'yaml': {
      const { stringify } = await import('yaml');
      return stringify(value);
    }
    case 'env':
      return variablesOf(value).map(([name, text]) => `${name}=${quoteForDotenv(text)}\n`).join('');
    case 'shell':
      return variablesOf(value).map(([name, text]) => `export ${name}=${quoteForShell(text)}\n`).join('');
    case 'aws-credentials':
      return awsCredentials(value);
    case 'raw': {
      const file = fileOf(value);
      if (file !== undefined) return file.bytes;
      if (typeof value === 'object') throw unfit('raw', 'it is not a single value', 'Name a field that holds one, or use the format json.');
      return String(value);
    }
  }
}

function unfit(format: FieldFormat, why: string, hint: string): VaultError {
  return new VaultError('field-format', `This cannot be written as ${format}: ${why}.`, { hint, details: { format } });
}

/** Every scalar in `value` with the name of its variable. */
export function variablesOf(value: Json): [string, string][] {
  const found = new Map<string, string>();
  const visit = (each: Json, path: readonly string[]): void => {
    if (each !== null && typeof each === 'object') {
      for (const [key, inner] of Object.entries(each)) visit(inner, [...path, key]);
      return;
    }
    const name = path.join('_').toUpperCase().replace(/[^A-Z0-9_]/g, '_').replace(/^(?=[0-9])/, '_');
    if (name === '') throw unfit('env', 'a single value has no name', 'Leave out the field name, or use the format raw.');
    if (found.has(name)) throw unfit('env', `two values would both be named ${name}`, 'Name a field, or use the format json.');
    const text = each === null ? '' : String(each);
    if (text.includes('\0')) throw unfit('env', `${name} contains a NUL character`, 'Use the format json.');
    found.set(name, text);
  };
  visit(value, []);
  return [...found];
}

/** As one word of a POSIX shell, whatever is in it. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Bare where every reader of dotenv files agrees on it, in double quotes otherwise. */
export function quoteForDotenv(text: string): string {
  if (/^[A-Za-z0-9_./:@+=-]*$/.test(text)) return text;
  return `"${text.replace(/[\\"$`]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
}

/** A section of an AWS credentials file. Takes the credentials themselves, or an item whose field `data` holds them. */
function awsCredentials(value: Json): string {
  const object = asObject(value);
  const credentials = object?.['aws_access_key_id'] === undefined ? asObject(object?.['data'] ?? null) : object;
  const lines = ['aws_access_key_id', 'aws_secret_access_key'].map((name) => {
    const text = credentials?.[name];
    if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text)) {
      throw unfit('aws-credentials', `there is no ${name} in it`, 'This format is for credentials made by "vault create iam".');
    }
    return `${name} = ${text}\n`;
  });
  return `[default]\n${lines.join('')}`;
}

function asObject(value: Json): { readonly [key: string]: Json } | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value as { readonly [key: string]: Json } : undefined;
}
