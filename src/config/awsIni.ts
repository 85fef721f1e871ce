import { parse, safe } from 'ini';

/** `bare` is `[NAME]`: how the credentials file, and articles older than `[profile NAME]`, write a profile. */
export type AwsSectionKind = 'profile' | 'bare' | 'sso-session' | 'services';

/** All sections of one kind and name in one file, merged: of a key that appears twice the last value counts. */
export interface AwsSection {
  readonly kind: AwsSectionKind;
  readonly name: string;
  readonly file: string;
  /** As written first, without brackets: `profile x`. */
  readonly header: string;
  /** Keys of a nested block are joined by a dot: `iam.endpoint_url`. */
  readonly keys: ReadonlyMap<string, string>;
  /** Whether the SDK's own readers find this section under the same name (they know fewer characters). */
  readonly sdkReads: boolean;
}

/** The forms that take a word before the name. */
const TYPED = /^(profile|sso-session|services)\s+(.+)$/s;

/** @see @smithy/core shared-ini-file-loader/parseIni.ts (prefixKeyRegex): the names that the SDK recognises */
const SDK_TYPED = /^[\w-]+\s(["'])?[\w\-@+.%:/]+\1$/;

interface OpenSection {
  readonly kind: AwsSectionKind;
  readonly name: string;
  readonly header: string;
  readonly body: string[];
  sdkReads: boolean;
}

/**
 * Reads AWS's dialect of INI, with the meaning that the AWS SDK gives it, and more section names than it knows.
 *
 * The `ini` package reads another dialect: it turns a dot in a section name into nesting, flattens AWS's nested blocks,
 * ends a value at any `#` or `;` and not only at one after white space, and interprets quotes and the words true and null.
 * So section names, nesting and comments are settled here, and it receives numbered sections of quoted values.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export function parseAwsIni(text: string, file: string): AwsSection[] {
  const hasMark = text.startsWith('\uFEFF');
  const sections = splitSections(hasMark ? text.slice(1) : text);
  const numbered = sections.flatMap((section, index) => [`[${String(index)}]`, ...section.body]).join('\n');
  const parsed: Record<string, unknown> = parse(numbered);
  return sections.map((section, index) => ({
    kind: section.kind,
    name: section.name,
    file,
    header: section.header,
    keys: keysOf(parsed[String(index)]),
    // The SDK does not skip a byte order mark, so it misreads whatever comes first: trust it with nothing of that file.
    sdkReads: section.sdkReads && !hasMark,
  }));
}

function splitSections(text: string): OpenSection[] {
  const sections = new Map<string, OpenSection>();
  let current: OpenSection | undefined;
  let block: string | undefined;
  for (const line of text.split(/\r\n?|\n/)) {
    const content = withoutComment(line).trim();
    if (content.startsWith('[') && content.endsWith(']')) {
      block = undefined;
      const opened = openSection(content.slice(1, -1));
      const key = `${opened.kind} ${opened.name}`;
      current = sections.get(key) ?? opened;
      current.sdkReads &&= opened.sdkReads;
      sections.set(key, current);
      continue;
    }
    const equals = content.indexOf('=');
    if (current === undefined || equals < 1) continue;
    const name = content.slice(0, equals).trim();
    const value = content.slice(equals + 1).trim();
    if (value === '') {
      block = name;
      continue;
    }
    if (!/^\s/.test(line)) block = undefined;
    current.body.push(`${safe(block === undefined ? name : `${block}.${name}`)}=${quoted(value)}`);
  }
  return [...sections.values()];
}

/** A comment begins at the line's start or after white space; `a#b` is a value. */
function withoutComment(line: string): string {
  const at = /(?:^|\s)[;#]/.exec(line);
  return at === null ? line : line.slice(0, at.index);
}

function openSection(written: string): OpenSection {
  const header = written.trim();
  const typed = TYPED.exec(header);
  if (typed === null) {
    return { kind: 'bare', name: unquoted(header), header, body: [], sdkReads: header === 'default' };
  }
  const kind = typed[1] as Exclude<AwsSectionKind, 'bare'>;
  return { kind, name: unquoted((typed[2] ?? '').trim()), header, body: [], sdkReads: SDK_TYPED.test(written) };
}

function unquoted(name: string): string {
  return /^(["']).+\1$/s.test(name) ? name.slice(1, -1) : name;
}

/** JSON, which `ini` takes verbatim; it matches a line with `.`, which stops at the two separators that JSON leaves as they are. */
function quoted(value: string): string {
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function keysOf(section: unknown): Map<string, string> {
  const keys = new Map<string, string>();
  if (typeof section !== 'object' || section === null) return keys;
  for (const [key, value] of Object.entries(section)) {
    // `ini` makes booleans and null of those words even when quoted, and arrays of keys that end in [], which AWS has not.
    if (!Array.isArray(value)) keys.set(key, String(value));
  }
  return keys;
}
