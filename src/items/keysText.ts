import { nameProblem } from '../names.ts';
import { isBase64 } from '../sealing/encoding.ts';
import type { KeysDocument, RecipientEntry } from './model.ts';

/*
 * A keys document can list 10,000 recipients, each on a line of its own that can be written in one way alone. Reading and writing
 * these lines as what they are takes a tenth of the time that a schema and a general layout need for them.
 */

/** The members of an entry in the order of the layout; what stands around their values. */
const START = '    {"fingerprint":"';
const NAME = '","name":"';
const KEY = '","sealed_key":"';
const END = '"}';

const FINGERPRINT_BYTES = 32;
const FINGERPRINT_LENGTH = 43;
const SEALED_BYTES = 112;
const SEALED_LENGTH = 150;

/** What the text of a keys document divides into. */
export interface KeysText extends Pick<KeysDocument, 'admins' | 'clients'> {
  /** The document without its recipients, in the layout exactly if the whole is. */
  readonly rest: string;
}

/**
 * Reads the recipients from the text of a keys document. Undefined where anything about them is not as it must be: then the
 * schema says what. What it gives has passed every check of the schema, the layout and the order.
 */
export function scanKeysText(text: string): KeysText | undefined {
  const admins = scanList(text, '{\n  "admins": ', 0);
  if (admins === undefined) return undefined;
  const clients = scanList(text, ',\n  "clients": ', admins.end);
  if (clients === undefined) return undefined;
  return { admins: admins.entries, clients: clients.entries, rest: `{\n  "admins": [],\n  "clients": []${text.slice(clients.end)}` };
}

/** @param at where `before`, and then the list, must stand */
function scanList(text: string, before: string, at: number): { entries: RecipientEntry[]; end: number } | undefined {
  if (!text.startsWith(before, at)) return undefined;
  const start = at + before.length;
  const entries: RecipientEntry[] = [];
  if (text.startsWith('[]', start)) return { entries, end: start + 2 };
  if (!text.startsWith('[\n', start)) return undefined;
  for (let line = start + 2, last = ''; ;) {
    const fingerprintAt = line + START.length;
    const nameAt = fingerprintAt + FINGERPRINT_LENGTH + NAME.length;
    const nameEnd = text.indexOf('"', nameAt);
    const keyAt = nameEnd + KEY.length;
    const end = keyAt + SEALED_LENGTH + END.length;
    if (nameEnd < 0 || !text.startsWith(START, line) || !text.startsWith(NAME, nameAt - NAME.length)
      || !text.startsWith(KEY, nameEnd) || !text.startsWith(END, end - END.length)) return undefined;
    const fingerprint = text.slice(fingerprintAt, fingerprintAt + FINGERPRINT_LENGTH);
    const name = text.slice(nameAt, nameEnd);
    const sealed_key = text.slice(keyAt, keyAt + SEALED_LENGTH);
    if (name <= last || nameProblem('node', name) !== undefined
      || !isBase64(fingerprint, FINGERPRINT_BYTES) || !isBase64(sealed_key, SEALED_BYTES)) return undefined;
    entries.push({ name, fingerprint, sealed_key });
    last = name;
    if (text.startsWith(',\n', end)) line = end + 2;
    else return text.startsWith('\n  ]', end) ? { entries, end: end + 4 } : undefined;
  }
}

/** The text of a keys document up to its header; undefined where a character must be escaped, which none of a valid document must. */
export function recipientsText({ admins, clients }: Pick<KeysDocument, 'admins' | 'clients'>): string | undefined {
  const [adminList, clientList] = [listText(admins), listText(clients)];
  return adminList === undefined || clientList === undefined ? undefined : `{\n  "admins": ${adminList},\n  "clients": ${clientList},\n`;
}

function listText(entries: readonly RecipientEntry[]): string | undefined {
  if (entries.length === 0) return '[]';
  const lines = entries.map(({ fingerprint, name, sealed_key }) => `${START}${fingerprint}${NAME}${name}${KEY}${sealed_key}${END}`);
  return entries.every((entry) => isPlain(entry.name) && isPlain(entry.fingerprint) && isPlain(entry.sealed_key)) ? `[\n${lines.join(',\n')}\n  ]` : undefined;
}

/** Names and base64url. */
function isPlain(text: string): boolean {
  return /^[A-Za-z0-9_.@+=,-]*$/.test(text);
}
