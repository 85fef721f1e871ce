/** A command as oclif's manifest describes it, as far as completion goes by it. */
export interface CommandShape {
  readonly summary?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly args: Readonly<Record<string, { readonly multiple?: boolean | undefined; readonly options?: readonly string[] | undefined }>>;
  readonly flags: Readonly<Record<string, FlagShape>>;
}

interface FlagShape {
  readonly name: string;
  readonly char?: string | undefined;
  readonly type: string;
  readonly description?: string | undefined;
  readonly helpValue?: string | readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
  readonly multiple?: boolean | undefined;
  readonly hidden?: boolean | undefined;
}

/** Commands by their id, as `create:iam`. */
export type Commands = Readonly<Record<string, CommandShape>>;

/** What could stand where the cursor is. */
export type Expected =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  /** A name in the repository; `given` are the values of the command's arguments before it. */
  | { readonly kind: 'name'; readonly of: NameOf; readonly given: Readonly<Record<string, string>>; readonly repository: string | undefined; readonly before: string }
  | { readonly kind: 'file' | 'directory' | 'nothing' };

export interface Candidate {
  readonly word: string;
  readonly description?: string | undefined;
}

/** What arguments and values of flags are called that name something in the repository. */
const NAMES = ['vault', 'item', 'field', 'node', 'admin', 'role', 'party'] as const;
export type NameOf = (typeof NAMES)[number];

const NOTHING: Expected = { kind: 'nothing' };

/**
 * Reads a command line up to the cursor.
 * @param words those after the program's name; the last is the one at the cursor, and may be empty
 */
export function expectedAt(commands: Commands, words: readonly string[]): Expected {
  const before = words.slice(0, -1);
  const current = words[words.length - 1] ?? '';
  const id = [2, 1].map((length) => before.slice(0, length).join(':')).find((each) => Object.hasOwn(commands, each));
  const command = id === undefined ? undefined : commands[id];
  const next = commandWords(commands, before);
  if (id === undefined || command === undefined) return { kind: 'words', words: next };
  if (next.length > 0 && !current.startsWith('-')) return { kind: 'words', words: next };
  return expectedOf(id, command, before.slice(id.split(':').length), current);
}

/** Words that follow those before in the name of a command. */
function commandWords(commands: Commands, before: readonly string[]): Candidate[] {
  const found = new Map<string, string | undefined>();
  for (const [id, { summary, hidden }] of Object.entries(commands)) {
    const parts = id.split(':');
    const word = parts[before.length];
    if (hidden === true || word === undefined || before.some((each, i) => each !== parts[i])) continue;
    found.set(word, parts.length === before.length + 1 ? summary : found.get(word));
  }
  return [...found].map(([word, description]) => ({ word, description }));
}

function expectedOf(id: string, command: CommandShape, before: readonly string[], current: string): Expected {
  const flags = Object.values(command.flags);
  const flagOf = (word: string): FlagShape | undefined => flags.find(({ name, char }) => word === `--${name}` || word === `-${char ?? ''}`);
  const values: string[] = [];
  const seen = new Set<string>();
  let repository: string | undefined;
  let open: FlagShape | undefined;
  let literal = false;
  for (const word of before) {
    if (open !== undefined) {
      if (open.name === 'repository') repository = word;
      open = undefined;
    } else if (literal || !word.startsWith('-') || word === '-') values.push(word);
    else if (word === '--') literal = true;
    else {
      const [name = '', value] = word.split(/=(.*)/s, 2);
      const flag = flagOf(name);
      if (flag === undefined) continue;
      seen.add(flag.name);
      if (value !== undefined && flag.name === 'repository') repository = value;
      if (flag.type === 'option' && value === undefined) open = flag;
    }
  }
  const args = Object.entries(command.args);
  const given = Object.fromEntries(args.slice(0, values.length).map(([name], i) => [name, values[i] ?? '']));
  const place = { given, repository, topic: id.split(':')[0] ?? '' };
  if (open !== undefined) return valueOf(kindOfFlag(open), open.options, { ...place, before: '' });
  if (!literal && current.startsWith('--') && current.includes('=')) {
    const name = current.slice(0, current.indexOf('='));
    const flag = flagOf(name);
    return flag?.type === 'option' ? valueOf(kindOfFlag(flag), flag.options, { ...place, before: `${name}=` }) : NOTHING;
  }
  if (!literal && current.startsWith('-')) {
    return { kind: 'words', words: flags.filter(({ name, hidden, multiple }) => hidden !== true && (multiple === true || !seen.has(name)))
      .map(({ name, description }) => ({ word: `--${name}`, description })) };
  }
  const [arg, shape] = args[values.length] ?? args.at(-1) ?? [];
  if (arg === undefined || (values.length >= args.length && shape?.multiple !== true)) return NOTHING;
  return valueOf(arg, shape?.options, { ...place, before: '' });
}

/** A flag's value is called by its placeholder, as NODE in `--why NODE`, or by the flag, as in `--admins NAME`. */
function kindOfFlag({ name, helpValue }: FlagShape): string {
  const placeholder = String(helpValue ?? '').toLowerCase();
  if (placeholder !== 'name') return placeholder;
  return name === 'accept-key' ? 'party' : name.replace(/s$/, '').replace(/^client$/, 'node');
}

function valueOf(called: string, options: readonly string[] | undefined, { given, repository, topic, before }:
  { readonly given: Readonly<Record<string, string>>; readonly repository: string | undefined; readonly topic: string; readonly before: string }): Expected {
  if (options !== undefined) return { kind: 'words', words: options.map((option) => ({ word: before + option })) };
  if (called === 'file' || called === 'path') return { kind: 'file' };
  if (called === 'dir' || called === 'directory') return { kind: 'directory' };
  // `vault node show NAME` names a node.
  const of = NAMES.find((each) => each === (called === 'name' ? topic : called));
  return of === undefined ? NOTHING : { kind: 'name', of, given, repository, before };
}
