import * as z from 'zod/v4/core';
import { VaultError } from '../errors.ts';
import { layoutJson, type Json } from './canonical.ts';
import { issueText } from './issueText.ts';
import { formatPath } from './validate.ts';

/** Largest stored document that is read, in bytes: an item's keys for 100,000 recipients fit in it. */
const MAX_DOCUMENT_BYTES = 64 << 20;

/** What a document's format is called, and the path of the member that says so. */
export interface DocumentFormat {
  readonly name: string;
  readonly path: readonly string[];
}

/**
 * Parses a document that a program wrote and that must be byte for byte what {@link layoutJson} gives:
 * anything hand-edited or truncated is refused before its content matters.
 * @param document its bytes, or what {@link decodeDocument} gave for them
 * @param format what the document's format must be called, and where in the document it says so
 * @throws VaultError document-invalid, document-not-canonical, format-unsupported
 */
export function parseDocument<S extends z.$ZodType>(schema: S, document: Uint8Array | string, source: string, format?: DocumentFormat): z.output<S> {
  const text = typeof document === 'string' ? document : decodeDocument(document, source);
  const value = parseValue(text, source);
  const result = z.safeParse(schema, value, { error: (issue) => issueText(issue, false) });
  if (!result.success) {
    if (format !== undefined) checkFormat(value, source, format);
    const issue = result.error.issues[0];
    const path = formatPath((issue?.path ?? []).filter((step) => typeof step !== 'symbol'));
    throw new VaultError('document-invalid', `${source} is not what it should be: ${path === '' ? '' : `${path}: `}${issue?.message ?? ''}.`, {
      hint: RESTORE, details: { source, path },
    });
  }
  // What the schema let through, not what was parsed: nothing that it passed over may stand in the text.
  if (layout(result.data as { [key: string]: Json }, source) !== text) {
    throw new VaultError('document-not-canonical', `${source} was changed by hand or by another program: it is not in the stored layout.`, {
      hint: RESTORE, details: { source },
    });
  }
  return result.data;
}

function layout(value: { [key: string]: Json }, source: string): string {
  try {
    return layoutJson(value);
  } catch {
    throw new VaultError('document-invalid', `${source} holds half of a surrogate pair, which is no character.`, { hint: RESTORE, details: { source } });
  }
}

/** A document of another format is not damaged: say so before its members are judged by this one's rules. */
function checkFormat(value: unknown, source: string, { name, path }: DocumentFormat): void {
  const found = path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined), value);
  if (typeof found !== 'string' || found === name) return;
  throw new VaultError('format-unsupported', `${source} is in format ${JSON.stringify(found.slice(0, 40))}; this program reads ${name}.`, {
    hint: 'Use the version of iam-vault that wrote it, or a newer one.', details: { source, supported: [name] },
  });
}

const RESTORE = 'Restore it from version control or a backup.';

/** The text of a document. @throws VaultError document-invalid */
export function decodeDocument(bytes: Uint8Array, source: string): string {
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
    throw new VaultError('document-invalid', `${source} is too large: ${String(bytes.byteLength)} bytes.`, { details: { source } });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new VaultError('document-invalid', `${source} is not UTF-8 text.`, { hint: RESTORE, details: { source } });
  }
}

function parseValue(text: string, source: string): unknown {
  try {
    // The layout check that follows refuses duplicate keys: they would not be written again.
    return JSON.parse(text) as unknown;
  } catch {
    if (text.startsWith('<<<<<<< ')) {
      throw new VaultError('document-invalid', `${source} holds a conflict that git left when it merged: nobody has decided between the two sides.`, {
        hint: 'End it with "vault resolve VAULT ITEM --take ours" or "--take theirs"; the file itself says what each side changed.', details: { source },
      });
    }
    // The engine's message quotes the text; say only where it is.
    throw new VaultError('document-invalid', `${source} is truncated or damaged: it is not JSON.`, { hint: RESTORE, details: { source } });
  }
}
