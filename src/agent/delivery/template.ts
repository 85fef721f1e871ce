import type { Liquid, Template as Part } from 'liquidjs';
import { isVaultError, VaultError } from '../../errors.ts';
import { readRegularFile } from '../../files/read.ts';
import { isOthersToChange, trustedPath } from '../../files/trusted.ts';
import { fileOf } from '../../items/fieldValues.ts';
import { quoteForDotenv, quoteForShell } from '../../items/valueFormats.ts';
import type { Json } from '../../json/canonical.ts';

/** Largest template, and largest text made of one: an item holds no more. */
const MAX_BYTES = 1 << 20;
const MAX_TEXT = 16 << 20;
/** Far more than a configuration file takes; a loop without end is cut off. */
const RENDER_MS = 2000;
const MEMORY = 64 << 20;

/** Tags that would read other files. */
const FILE_TAGS = ['include', 'render', 'layout', 'block'];

/** Fields of items, by the names that a configuration gives the items. */
export type Scope = Readonly<Record<string, Readonly<Record<string, Json>>>>;

/** Templates, each read once until {@link forget}. */
export interface Templates {
  /** @throws VaultError template-invalid, which quotes neither a value nor the template */
  fill(path: string, scope: Scope): Promise<string>;
  /** Reads it, and looks at no value. @throws VaultError template-invalid */
  check(path: string): Promise<void>;
  /** They are read anew from now on. */
  forget(): void;
}

/** @param uid whose templates are taken, beside root's; undefined where there are no users */
export function openTemplates(uid: number | undefined = process.geteuid?.()): Templates {
  let engine: Promise<Liquid> | undefined;
  const read = new Map<string, Promise<Part[]>>();

  const parse = async (path: string): Promise<Part[]> => {
    const text = await readTemplate(path, uid);
    const liquid = await (engine ??= openEngine());
    try {
      return liquid.parse(text);
    } catch (error) {
      throw invalid(path, error, 'it does not parse');
    }
  };

  const partsOf = (path: string): Promise<Part[]> => {
    const parts = read.get(path) ?? parse(path);
    read.set(path, parts);
    return parts;
  };

  return {
    async check(path) { await partsOf(path); },
    async fill(path, scope) {
      const [parsed, liquid] = [await partsOf(path), await (engine ??= openEngine())];
      let text: unknown;
      try {
        text = await liquid.render(parsed, Object.fromEntries(Object.entries(scope).map(([alias, fields]) => [alias, openFiles(fields)])));
      } catch (error) {
        throw invalid(path, error, 'a value is missing or cannot be used there');
      }
      if (typeof text === 'string' && text.length <= MAX_TEXT) return text;
      throw invalid(path, undefined, `it makes more than ${String(MAX_TEXT)} characters`);
    },
    forget: () => { read.clear(); },
  };
}

async function readTemplate(path: string, uid: number | undefined): Promise<string> {
  try {
    // Whoever could point the path elsewhere would have root read any file to them.
    const file = await readRegularFile(await trustedPath(path), { maxBytes: MAX_BYTES });
    if (file === undefined) throw invalid(path, undefined, 'there is no such file');
    if (isOthersToChange(file, uid)) throw invalid(path, undefined, 'others than the agent\'s user and root can change it');
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes);
  } catch (error) {
    if (isVaultError(error, 'template-invalid')) throw error;
    throw invalid(path, error, isVaultError(error) ? error.message : 'it is not UTF-8 text');
  }
}

async function openEngine(): Promise<Liquid> {
  const { Liquid: Engine } = await import('liquidjs');
  const engine = new Engine({
    templates: {}, // In the place of the file system.
    // A missing value is an error but where the template itself asks for it: `if`, `default`.
    strictVariables: true, strictFilters: true, lenientIf: true, ownPropertyOnly: true,
    parseLimit: MAX_BYTES, renderLimit: RENDER_MS, memoryLimit: MEMORY,
    outputEscape: scalar,
  });
  for (const tag of FILE_TAGS) Reflect.deleteProperty(engine.tags, tag);
  Reflect.deleteProperty(engine.filters, 'raw'); // It would print what outputEscape refuses.
  engine.registerFilter('shell', (value: unknown) => quoteForShell(scalar(value)));
  engine.registerFilter('dotenv', (value: unknown) => quoteForDotenv(scalar(value)));
  return engine;
}

function scalar(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError('no single value');
}

/** A file as its text, where it is UTF-8; another as `{ base64 }`, which cannot be printed by mistake. */
function openFiles(fields: Readonly<Record<string, Json>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => {
    const file = fileOf(value);
    return [name, file === undefined ? value : textOf(file.bytes) ?? { base64: Buffer.from(file.bytes).toString('base64') }];
  }));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What the engine says may quote a value; where it stopped does not. */
function invalid(path: string, cause: unknown, problem: string): VaultError {
  const place = placeOf(cause);
  return new VaultError('template-invalid', `${path}${place === undefined ? '' : `:${place.join(':')}`} cannot be used: ${problem}.`, {
    hint: 'Correct it, then reload the agent (SIGHUP). What was delivered before stays.', details: { source: path, ...(place === undefined ? {} : { line: place[0], column: place[1] }) },
  });
}

function placeOf(error: unknown): readonly [line: number, column: number] | undefined {
  if (!(error instanceof Error) || !('token' in error)) return undefined;
  const { token } = error as { token?: { getPosition?: () => number[] } };
  const [line, column] = token?.getPosition?.() ?? [];
  return line === undefined || column === undefined ? undefined : [line, column];
}
