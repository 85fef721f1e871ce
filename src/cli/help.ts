import { Help } from '@oclif/core/help';

/** Commands by what a person wants to do, in the order in which they come to want it. */
const GROUPS: readonly { readonly title: string; readonly commands: readonly string[] }[] = [
  { title: 'START', commands: ['init', 'key generate', 'key show', 'sandbox', 'completion'] },
  { title: 'NODES', commands: ['node add', 'node list', 'node show', 'node remove', 'search'] },
  { title: 'NODES THAT JOIN BY THEMSELVES', commands: ['node invite', 'node invitations', 'node uninvite', 'node requests', 'node approve', 'node refuse'] },
  { title: 'ADMINS AND TRUST', commands: ['admin list', 'admin add', 'admin remove', 'admin quorum', 'admin approve', 'admin withdraw', 'trust show', 'trust pin'] },
  { title: 'CREATE CREDENTIALS', commands: ['check iam', 'plan iam', 'create iam'] },
  { title: 'ITEMS OF YOUR OWN', commands: ['create item', 'update', 'edit', 'delete item'] },
  { title: 'WHO CAN READ', commands: ['refresh', 'rotate keys', 'remove', 'evict'] },
  { title: 'READ ITEMS', commands: ['list', 'show', 'decrypt', 'download', 'isvault', 'itemtype'] },
  { title: 'ON A NODE', commands: ['agent join', 'exec', 'agent run', 'agent status', 'agent exec', 'agent credential-process', 'agent install', 'agent check'] },
  { title: 'A FLEET', commands: ['status', 'wait'] },
  { title: 'CHECK A REPOSITORY', commands: ['verify', 'migrate'] },
  { title: 'GIT', commands: ['git install', 'diff', 'resolve'] },
];

const EXIT_CODES: readonly (readonly [string, string])[] = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'usage, or a plan with changes'],
  ['3', 'bad input file'],
  ['4', 'not permitted to open'],
  ['5', 'trust: signature, roster, rollback, changed key'],
  ['6', 'AWS refused'],
  ['7', 'store unreachable or conflict'],
  ['8', 'what was waited for did not come in time'],
];

/** `vault --help` with the commands grouped; everything else is oclif's own. */
export default class VaultHelp extends Help {
  protected override showRootHelp(): Promise<void> {
    const commands = new Map(this.sortedCommands.map((command) => [command.id.replaceAll(':', ' '), this.summary(command) ?? '']));
    const width = Math.max(...[...commands.keys()].map((name) => name.length));
    const grouped = new Set(GROUPS.flatMap((group) => group.commands));
    const rest = [...commands.keys()].filter((name) => !grouped.has(name));
    const list = (title: string, lines: readonly (readonly [string, string | undefined])[]): string =>
      this.section(title, this.renderList(lines.map(([term, text]) => [term, text]), { indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false }));
    const group = (title: string, names: readonly string[]): string => list(title, names.map((name) => [name.padEnd(width), commands.get(name)]));
    this.log([
      this.wrap(String(this.config.pjson.description)),
      this.section('USAGE', '$ vault COMMAND [FLAGS]\n$ vault COMMAND --help'),
      ...GROUPS.map(({ title, commands: names }) => group(title, names.filter((name) => commands.has(name)))),
      ...(rest.length === 0 ? [] : [group('OTHER', rest)]),
      list('EXIT CODES', EXIT_CODES),
    ].join('\n\n'));
    return Promise.resolve();
  }
}
